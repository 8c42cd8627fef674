package sheet

import (
	"bufio"
	"context"
	"encoding/xml"
	"errors"
	"io"
)

// What no spreadsheet needs more of: they bound the memory that a part takes while it is read.
const (
	maxToken = 1 << 20 // bytes of a text, or of an element with its attributes
	maxDepth = 64      // elements in each other
)

// errToken ends the reading of a token that is too long.
var errToken = errors.New("a text or an element is longer than 1 MiB")

// tokens reads the XML of a part, token by token. Every error of it is a domain.Error.
type tokens struct {
	part    string
	source  *boundedBytes
	decoder *xml.Decoder
	open    []string // the names of the elements that are open
}

func newTokens(r io.Reader, part string) *tokens {
	source := &boundedBytes{r: bufio.NewReaderSize(r, 32<<10)}
	return &tokens{part: part, source: source, decoder: xml.NewDecoder(source)}
}

// next returns the next start, end or text; io.EOF where the part ends. Text and attributes hold until the next call.
func (t *tokens) next() (xml.Token, error) {
	for {
		t.source.left = maxToken
		token, err := t.decoder.RawToken()
		if errors.Is(err, io.EOF) {
			if len(t.open) == 0 {
				return nil, io.EOF
			}
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return nil, t.failed(err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			return token, t.begin(token.Name.Local)
		case xml.EndElement:
			return token, t.finish(token.Name.Local)
		case xml.CharData:
			return token, nil
		case xml.Directive:
			return nil, damaged("%s: it has a document type of its own", t.part)
		}
	}
}

// begin opens an element.
func (t *tokens) begin(name string) error {
	if len(t.open) == maxDepth {
		return damaged("%s: more than %d elements in each other", t.part, maxDepth)
	}
	t.open = append(t.open, name)
	return nil
}

// finish closes the element that was opened last.
func (t *tokens) finish(name string) error {
	last := len(t.open) - 1
	if last < 0 || t.open[last] != name {
		return damaged("%s: </%s> ends what did not begin", t.part, name)
	}
	t.open = t.open[:last]
	return nil
}

// failed says why the part cannot be read. What an archive/zip reader says is that of a damaged file too.
func (t *tokens) failed(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return damaged("%s: %v", t.part, err)
}

// root reads to the first element and returns it.
func (t *tokens) root() (xml.StartElement, error) {
	for {
		token, err := t.next()
		if errors.Is(err, io.EOF) {
			return xml.StartElement{}, damaged("%s is empty", t.part)
		}
		if err != nil {
			return xml.StartElement{}, err
		}
		if start, is := token.(xml.StartElement); is {
			return start, nil
		}
	}
}

// each hands the elements that stand directly in the one that is open to fn, and returns at its end. fn reads each to
// its end, with each, text or skip.
func (t *tokens) each(fn func(xml.StartElement) error) error {
	for {
		token, err := t.next()
		if err != nil {
			return err
		}
		switch token := token.(type) {
		case xml.StartElement:
			if err := fn(token); err != nil {
				return err
			}
		case xml.EndElement:
			return nil
		}
	}
}

// skip reads the open element to its end.
func (t *tokens) skip() error {
	return t.each(func(xml.StartElement) error { return t.skip() })
}

// text appends the text of the open element, and reads it to its end.
func (t *tokens) text(b []byte) ([]byte, error) {
	for {
		token, err := t.next()
		if err != nil {
			return b, err
		}
		switch token := token.(type) {
		case xml.CharData:
			if b = append(b, token...); len(b) > maxToken {
				return b, t.failed(errToken)
			}
		case xml.StartElement:
			if err := t.skip(); err != nil {
				return b, err
			}
		case xml.EndElement:
			return b, nil
		}
	}
}

// end reads the part to its end, so that its checksum was compared.
func (t *tokens) end() error {
	for {
		if _, err := t.next(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// attribute returns the value of an attribute, "" where there is none. A name says nothing of its namespace.
func attribute(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// isOn reports whether an attribute is a true boolean.
func isOn(e xml.StartElement, name string) bool {
	v := attribute(e, name)
	return v == "1" || v == "true"
}

// boundedBytes ends with errToken where more is read than is left.
type boundedBytes struct {
	r    *bufio.Reader
	left int
}

// ReadByte is what the decoder reads by.
func (b *boundedBytes) ReadByte() (byte, error) {
	if b.left--; b.left < 0 {
		return 0, errToken
	}
	return b.r.ReadByte()
}

// Read is there for io.Reader; the decoder uses ReadByte.
func (b *boundedBytes) Read(p []byte) (int, error) {
	n, err := b.r.Read(p[:min(len(p), max(b.left, 0))])
	if b.left -= n; n == 0 && err == nil {
		err = errToken
	}
	return n, err
}
