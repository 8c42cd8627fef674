package sheet

import (
	"archive/zip"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	"bestow/domain"

	"golang.org/x/text/unicode/norm"
)

const (
	maxParts     = 10_000 // of a spreadsheet
	maxDirectory = 8 << 20
	maxSheets    = 10_000
	maxID        = 255
	maxName      = 4_096 // bytes of the name of a sheet or a part
	// maxSmallPart bounds what a part unpacks to that holds neither rows nor texts.
	maxSmallPart = 32 << 20
)

// book is the parts of a spreadsheet, as its relationships name them (ECMA-376 part 1, 12.3).
type book struct {
	cancelled func() error         // what ends the reading
	parts     map[string]*zip.File // by their names in lower case
	budget    int64                // bytes that a part may have, unpacked
	size      int64                // of the file
	main      string               // the name of the workbook's part
	sheets    []sheetEntry
	related   map[string]relationship // of the workbook, by id
	from1904  bool                    // days are counted from 1904
}

// sheetEntry is a sheet as the workbook names it.
type sheetEntry struct {
	name, id string
	hidden   bool
}

// relationship leads from one part to another.
type relationship struct{ kind, target string }

// openBook reads what a spreadsheet says of its parts.
func openBook(ctx context.Context, f *os.File, size, budget int64) (*book, error) {
	directory := &boundedAt{r: f, left: maxDirectory}
	archive, err := zip.NewReader(directory, size)
	if errors.Is(err, errDirectory) || err == nil && len(archive.File) > maxParts {
		return nil, tooLarge(fmt.Sprintf("has more than %d parts", maxParts))
	}
	if err != nil {
		return nil, domain.UnsupportedFileError("the file is no spreadsheet of the format .xlsx",
			"save it as .xlsx, or as CSV; a spreadsheet with a password cannot be read")
	}
	directory.open = true
	b := &book{cancelled: ctx.Err, parts: map[string]*zip.File{}, budget: budget, size: size}
	for _, part := range archive.File {
		name := partName(part.Name)
		if _, twice := b.parts[name]; twice {
			return nil, damaged("it has two parts of the name %.100s", name)
		}
		b.parts[name] = part
	}
	return b, b.read()
}

// A list of members packs to a tenth or a thirtieth, one with long texts to less. What unpacks to more than maxRatio
// times its size, and to more than freeBytes, was made to keep a server busy.
const (
	maxRatio  = 200
	freeBytes = 10 << 20
)

