package completion

import (
	_ "embed"
	"fmt"
	"io"
	"strings"

	"bestow/cmd/bestow/terminal"

	"github.com/alecthomas/kong"
)

var (
	//go:embed bestow.bash
	bash string
	//go:embed bestow.zsh
	zsh string
	//go:embed bestow.fish
	fish string
)

// Cmd is `bestow completion`.
type Cmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"The shell: bash, zsh or fish."`
}

// Help says how a shell loads the completions.
func (Cmd) Help() string {
	return `It prints a script that completes commands, flags and the words of fixed lists. To have it in every shell:

    bash:  echo 'source <(bestow completion bash)' >>~/.bashrc
    zsh:   echo 'source <(bestow completion zsh)' >>~/.zshrc     (after the line with compinit)
    fish:  bestow completion fish >~/.config/fish/completions/bestow.fish`
}

// Run prints the script.
func (c *Cmd) Run(t *terminal.Terminal) error {
	_, err := io.WriteString(t.Out, map[string]string{"bash": bash, "zsh": zsh, "fish": fish}[c.Shell])
	return err
}

// OfferCmd is the command that the scripts call.
type OfferCmd struct {
	Words []string `arg:"" optional:"" help:"The words of the command line up to the cursor; the last one is not finished."`
}

// Run prints what can stand at the cursor: on each line a word, a tab, and what it means; or only ":files" where a file
// can stand.
func (c *OfferCmd) Run(command *kong.Context, t *terminal.Terminal) error {
	offers, files := Offer(command.Model.Node, c.Words)
	if files {
		offers = []Word{{Text: ":files"}}
	}
	var out strings.Builder
	for _, w := range offers {
		fmt.Fprintf(&out, "%s\t%s\n", w.Text, w.Help)
	}
	_, err := io.WriteString(t.Out, strings.ReplaceAll(out.String(), ":files\t", ":files"))
	return err
}
