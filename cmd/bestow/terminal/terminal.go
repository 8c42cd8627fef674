package terminal

import (
	"fmt"
	"io"
	"strings"
)

// Terminal holds what a command reads from and writes to.
type Terminal struct {
	In          io.Reader
	Out, Err    io.Writer
	Env         func(string) string
	Screen      Screen // what Out is shown on
	Interactive bool   // Err is a person's screen
	AsJSON      bool   // a program reads what is written
}

// Say prints a line for people, beside the output.
func (t *Terminal) Say(format string, args ...any) {
	_, _ = fmt.Fprintf(t.Err, strings.TrimSuffix(format, "\n")+"\n", args...) // there is no other way to tell
}
