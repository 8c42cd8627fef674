// Package sheet reads one sheet of a spreadsheet (.xlsx) as a member list, by the rules of every other list, and writes
// rows into one.
//
// Start with Open. book.go finds the parts of the file, xml.go bounds what each may cost, rows.go makes a line of CSV
// of a row, cells.go and format.go say what a cell shows, list.go refuses the rows that only a spreadsheet can have.
//
// What it must never do: pass over a row that it cannot read, or guess what a cell means.
package sheet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"bestow/domain"
)

// MediaType is the Content-Type of a spreadsheet.
const MediaType = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

// Limits bound what a spreadsheet may be, in bytes.
type Limits struct {
	File     int64 // as it is sent
	Unpacked int64 // each part that is read, unpacked
}

// DefaultLimits are more than a sheet of a million members needs.
func DefaultLimits() Limits { return Limits{File: 256 << 20, Unpacked: 1 << 30} }

// The limits of a sheet, and of a cell, by the "Excel specifications and limits" of Microsoft.
const (
	maxRows      = 1_048_576
	maxColumns   = 16_384
	maxCellChars = 32_767
)

// maxListColumns bounds the columns of the header.
const maxListColumns = 1_000

// sheet is one sheet as CSV in UTF-8, a line a row: the number of a line is that of its row. Its memory does not grow
// with the rows.
type sheet struct {
	spool   *os.File
	texts   *texts
	formats *formats
	part    io.ReadCloser
	seen    []string // the names of the sheets of cells that are not hidden
	xml     *tokens

	lines bytes.Buffer // that were not read yet
	row   rowReader
	err   error
}

// openSheet reads a spreadsheet to its end and begins with the sheet of the name, the first one that is not hidden for
// "". The caller closes it. Errors: domain.UnsupportedFile, domain.BadFile, and what body returns.
func openSheet(ctx context.Context, body io.Reader, name string, limits Limits) (s *sheet, err error) {
	spool, err := tempFile()
	if err != nil {
		return nil, err
	}
	s = &sheet{spool: spool}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
			s = nil
		}
	}()
	size, err := io.Copy(kept{spool}, io.LimitReader(body, limits.File+1))
	if err != nil {
		return s, fmt.Errorf("read spreadsheet: %w", err)
	}
	if size > limits.File {
		return s, tooLarge(fmt.Sprintf("has more than %d MiB", limits.File>>20))
	}
	b, err := openBook(ctx, spool, size, limits.Unpacked)
	if err != nil {
		return s, err
	}
	return s, s.begin(b, name)
}

// begin finds the sheet, and reads what its cells refer to.
func (s *sheet) begin(b *book, name string) error {
	part, err := b.sheetNamed(name)
	if err != nil {
		return err
	}
	s.seen = b.seen()
	if s.texts, err = b.readTexts(); err != nil {
		return err
	}
	if s.formats, err = b.readFormats(); err != nil {
		return err
	}
	if s.part, err = b.open(part, b.budget); err != nil {
		return err
	}
	s.xml = newTokens(s.part, part)
	s.row = rowReader{xml: s.xml, texts: s.texts, formats: s.formats, out: &s.lines}
	return s.row.begin()
}

// named adds to the refusal of a header which sheet it is of, if it was not chosen and there are others.
func (s *sheet) named(err error, chosen string) error {
	e, ok := errors.AsType[*domain.Error](err)
	if !ok || e.Code != domain.BadFile || chosen != "" || len(s.seen) < 2 {
		return err
	}
	named := *e
	named.Message = fmt.Sprintf("sheet %q: %s", s.seen[0], e.Message)
	named.Hint = fmt.Sprintf("the sheets are %.1000s: name the one with the list, by --sheet or over HTTP by ?sheet=; "+
		"or %s", strings.Join(s.seen, ", "), e.Hint)
	return &named
}

// tempFile makes a file that is gone with the process, where an open file may be removed. Error: domain.Unavailable.
func tempFile() (*os.File, error) {
	f, err := os.CreateTemp("", "bestow-sheet-*")
	if err != nil {
		return nil, noRoom(err)
	}
	_ = os.Remove(f.Name())
	return f, nil
}

// CheckRoom returns an error if no spreadsheet can be read, since the folder for temporary files cannot be used.
func CheckRoom() error {
	f, err := tempFile()
	if err != nil {
		return err
	}
	return closeTemp(f)
}

// kept writes to a temporary file. Error: domain.Unavailable.
type kept struct{ f *os.File }

// Write writes to the file.
func (k kept) Write(p []byte) (int, error) {
	n, err := k.f.Write(p)
	if err != nil {
		err = noRoom(err)
	}
	return n, err
}

// noRoom says that the folder for temporary files is full, is missing, or may not be written to.
func noRoom(err error) error {
	return domain.UnavailableError("a spreadsheet cannot be kept while it is read, in the folder for temporary files: "+
		err.Error(), "make room in "+os.TempDir()+", or set TMPDIR for the process, or send the sheet as CSV")
}

// closeTemp closes a temporary file, and removes it where that was not possible before.
func closeTemp(f *os.File) error {
	err := f.Close()
	_ = os.Remove(f.Name())
	return err
}

// Close deletes what was kept of the spreadsheet.
func (s *sheet) Close() error {
	var errs []error
	if s.part != nil {
		errs = append(errs, s.part.Close())
	}
	if s.texts != nil {
		errs = append(errs, s.texts.Close())
	}
	return errors.Join(append(errs, closeTemp(s.spool))...)
}

// Read returns the next bytes of the CSV.
func (s *sheet) Read(p []byte) (int, error) {
	for s.lines.Len() == 0 {
		if s.err == nil {
			s.lines.Reset()
			s.err = s.row.next()
		}
		if s.err != nil {
			return 0, s.err
		}
	}
	return s.lines.Read(p)
}

// damaged says what is wrong with the file. Names in it may be no text.
func damaged(format string, args ...any) error {
	what := strings.ToValidUTF8(fmt.Sprintf(format, args...), "\uFFFD")
	return domain.BadFileError(fmt.Sprintf("the spreadsheet cannot be read: %.300s", what),
		"open it and save it again as .xlsx, or as CSV")
}

func tooLarge(why string) error {
	return domain.UnsupportedFileError("the spreadsheet "+why, "save the sheet with the list as CSV")
}
