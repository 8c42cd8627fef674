package memberlist

import (
	"bytes"
	"fmt"
	"io"

	"bestow/domain"
)

const (
	// maxRecord is the most bytes of a record. It bounds what an unclosed quote makes us read.
	maxRecord = 64 << 10
	// lookAhead says how far a file is read to decide upon its encoding.
	lookAhead = 256 << 10
)

// records splits a file into its records: lines, or, where a quoted field is open at a line's end, several lines.
// Memory does not grow with the file.
type records struct {
	src      io.Reader
	srcErr   error // what src failed with
	ended    bool  // src came to its end
	buf      []byte
	pos, end int   // buf[pos:end] is read and not yet handed out
	line     int64 // of the next record
	quotes   bool  // whether line breaks may stand in quoted fields
	delim    byte
}

func newRecords(src io.Reader) *records {
	return &records{src: src, buf: make([]byte, 2*lookAhead), line: 1}
}

// next returns the next record without its line end, and the line on which it begins; io.EOF after the last. The record
// holds until the next call of any method. Error: domain.BadFile for a record that is too long or whose quote stays
// open.
func (s *records) next() (record []byte, line int64, err error) {
	quote := quoting{delim: s.delim}
	line = s.line
	for n := 0; ; { // n bytes, whole lines, belong to the record so far
		end, err := s.lineEnd(n)
		if err != nil {
			return nil, line, err
		}
		if len(trimLineEnd(s.buf[s.pos:s.pos+end])) > maxRecord {
			return nil, line, tooLong(line, quote.open())
		}
		if end == n { // the end of the file
			return nil, line, s.atEnd(line, quote.open())
		}
		open := s.quotes && quote.follow(s.buf[s.pos+n:s.pos+end])
		s.line++
		if n = end; !open {
			record = trimLineEnd(s.buf[s.pos : s.pos+n])
			s.pos += n
			return record, line, nil
		}
	}
}

// lineEnd returns the offset behind the next line break at or after from, counted from s.pos: the end of what there is
// if the file ends first, and something over the limit if the record gets longer than may be.
func (s *records) lineEnd(from int) (int, error) {
	for searched := from; ; {
		if i := bytes.IndexByte(s.buf[s.pos+searched:s.end], '\n'); i >= 0 {
			return searched + i + 1, nil
		}
		searched = s.end - s.pos
		if searched > maxRecord+len("\r\n") || s.ended {
			return searched, nil
		}
		if err := s.fill(); err != nil {
			return 0, err
		}
	}
}

// atEnd returns what becomes of a record that the file's end cuts off.
func (s *records) atEnd(line int64, open bool) error {
	if !open {
		return io.EOF
	}
	return domain.BadFileError(fmt.Sprintf("line %d opens a quote that is never closed", line),
		"close the quote, or remove it, and upload the file again")
}

func tooLong(line int64, open bool) error {
	message := fmt.Sprintf("line %d is longer than 64 KiB", line)
	if open {
		message = fmt.Sprintf("line %d opens a quote that is not closed within 64 KiB", line)
	}
	return domain.BadFileError(message, "correct that line and upload the file again")
}

// fill reads once more, unless the source has ended.
func (s *records) fill() error {
	if s.pos > 0 && s.end == len(s.buf) {
		s.end = copy(s.buf, s.buf[s.pos:s.end])
		s.pos = 0
	}
	for empty := 0; s.srcErr == nil && !s.ended; empty++ {
		n, err := s.src.Read(s.buf[s.end:])
		s.end += n
		switch {
		case err == io.EOF: // and no error that wraps it: that is a list cut off
			s.ended = true
		case err != nil:
			s.srcErr = fmt.Errorf("read upload: %w", err)
		case n == 0 && empty < 100:
			continue
		case n == 0:
			s.srcErr = fmt.Errorf("read upload: %w", io.ErrNoProgress)
		}
		return s.srcErr
	}
	return s.srcErr
}

// ahead returns what comes next in the file, at least n bytes of it unless it ends before that or its source fails.
func (s *records) ahead(n int) []byte {
	for s.end-s.pos < n && !s.ended {
		if s.fill() != nil {
			break // next meets the same error
		}
	}
	return s.buf[s.pos:s.end]
}

func trimLineEnd(b []byte) []byte {
	return bytes.TrimSuffix(bytes.TrimSuffix(b, []byte{'\n'}), []byte{'\r'})
}

// quoting follows the quotes of one record over its lines.
type quoting struct {
	delim byte
	state quoteState
}

type quoteState int

const (
	fieldStart  quoteState = iota // nothing but spaces since the last delimiter
	fieldPlain                    // in a field without quotes, or behind the quotes of one
	fieldQuoted                   // between the quotes of a field
	fieldQuote                    // behind a quote inside quotes: the end, or half of an escaped one
)

func (q *quoting) open() bool { return q.state == fieldQuoted }

// follow reads another line of the record and reports whether a quoted field is open at its end.
func (q *quoting) follow(line []byte) bool {
	if q.state == fieldStart && bytes.IndexByte(line, '"') < 0 {
		return false
	}
	for _, c := range line {
		q.step(c)
	}
	return q.open()
}

func (q *quoting) step(c byte) {
	switch q.state {
	case fieldQuoted:
		if c == '"' {
			q.state = fieldQuote
		}
	case fieldQuote:
		q.state = q.outside(c, fieldPlain)
		if c == '"' {
			q.state = fieldQuoted
		}
	case fieldStart:
		q.state = q.outside(c, fieldPlain)
		if c == ' ' {
			q.state = fieldStart
		}
		if c == '"' {
			q.state = fieldQuoted
		}
	case fieldPlain:
		q.state = q.outside(c, fieldPlain)
	}
}

func (q *quoting) outside(c byte, other quoteState) quoteState {
	if c == q.delim {
		return fieldStart
	}
	return other
}

// skip passes over prefix if it comes next.
func (s *records) skip(prefix string) bool {
	if !bytes.HasPrefix(s.ahead(len(prefix)), []byte(prefix)) {
		return false
	}
	s.pos += len(prefix)
	return true
}
