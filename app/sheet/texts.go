package sheet

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/xml"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"unicode/utf8"
)

const (
	maxTexts    = 4 << 20 // of a spreadsheet
	textBlock   = 4       // texts that are found by one place in memory
	textsWindow = 64 << 10
	maxRich     = 1 << 20 // bytes of a text with its fonts and readings
)

// texts are the texts that cells of a spreadsheet name by number. They lie in a file, since there may be millions.
type texts struct {
	file   *os.File
	places []int64 // where each block of texts begins
	n      int
	size   int64

	window []byte // a part of the file
	from   int64  // where it begins
}

// readTexts reads the shared texts, if there are any.
func (b *book) readTexts() (t *texts, err error) {
	t = &texts{}
	name, err := b.partOf("sharedstrings")
	if err != nil || name == "" {
		return t, err
	}
	if t.file, err = tempFile(); err != nil {
		return nil, err
	}
	w := bufio.NewWriterSize(kept{t.file}, textsWindow)
	var text []byte
	err = b.walkAll(name, b.budget, func(x *tokens, e xml.StartElement) error {
		if x.ours(e) != "si" {
			return x.skip()
		}
		if text, err = richText(x, text[:0]); err != nil {
			return err
		}
		return t.add(w, text)
	})
	if err == nil {
		err = w.Flush()
	}
	if err != nil {
		return nil, errors.Join(err, t.Close())
	}
	return t, nil
}

// Close deletes the texts.
func (t *texts) Close() error {
	if t.file == nil {
		return nil
	}
	return closeTemp(t.file)
}

// add keeps a text behind the others.
func (t *texts) add(w *bufio.Writer, text []byte) error {
	if t.n == maxTexts {
		return tooLarge(fmt.Sprintf("has more than %d texts", maxTexts))
	}
	if t.n%textBlock == 0 {
		t.places = append(t.places, t.size)
	}
	t.n++
	var length [4]byte
	binary.BigEndian.PutUint32(length[:], uint32(len(text)))
	t.size += int64(len(length) + len(text))
	if _, err := w.Write(length[:]); err != nil {
		return fmt.Errorf("keep texts of spreadsheet: %w", err)
	}
	if _, err := w.Write(text); err != nil {
		return fmt.Errorf("keep texts of spreadsheet: %w", err)
	}
	return nil
}

// at returns the text of a number. It holds until the next call.
func (t *texts) at(i int) ([]byte, error) {
	place := t.places[i/textBlock]
	for range i % textBlock {
		n, err := t.length(place)
		if err != nil {
			return nil, err
		}
		place += 4 + int64(n)
	}
	n, err := t.length(place)
	if err != nil {
		return nil, err
	}
	return t.read(place+4, n)
}

func (t *texts) length(place int64) (int, error) {
	b, err := t.read(place, 4)
	if err != nil {
		return 0, err
	}
	return int(binary.BigEndian.Uint32(b)), nil
}

// read returns n bytes of the file from a place on. Programs number texts in the order of their cells, so that most
// lie in the window.
func (t *texts) read(place int64, n int) ([]byte, error) {
	begin := place - t.from
	if begin < 0 || begin+int64(n) > int64(len(t.window)) {
		t.window = slices.Grow(t.window[:0], max(n, textsWindow))[:min(int64(max(n, textsWindow)), t.size-place)]
		if _, err := t.file.ReadAt(t.window, place); err != nil {
			return nil, fmt.Errorf("read texts of spreadsheet: %w", err)
		}
		t.from, begin = place, 0
	}
	return t.window[begin : begin+int64(n)], nil
}

// richText appends the text of the open element: of its t, or of the t in each of its runs r. How it is pronounced
// (rPh) is no part of it.
func richText(x *tokens, text []byte) ([]byte, error) {
	first := x.decoder.InputOffset()
	read := func(e xml.StartElement) (err error) {
		begin := len(text)
		switch x.ours(e) {
		case "t":
			text, err = x.text(text)
			text = append(text[:begin], unescaped(text[begin:])...)
			return err
		case "rPh", "phoneticPr", "rPr", "extLst":
			if x.decoder.InputOffset()-first > maxRich {
				return x.failed(errToken)
			}
			return x.skip()
		}
		return x.foreign(e)
	}
	err := x.each(func(e xml.StartElement) error {
		if x.ours(e) == "r" {
			return x.each(read)
		}
		return read(e)
	})
	if err != nil {
		return text, err
	}
	if len(text) > maxCellChars && utf8.RuneCount(text) > maxCellChars {
		return text, damaged("a cell has more than %d characters", maxCellChars)
	}
	return text, nil
}

// escape is how a spreadsheet writes a character that XML may not hold (ST_Xstring, ECMA-376 part 1, 22.9.2.19).
var escape = regexp.MustCompile(`_x[0-9A-Fa-f]{4}_`)

// unescaped returns the text with the characters that it names. What is no character becomes U+FFFD, which no list may
// hold.
func unescaped(text []byte) []byte {
	if !bytes.Contains(text, []byte("_x")) {
		return text
	}
	return escape.ReplaceAllFunc(text, func(code []byte) []byte {
		n, err := strconv.ParseUint(string(code[2:6]), 16, 16)
		r := rune(n)
		if err != nil || r == 0 || !utf8.ValidRune(r) {
			r = utf8.RuneError
		}
		return utf8.AppendRune(nil, r)
	})
}
