package sheet

import (
	"encoding/csv"
	"fmt"
	"io"
	"strings"

	"github.com/xuri/excelize/v2"
)

// Write writes a spreadsheet whose first row is the header, a line of CSV, and whose other rows are the lines that rows
// hands out. Every cell is text, so that no zero is lost and nothing is run as a formula.
func Write(w io.Writer, header string, rows func(each func(line string) error) error) (err error) {
	f := excelize.NewFile()
	defer func() { _ = f.Close() }() // it deletes files that are only read from here on
	stream, err := f.NewStreamWriter(f.GetSheetName(0))
	if err != nil {
		return fmt.Errorf("write spreadsheet: %w", err)
	}
	n := 0
	add := func(line string) error {
		n++
		at, err := excelize.CoordinatesToCellName(1, n)
		if err != nil {
			return fmt.Errorf("write spreadsheet: %w", err)
		}
		return stream.SetRow(at, cellsOf(line))
	}
	if err := add(header); err != nil {
		return err
	}
	if err := rows(add); err != nil {
		return err
	}
	if err := stream.Flush(); err != nil {
		return fmt.Errorf("write spreadsheet: %w", err)
	}
	if err := f.Write(w); err != nil {
		return fmt.Errorf("write spreadsheet: %w", err)
	}
	return nil
}

// cellsOf returns the cells of a line of CSV; a line that is none is one cell.
func cellsOf(line string) []any {
	fields, err := csv.NewReader(strings.NewReader(line)).Read()
	if err != nil {
		fields = []string{line}
	}
	cells := make([]any, len(fields))
	for i, field := range fields {
		cells[i] = strings.ReplaceAll(field, "\r", "\n") // as Open has read it
	}
	return cells
}
