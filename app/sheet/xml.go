package sheet

import (
	"bufio"
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"io"
	"strings"

	"bestow/domain"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// What no spreadsheet needs more of: they bound the memory that a part takes while it is read.
const (
	maxToken = 1 << 20 // bytes of a text, or of an element with its attributes
	maxDepth = 64      // elements in each other
	// maxScopes bounds the namespaces that are declared at a time.
	maxScopes = 64
)

// errToken ends the reading of a token that is too long.
var errToken = errors.New("a text or an element is longer than 1 MiB")

// tokens reads the XML of a part, token by token. Every error of it is a domain.Error.
type tokens struct {
	part    string
	source  *boundedBytes
	decoder *xml.Decoder
	open    []string // the names of the elements that are open
	scopes  []scope  // the namespaces that they declare
	main    string   // the namespace of the root
	// ignorable are the namespaces whose elements say nothing (ECMA-376 part 3, 7.2).
	ignorable map[string]bool
}

// scope is a namespace that an element declares for a prefix.
type scope struct {
	depth       int // of the element
	prefix, uri string
}

func newTokens(r io.Reader, part string) *tokens {
	source := &boundedBytes{r: bufio.NewReaderSize(inUTF8(r), 32<<10)}
	t := &tokens{part: part, source: source, decoder: xml.NewDecoder(source)}
	t.decoder.CharsetReader = func(name string, r io.Reader) (io.Reader, error) {
		switch strings.ToLower(name) {
		case "utf8", "us-ascii", "ascii", "utf-16", "utf-16le", "utf-16be": // UTF-16 was turned into UTF-8 before
			return r, nil
		}
		return nil, damaged("%s is written in %.30s: only UTF-8 and UTF-16 are read", part, name)
	}
	return t
}

// inUTF8 returns a part in UTF-8. One in UTF-16 begins with a byte order mark (ECMA-376 part 2, 8.1.4).
func inUTF8(r io.Reader) io.Reader {
	b := bufio.NewReader(r)
	switch mark, _ := b.Peek(2); string(mark) {
	case "\xfe\xff", "\xff\xfe":
		return transform.NewReader(b, unicode.UTF16(unicode.BigEndian, unicode.ExpectBOM).NewDecoder())
	}
	return b
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
			return token, t.begin(token)
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
func (t *tokens) begin(e xml.StartElement) error {
	if len(t.open) == maxDepth {
		return damaged("%s: more than %d elements in each other", t.part, maxDepth)
	}
	t.open = append(t.open, e.Name.Local)
	for _, a := range e.Attr {
		switch {
		case a.Name.Space == "xmlns":
			t.scopes = append(t.scopes, scope{len(t.open), a.Name.Local, a.Value})
		case a.Name.Space == "" && a.Name.Local == "xmlns":
			t.scopes = append(t.scopes, scope{len(t.open), "", a.Value})
		}
		if len(t.scopes) > maxScopes {
			return damaged("%s declares more than %d namespaces at a time", t.part, maxScopes)
		}
	}
	return nil
}

// namespace returns that of the element that was opened last.
func (t *tokens) namespace(e xml.StartElement) string {
	for i := len(t.scopes) - 1; i >= 0; i-- {
		if t.scopes[i].prefix == e.Name.Space {
			return t.scopes[i].uri
		}
	}
	return e.Name.Space
}

// ours returns the name of an element that was opened last, "" for one of another namespace than the root's: what that
// means is not known here.
func (t *tokens) ours(e xml.StartElement) string {
	if t.namespace(e) != t.main {
		return ""
	}
	return e.Name.Local
}

// foreign refuses an element where each one counts, unless the part says that it says nothing.
func (t *tokens) foreign(e xml.StartElement) error {
	if t.ignorable[t.namespace(e)] {
		return t.skip()
	}
	return damaged("%s has an element <%.50s> among the cells, which is not known", t.part, e.Name.Local)
}

// finish closes the element that was opened last.
func (t *tokens) finish(name string) error {
	last := len(t.open) - 1
	if last < 0 || t.open[last] != name {
		return damaged("%s: </%s> ends what did not begin", t.part, name)
	}
	t.open = t.open[:last]
	for i := len(t.scopes) - 1; i >= 0 && t.scopes[i].depth > last; i-- {
		t.scopes = t.scopes[:i]
	}
	return nil
}

// failed says why the part cannot be read. What an archive/zip reader says is that of a damaged file too.
func (t *tokens) failed(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if _, said := errors.AsType[*domain.Error](err); said {
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
			t.main, t.ignorable = t.namespace(start), map[string]bool{}
			for prefix := range strings.FieldsSeq(prefixed(start, "Ignorable")) {
				t.ignorable[t.namespace(xml.StartElement{Name: xml.Name{Space: prefix}})] = true
			}
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

// eachOf is each for the elements of the root's namespace with the name; it passes over all others.
func (t *tokens) eachOf(name string, fn func(xml.StartElement) error) error {
	return t.each(func(e xml.StartElement) error {
		if t.ours(e) != name {
			return t.skip()
		}
		return fn(e)
	})
}

// skip reads the open element to its end.
func (t *tokens) skip() error {
	return t.each(func(xml.StartElement) error { return t.skip() })
}

// text appends the text of the open element, which has no elements, and reads it to its end.
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
			if err := t.foreign(token); err != nil {
				return b, err
			}
		case xml.EndElement:
			return b, nil
		}
	}
}

// end reads the part to its end, so that its checksum was compared. Nothing stands behind the root.
func (t *tokens) end() error {
	for {
		token, err := t.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if text, is := token.(xml.CharData); !is || len(bytes.TrimSpace(text)) > 0 {
			return damaged("%s goes on behind its end", t.part)
		}
	}
}

// attribute returns the value of an attribute without a prefix, "" where there is none: one of another namespace says
// nothing that is known here.
func attribute(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Space == "" && a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// prefixed returns the value of an attribute with a prefix, "" where there is none.
func prefixed(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Space != "" && a.Name.Local == name {
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