// partName makes a name that is compared: those of parts have no case, and some programs write a backslash.
func partName(name string) string {
	return strings.ToLower(strings.TrimPrefix(path.Clean(strings.ReplaceAll(name, `\`, "/")), "/"))
}

func (b *book) read() error {
	start, err := b.relationships("")
	if err != nil {
		return err
	}
	for _, r := range start {
		if r.kind == "officedocument" {
			b.main = r.target
		}
	}
	if b.main == "" {
		return damaged("it has no workbook")
	}
	if b.related, err = b.relationships(b.main); err != nil {
		return err
	}
	return b.walk(b.main, func(t *tokens, e xml.StartElement) error {
		switch t.ours(e) {
		case "workbookPr":
			b.from1904 = isOn(e, "date1904")
		case "sheets":
			return t.eachOf("sheet", func(e xml.StartElement) error {
				state := attribute(e, "state")
				b.sheets = append(b.sheets, sheetEntry{
					name: attribute(e, "name"), id: prefixed(e, "id"), hidden: state == "hidden" || state == "veryHidden",
				})
				if s := b.sheets[len(b.sheets)-1]; len(b.sheets) > maxSheets || len(s.name) > maxName || len(s.id) > maxID {
					return damaged("it has more than %d sheets, or one with a long name", maxSheets)
				}
				return t.skip()
			})
		}
		return t.skip()
	})
}

// relationships reads where a part leads to, by id; "" is the file as a whole.
func (b *book) relationships(of string) (map[string]relationship, error) {
	dir, base := path.Split(of)
	name := partName(dir + "_rels/" + base + ".rels")
	found := map[string]relationship{}
	if _, ok := b.parts[name]; !ok {
		return found, nil
	}
	return found, b.walk(name, func(t *tokens, e xml.StartElement) error {
		if t.ours(e) != "Relationship" {
			return t.skip()
		}
		kind, id := attribute(e, "Type"), attribute(e, "Id")
		target := attribute(e, "Target")
		if len(kind) > maxName || len(target) > maxName || len(id) > maxID {
			return damaged("%s has a relationship with a long name", name)
		}
		if !strings.HasPrefix(target, "/") {
			target = dir + target
		}
		if attribute(e, "TargetMode") != "External" {
			found[id] = relationship{strings.ToLower(path.Base(kind)), partName(target)}
		}
		if len(found) > maxParts {
			return damaged("%s has more than %d relationships", name, maxParts)
		}
		return t.skip()
	})
}

// sheetNamed returns the part of a sheet. Only sheets of cells count; a chart may be a sheet too.
func (b *book) sheetNamed(name string) (string, error) {
	var names []string
	for _, s := range b.sheets {
		r := b.related[s.id]
		if r.kind != "worksheet" {
			continue
		}
		if sameName(s.name, name) || name == "" && !s.hidden {
			return r.target, nil
		}
		if s.hidden {
			s.name += " (hidden)"
		}
		names = append(names, s.name)
	}
	if name == "" {
		return "", domain.BadFileError("the spreadsheet has no sheet that is seen",
			"save it with the list in its first sheet")
	}
	return "", domain.BadFileError(fmt.Sprintf("the spreadsheet has no sheet %.50q", name),
		fmt.Sprintf("its sheets are: %.1000s", strings.Join(names, ", ")))
}

// seen lists the names of the sheets of cells that are not hidden.
func (b *book) seen() (names []string) {
	for _, s := range b.sheets {
		if b.related[s.id].kind == "worksheet" && !s.hidden {
			names = append(names, s.name)
		}
	}
	return names
}

// sameName reports whether two names are one: those of sheets have no letter case, and macOS takes letters apart.
func sameName(a, b string) bool { return strings.EqualFold(norm.NFC.String(a), norm.NFC.String(b)) }

// partOf returns the part of a kind that the workbook leads to, "" for none. Two of a kind would leave open which of
// them counts.
func (b *book) partOf(kind string) (name string, err error) {
	for _, r := range b.related {
		if r.kind != kind {
			continue
		}
		if name != "" && name != r.target {
			return "", damaged("it has two parts of the kind %s", kind)
		}
		name = r.target
	}
	return name, nil
}

// open begins to read a part that unpacks to so many bytes at the most. The reader compares its checksum at the end.
func (b *book) open(name string, budget int64) (io.ReadCloser, error) {
	part, ok := b.parts[name]
	if !ok {
		return nil, damaged("the part %.100s is missing", name)
	}
	r, err := part.Open()
	if err != nil {
		return nil, damaged("%s: %v", name, err)
	}
	budget = min(budget, b.budget)
	left := budget
	if packed := min(part.CompressedSize64, uint64(b.size)); packed < uint64(b.budget)/maxRatio { // the file may lie
		left = min(left, freeBytes+maxRatio*int64(packed))
	}
	return &bounded{ReadCloser: r, cancelled: b.cancelled, left: left, budget: budget}, nil
}

// walk reads a small part to its end, and hands the elements of its root to fn.
func (b *book) walk(name string, fn func(*tokens, xml.StartElement) error) error {
	return b.walkAll(name, maxSmallPart, fn)
}

// walkAll is walk for a part of so many bytes at the most.
func (b *book) walkAll(name string, budget int64, fn func(*tokens, xml.StartElement) error) (err error) {
	r, err := b.open(name, budget)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	t := newTokens(r, name)
	if _, err := t.root(); err != nil {
		return err
	}
	if err := t.each(func(e xml.StartElement) error { return fn(t, e) }); err != nil {
		return err
	}
	return t.end()
}

// bounded ends a part that unpacks to more than it may.
type bounded struct {
	io.ReadCloser

	cancelled    func() error
	left, budget int64
}

// Read reads what is left of the part's budget.
func (b *bounded) Read(p []byte) (int, error) {
	if err := b.cancelled(); err != nil {
		return 0, err
	}
	n, err := b.ReadCloser.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, fmt.Errorf("it unpacks to more than %d MiB, or to more than %d times its size", b.budget>>20, maxRatio)
	}
	return n, err
}

// errDirectory ends the reading of a list of parts that is too long.
var errDirectory = errors.New("the list of parts is too long")

// boundedAt bounds how much is read until it is open.
type boundedAt struct {
	r    io.ReaderAt
	left int64
	open bool
}

// ReadAt reads from the file.
func (b *boundedAt) ReadAt(p []byte, off int64) (int, error) {
	if b.left -= int64(len(p)); b.left < 0 && !b.open {
		return 0, errDirectory
	}
	return b.r.ReadAt(p, off)
}
