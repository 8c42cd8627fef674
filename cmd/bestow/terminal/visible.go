package terminal

import (
	"bytes"
	"fmt"
	"io"
	"unicode"
	"unicode/utf8"
)

// Visible returns Out for the text of a file that others wrote. A file and a pipe get it as it is. On a terminal each
// control character but a tab and an end of line is shown as U+001B is: it would change colours, title and cursor.
// The caller calls flush at the end.
func (t *Terminal) Visible() (w io.Writer, flush func() error) {
	if !t.IsScreen() {
		return t.Out, func() error { return nil }
	}
	v := &visible{out: t.Out}
	return v, func() error { return v.write(nil, true) }
}

// IsScreen reports whether Out is a terminal.
func (t *Terminal) IsScreen() bool { return t.Screen.Width() > 0 }

// visible writes control characters so that they are seen.
type visible struct {
	out  io.Writer
	rest []byte // the first bytes of a character, or a carriage return
}

// Write implements io.Writer.
func (v *visible) Write(p []byte) (int, error) {
	if err := v.write(p, false); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (v *visible) write(p []byte, last bool) error {
	text := append(v.rest, p...)
	var shown bytes.Buffer
	for len(text) > 0 {
		if !last && !isWhole(text) {
			break
		}
		r, size := utf8.DecodeRune(text)
		if obeyed(r) && !bytes.HasPrefix(text, []byte("\r\n")) {
			fmt.Fprintf(&shown, "U+%04X", r)
		} else {
			shown.Write(text[:size])
		}
		text = text[size:]
	}
	v.rest = bytes.Clone(text)
	if _, err := v.out.Write(shown.Bytes()); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

// isWhole reports whether the first character of a text can be judged without what follows the text.
func isWhole(text []byte) bool { return utf8.FullRune(text) && string(text) != "\r" }

// obeyed reports whether a terminal does not show a character but obeys it.
func obeyed(r rune) bool {
	return r != '\n' && r != '\t' && (unicode.IsControl(r) || unicode.In(r, unicode.Bidi_Control))
}
