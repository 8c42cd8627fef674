package terminal

import (
	"os"
	"strings"

	"github.com/rivo/uniseg"
	"golang.org/x/term"
)

// Screen says what an output is shown on. The zero value is a file or a pipe: it has any width and shows no colours.
type Screen struct {
	Columns int  // the width; 0: any
	Colours bool // colours are shown

	file *os.File // the terminal, since a person may change its width; nil: Columns does not change
}

// OpenScreen returns the screen that f is. A terminal shows colours unless NO_COLOR is set (no-color.org), or TERM says
// that it knows none.
func OpenScreen(f *os.File, env func(string) string) Screen {
	if !term.IsTerminal(int(f.Fd())) {
		return Screen{}
	}
	s := Screen{file: f, Colours: env("NO_COLOR") == "" && env("TERM") != "" && env("TERM") != "dumb"}
	s.Columns = s.Width()
	return s
}

// Width returns the number of columns of the screen as it is now, 0 for any.
func (s Screen) Width() int {
	if s.file == nil {
		return s.Columns
	}
	width, _, err := term.GetSize(int(s.file.Fd()))
	if err != nil {
		return s.Columns
	}
	return width
}

// Good shows a text as a good judgement: in green.
func (s Screen) Good(text string) string { return s.paint("32", text) }

// Bad shows a text as a bad judgement: in red.
func (s Screen) Bad(text string) string { return s.paint("31", text) }

// Doubtful shows a text as something to look at: in yellow.
func (s Screen) Doubtful(text string) string { return s.paint("33", text) }

// Heading shows a text in bold.
func (s Screen) Heading(text string) string { return s.paint("1", text) }

// Aside shows a text that few readers need: dim.
func (s Screen) Aside(text string) string { return s.paint("2", text) }

// paint puts a text between an escape sequence of ANSI and the one that ends it.
func (s Screen) paint(code, text string) string {
	if !s.Colours {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// Fit cuts a line that does not take fewer columns than width: a line that the terminal breaks in two cannot be written
// over. A Korean character takes two columns. 0: any width.
func Fit(line string, width int) string {
	if width < 2 || uniseg.StringWidth(line) < width {
		return line
	}
	kept, columns := 0, 0
	for characters := uniseg.NewGraphemes(line); characters.Next(); {
		if columns += characters.Width(); columns > width-2 {
			break
		}
		_, kept = characters.Positions()
	}
	return line[:kept] + "…"
}

// leastFolded is the fewest columns that Fold gives a text, however narrow the screen is.
const leastFolded = 16

// Fold breaks a text between its words, so that its lines take fewer columns than width. The first line begins at the
// column indent, and so does each line below it. No word is cut: it may be a path that a person copies. 0: any width.
func Fold(text string, indent, width int) string {
	if width == 0 {
		return text
	}
	width = max(width, indent+leastFolded)
	var folded strings.Builder
	column := indent
	for i, word := range strings.Fields(text) {
		columns := uniseg.StringWidth(word)
		switch {
		case i == 0:
		case column+1+columns >= width:
			folded.WriteString("\n" + strings.Repeat(" ", indent))
			column = indent
		default:
			folded.WriteByte(' ')
			column++
		}
		folded.WriteString(word)
		column += columns
	}
	return folded.String()
}
