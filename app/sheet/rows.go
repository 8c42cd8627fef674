package sheet

import (
	"bytes"
	"encoding/csv"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"bestow/app/memberlist"
	"bestow/domain"
)

// rowReader makes a line of CSV of each row of a sheet.
type rowReader struct {
	xml     *tokens
	texts   *texts
	formats *formats
	out     *bytes.Buffer

	row     int      // that was read last
	last    int      // the last row that is not blank
	columns []string // what those of the header hold; nil before it
	cells   []string // of the row
	ended   bool

	refused map[int64]refusal // by the line
	hidden  hidden
	// zeroHeight says that rows without a height of their own are hidden.
	zeroHeight bool
	merged     string // the first range of cells that are one, where the list has several
}

// refusal says why a row cannot be taken although its text may look good.
type refusal struct {
	code domain.Code
	why  string
}

// hidden is what of the list a person does not see.
type hidden struct {
	rows    int
	first   int // of the rows
	columns [][2]int
}

// begin reads to the first row.
func (r *rowReader) begin() error {
	root, err := r.xml.root()
	if err != nil {
		return err
	}
	if root.Name.Local != "worksheet" {
		return damaged("the sheet is a %.30s", root.Name.Local)
	}
	r.refused = map[int64]refusal{}
	for {
		token, err := r.xml.next()
		if errors.Is(err, io.EOF) {
			r.ended = true
			return nil
		}
		if err != nil {
			return err
		}
		start, is := token.(xml.StartElement)
		if !is {
			continue
		}
		switch r.xml.ours(start) {
		case "sheetData":
			return nil
		case "sheetFormatPr":
			r.zeroHeight = isOn(start, "zeroHeight")
			err = r.xml.skip()
		case "cols":
			err = r.xml.eachOf("col", r.readColumn)
		default:
			err = r.xml.skip()
		}
		if err != nil {
			return err
		}
	}
}

func (r *rowReader) readColumn(e xml.StartElement) error {
	first, _ := strconv.Atoi(attribute(e, "min"))
	last, _ := strconv.Atoi(attribute(e, "max"))
	if isOn(e, "hidden") && len(r.hidden.columns) < maxListColumns {
		r.hidden.columns = append(r.hidden.columns, [2]int{first, last})
	}
	return r.xml.skip()
}

// next writes the next row, and blank lines for rows that are left out before it; io.EOF after the last.
func (r *rowReader) next() error {
	for !r.ended {
		token, err := r.xml.next()
		if err != nil {
			return err
		}
		switch token := token.(type) {
		case xml.StartElement:
			if r.xml.ours(token) == "row" {
				return r.readRow(token)
			}
			if err := r.xml.foreign(token); err != nil {
				return err
			}
		case xml.EndElement:
			r.ended = true
			if err := r.finish(); err != nil {
				return err
			}
		}
	}
	return io.EOF
}

// finish reads what stands behind the rows.
func (r *rowReader) finish() error {
	err := r.xml.each(func(e xml.StartElement) error {
		switch r.xml.ours(e) {
		case "sheetData":
			return damaged("the sheet has two lists of rows")
		case "mergeCells":
			return r.xml.eachOf("mergeCell", r.readMerged)
		}
		return r.xml.skip()
	})
	if err == nil {
		err = r.xml.end()
	}
	if err == nil && r.merged != "" {
		err = domain.BadFileError("the cells "+r.merged+" are merged, so that only the first of them has a value",
			"unmerge them (in Excel: Home, Merge & Center, Unmerge Cells), fill in the value of each, and upload again")
	}
	return err
}

// readMerged notes a range that has several cells of the list below its header.
func (r *rowReader) readMerged(e xml.StartElement) error {
	ref := attribute(e, "ref")
	from, to, _ := strings.Cut(ref, ":")
	firstColumn, _, ok := place(from)
	_, lastRow, okTo := place(to)
	_, firstRow, _ := place(from)
	if ok && okTo && firstColumn <= len(r.columns) && lastRow > 1 && firstRow <= r.last && r.merged == "" {
		r.merged = ref
	}
	return r.xml.skip()
}

// place returns the column and the row of a cell's name, each from 1.
func place(name string) (column, row int, ok bool) {
	i := 0
	for ; i < len(name) && i < 4; i++ {
		letter := name[i] &^ 0x20
		if letter < 'A' || letter > 'Z' {
			break
		}
		column = column*26 + int(letter-'A') + 1
	}
	if i == 0 || i == len(name) || !isDigits(name[i:]) || column > maxColumns {
		return 0, 0, false
	}
	row, err := strconv.Atoi(name[i:])
	return column, row, err == nil && row > 0 && row <= maxRows
}

