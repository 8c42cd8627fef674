// Package sheet reads one sheet of a spreadsheet (.xlsx) as CSV, so that it obeys the rules of every other member list,
// and writes rows into one.
//
// Start with Open. check.go refuses what is damaged, and what unpacks to more than a list can be.
//
// What it must never do: pass over a row that it cannot read.
package sheet

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"bestow/domain"

	"github.com/xuri/excelize/v2"
)

// MediaType is the Content-Type of a spreadsheet.
const MediaType = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

// Limits bound what a spreadsheet may be, in bytes.
type Limits struct {
	File     int64 // as it is sent
	Unpacked int64 // its sheets and texts, unpacked
	Other    int64 // everything else in it, unpacked: it is read into memory
}

// DefaultLimits are more than a sheet of a million members needs.
func DefaultLimits() Limits { return Limits{File: 256 << 20, Unpacked: 2 << 30, Other: 64 << 20} }

// maxRows is the most rows that a sheet has.
const maxRows = 1_048_576

// Sheet is one sheet as CSV in UTF-8, a line a row: the number of a line is that of its row. Its memory does not grow
// with the rows.
type Sheet struct {
	spool *os.File
	book  *excelize.File
	raw   *excelize.Rows // numbers as they are stored
	shown *excelize.Rows // as a person sees them
	width int            // cells of the header
	row   int
	buf   bytes.Buffer
	err   error
}

// Open reads a spreadsheet to its end and begins with the sheet of the name, the first one for "". The caller closes
// it. Errors: domain.UnsupportedFile, domain.BadFile, domain.TooManyRows, and what body returns.
func Open(body io.Reader, name string, limits Limits) (s *Sheet, err error) {
	spool, err := os.CreateTemp("", "bestow-sheet-*")
	if err != nil {
		return nil, fmt.Errorf("keep spreadsheet: %w", err)
	}
	_ = os.Remove(spool.Name()) // where an open file may be removed, a killed process leaves none
	s = &Sheet{spool: spool}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
			s = nil
		}
	}()
	size, err := io.Copy(spool, io.LimitReader(body, limits.File+1))
	if err != nil {
		return s, fmt.Errorf("read spreadsheet: %w", err)
	}
	if size > limits.File {
		return s, tooLarge(fmt.Sprintf("has more than %d MiB", limits.File>>20))
	}
	if err := check(spool, size, limits); err != nil {
		return s, err
	}
	if _, err := spool.Seek(0, io.SeekStart); err != nil {
		return s, fmt.Errorf("read spreadsheet: %w", err)
	}
	if s.book, err = excelize.OpenReader(spool, excelize.Options{
		UnzipSizeLimit: limits.Unpacked + limits.Other, UnzipXMLSizeLimit: 16 << 20,
	}); err != nil {
		return s, damaged(err)
	}
	return s, s.begin(name)
}

// begin finds the sheet.
func (s *Sheet) begin(name string) (err error) {
	list := s.book.GetSheetList()
	switch index, _ := s.book.GetSheetIndex(name); {
	case len(list) == 0:
		return domain.BadFileError("the spreadsheet has no sheet", "save it with the list in its first sheet")
	case name == "":
		name = list[0]
	case index < 0:
		return domain.BadFileError(fmt.Sprintf("the spreadsheet has no sheet %.50q", name),
			"its sheets are: "+strings.Join(list, ", "))
	}
	if s.raw, err = s.book.Rows(name); err != nil {
		return damaged(err)
	}
	if s.shown, err = s.book.Rows(name); err != nil {
		return damaged(err)
	}
	return nil
}

// Close deletes what was kept of the spreadsheet.
func (s *Sheet) Close() error {
	var errs []error
	for _, rows := range []*excelize.Rows{s.raw, s.shown} {
		if rows != nil {
			errs = append(errs, rows.Close())
		}
	}
	if s.book != nil {
		errs = append(errs, s.book.Close())
	}
	errs = append(errs, s.spool.Close())
	_ = os.Remove(s.spool.Name()) // where it could not be removed before
	return errors.Join(errs...)
}

// Read returns the next bytes of the CSV.
func (s *Sheet) Read(p []byte) (int, error) {
	for s.buf.Len() == 0 {
		if s.err == nil {
			s.err = s.next()
		}
		if s.err != nil {
			return 0, s.err
		}
	}
	return s.buf.Read(p)
}

// next appends the next row; io.EOF after the last.
func (s *Sheet) next() error {
	s.buf.Reset()
	if !s.raw.Next() || !s.shown.Next() {
		return io.EOF
	}
	if s.row++; s.row > maxRows {
		return domain.TooManyRowsError(fmt.Sprint(maxRows))
	}
	raw, err := s.raw.Columns(excelize.Options{RawCellValue: true})
	if err != nil {
		return damaged(err)
	}
	shown, err := s.shown.Columns()
	if err != nil {
		return damaged(err)
	}
	return s.write(s.cells(raw, shown))
}

// cells returns a row as a list has it. A number is taken as it is stored, since what is shown may be rounded, but with
// the zeros that its format shows before it.
func (s *Sheet) cells(raw, shown []string) []string {
	blank := true
	for i, text := range raw {
		if i < len(shown) && isPadded(text, shown[i]) {
			raw[i] = shown[i]
		}
		// a line break inside a cell would begin another line of the list
		raw[i] = strings.ReplaceAll(raw[i], "\n", "\r")
		blank = blank && strings.TrimSpace(text) == ""
	}
	if blank {
		return nil
	}
	if s.width == 0 {
		s.width = len(raw)
	}
	for len(raw) < s.width { // a spreadsheet leaves out empty cells at the end of a row
		raw = append(raw, "")
	}
	for len(raw) > s.width && raw[len(raw)-1] == "" {
		raw = raw[:len(raw)-1]
	}
	return raw
}

// isPadded reports whether shown is the number with zeros before it.
func isPadded(number, shown string) bool {
	return len(shown) > len(number) && number != "" && isDigits(number) && isDigits(shown) &&
		strings.TrimLeft(shown, "0") == strings.TrimLeft(number, "0")
}

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// write appends one line.
func (s *Sheet) write(cells []string) error {
	if cells == nil {
		s.buf.WriteByte('\n')
		return nil
	}
	w := csv.NewWriter(&s.buf)
	if err := w.Write(cells); err != nil {
		return fmt.Errorf("write row: %w", err)
	}
	w.Flush()
	return w.Error()
}

func damaged(err error) error {
	return domain.BadFileError(fmt.Sprintf("the spreadsheet cannot be read: %.200s", err.Error()),
		"open it and save it again as .xlsx, or as CSV")
}

func tooLarge(why string) error {
	return domain.UnsupportedFileError("the spreadsheet "+why, "save the sheet with the list as CSV")
}
