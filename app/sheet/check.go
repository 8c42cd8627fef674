package sheet

import (
	"archive/zip"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"bestow/domain"
)

const (
	sheets = "xl/worksheets/"
	texts  = "xl/sharedstrings.xml"
)

// maxParts bounds the parts of a spreadsheet.
const maxParts = 10_000

// check unpacks every part once, so that what is damaged, or unpacks to more than it says, is refused before anything
// is made of it.
func check(f *os.File, size int64, limits Limits) error {
	archive, err := zip.NewReader(f, size)
	if err != nil {
		return domain.UnsupportedFileError("the file is no spreadsheet of the format .xlsx",
			"save it as .xlsx, or as CSV; a spreadsheet with a password cannot be read")
	}
	if len(archive.File) > maxParts {
		return tooLarge(fmt.Sprintf("has more than %d parts", maxParts))
	}
	left, other := limits.Unpacked, limits.Other
	for _, part := range archive.File {
		name := strings.ToLower(strings.ReplaceAll(part.Name, `\`, "/"))
		budget := &other
		if strings.HasPrefix(name, sheets) || name == texts {
			budget = &left
		}
		n, err := unpack(part, strings.HasSuffix(name, ".xml"), *budget)
		if *budget -= n; err != nil {
			return err
		}
	}
	return nil
}

// unpack reads one part to its end. An archive says with each part how long it is unpacked, and its checksum;
// archive/zip compares both at the end. XML must be whole: excelize takes a fault in it for the end of the sheet.
func unpack(part *zip.File, isXML bool, budget int64) (n int64, err error) {
	r, err := part.Open()
	if err != nil {
		return 0, damaged(err)
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	counted := &counter{r: r, left: budget}
	if isXML {
		err = readXML(counted)
	}
	if err == nil {
		_, err = io.Copy(io.Discard, counted)
	}
	if counted.over {
		return counted.n, tooLarge(fmt.Sprintf("unpacks to more than %d MiB", budget>>20))
	}
	if err != nil {
		return counted.n, damaged(fmt.Errorf("%s: %w", part.Name, err))
	}
	return counted.n, nil
}

// readXML reads XML in UTF-8 to its end.
func readXML(r io.Reader) error {
	d := xml.NewDecoder(r)
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// errBudget ends the reading of what is too large.
var errBudget = errors.New("too large")

// counter bounds how much is read.
type counter struct {
	r       io.Reader
	left, n int64
	over    bool
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	if c.n > c.left {
		c.over = true
		return n, errBudget
	}
	return n, err
}