// nameOf returns the name of a cell.
func nameOf(column, row int) string {
	var letters string
	for ; column > 0; column = (column - 1) / 26 {
		letters = string(rune('A'+(column-1)%26)) + letters
	}
	return letters + strconv.Itoa(row)
}

func (r *rowReader) readRow(e xml.StartElement) error {
	if err := r.goTo(attribute(e, "r")); err != nil {
		return err
	}
	r.cells = r.cells[:0]
	column, size := 0, 0
	err := r.xml.each(func(e xml.StartElement) (err error) {
		switch r.xml.ours(e) {
		case "c":
		case "extLst":
			return r.xml.skip()
		default:
			return r.xml.foreign(e)
		}
		if column, err = r.columnOf(e, column); err != nil {
			return err
		}
		text, err := r.readCell(e, column)
		if size += len(text); size > maxToken {
			return damaged("row %d is longer than 1 MiB", r.row)
		}
		if err != nil || strings.TrimSpace(text) == "" {
			return err
		}
		return r.set(column, text)
	})
	if err != nil {
		return err
	}
	return r.write(isOn(e, "hidden") || r.zeroHeight && attribute(e, "ht") == "")
}

// goTo writes a blank line for each row that is left out before the one that is named, or before the next one.
func (r *rowReader) goTo(named string) error {
	row := r.row + 1
	if named != "" {
		n, err := strconv.Atoi(named)
		if err != nil || n < row {
			return damaged("row %.20s stands behind row %d", named, r.row)
		}
		row = n
	}
	if row > maxRows {
		return damaged("row %d is more than a sheet can have", row)
	}
	for r.row++; r.row < row; r.row++ {
		r.out.WriteByte('\n')
	}
	return nil
}

// columnOf returns the column of a cell: the one that it names, or the next one.
func (r *rowReader) columnOf(e xml.StartElement, before int) (int, error) {
	column, named := before+1, attribute(e, "r")
	if named != "" {
		n, row, ok := place(named)
		if !ok || row != r.row || n < column {
			return 0, damaged("cell %.20s stands in row %d behind column %d", named, r.row, before)
		}
		column = n
	}
	if column > maxColumns {
		return 0, damaged("row %d has more than %d cells", r.row, maxColumns)
	}
	return column, nil
}

// set puts a text that is not blank into the row. All that stands behind the header's columns becomes one field more,
// so that the row is rejected.
func (r *rowReader) set(column int, text string) error {
	switch {
	case r.columns != nil && column > len(r.columns):
		column = len(r.columns) + 1
	case r.columns == nil && column > maxListColumns:
		return domain.BadFileError(fmt.Sprintf("the header reaches to column %d", column),
			"begin the sheet with the row member_id, amount, reason (or 회원번호, 금액, 사유)")
	}
	for len(r.cells) < column {
		r.cells = append(r.cells, "")
	}
	if r.columns == nil { // forms break the lines of a long header
		r.cells[column-1] = strings.Join(strings.Fields(text), " ")
		return nil
	}
	// a line break inside a cell would begin another line of the list
	r.cells[column-1] = strings.ReplaceAll(text, "\n", "\r")
	return nil
}

// write writes the row as a line. The first one that is not blank is the header.
func (r *rowReader) write(isHidden bool) error {
	if len(r.cells) == 0 {
		r.out.WriteByte('\n')
		return nil
	}
	r.last = r.row
	if r.columns == nil {
		for _, header := range r.cells {
			r.columns = append(r.columns, memberlist.ColumnOf(header))
		}
	} else if isHidden {
		if r.hidden.rows++; r.hidden.rows == 1 {
			r.hidden.first = r.row
		}
	}
	for len(r.cells) < len(r.columns) { // a spreadsheet leaves out empty cells at the end of a row
		r.cells = append(r.cells, "")
	}
	w := csv.NewWriter(r.out)
	if err := w.Write(r.cells); err != nil {
		return fmt.Errorf("write row: %w", err)
	}
	w.Flush()
	return w.Error()
}

// holds returns what a column of the list holds, "" for what is none, or not known yet.
func (r *rowReader) holds(column int) string {
	if column > len(r.columns) {
		return ""
	}
	return r.columns[column-1]
}

// refuse keeps why the row cannot be taken.
func (r *rowReader) refuse(column int, why string) {
	if _, known := r.refused[int64(r.row)]; known {
		return
	}
	code := domain.BadRow
	switch r.holds(column) {
	case memberlist.Member:
		code = domain.BadMember
	case memberlist.Amount:
		code = domain.BadAmount
	}
	r.refused[int64(r.row)] = refusal{code, why}
}
