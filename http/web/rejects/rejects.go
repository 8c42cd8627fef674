// Package rejects writes the rejected rows of an import as a file: a table for people, or the rows as they came.
package rejects

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"

	"bestow/app/imports"
	"bestow/app/sheet"
	"bestow/http/web"
)

// File is the rejected rows of an import as a file.
type File struct {
	Name, ContentType string

	record imports.Record
	write  func(io.Writer, imports.Record, Source) error
}

// FileOf returns the file of an import's rejected rows: a table with line and reason, or the rows as they came.
func FileOf(record imports.Record, original bool) File {
	f := File{
		fmt.Sprintf("rejected-%d-%d.csv", record.EventID, record.ID), "text/csv; charset=utf-8", record, exportRows,
	}
	if !original {
		return f
	}
	f.write = originalRows
	base := strings.TrimSuffix(f.Name, "csv")
	switch {
	case record.ContentType == sheet.MediaType:
		f.ContentType, f.Name, f.write = sheet.MediaType, base+"xlsx", spreadsheetRows
	case record.Header == "":
		f.ContentType, f.Name = "application/x-ndjson", base+"ndjson"
	}
	return f
}

// Write writes the rows.
func (f File) Write(w io.Writer, rows Source) error { return f.write(w, f.record, rows) }

// Source hands each row to a function.
type Source func(each func(imports.RejectedRow) error) error

// exportRows writes a table for people: line, error_code, reason, raw.
func exportRows(w io.Writer, _ imports.Record, rows Source) error {
	if _, err := io.WriteString(w, web.BOM); err != nil {
		return err
	}
	table := csv.NewWriter(w)
	if err := table.Write([]string{"line", "error_code", "reason", "raw"}); err != nil {
		return err
	}
	err := rows(func(r imports.RejectedRow) error {
		return table.Write([]string{strconv.FormatInt(r.Line, 10), r.Code, web.Inert(r.Reason), web.Inert(r.Raw)})
	})
	if err != nil {
		return err
	}
	table.Flush()
	return table.Error()
}

// spreadsheetRows writes the rows as they came in a spreadsheet.
func spreadsheetRows(w io.Writer, record imports.Record, rows Source) error {
	return sheet.Write(w, record.Header, func(each func(line string) error) error {
		return rows(func(r imports.RejectedRow) error { return each(r.Raw) })
	})
}

// originalRows writes the rows as they came, so that they can be corrected and uploaded.
func originalRows(w io.Writer, record imports.Record, rows Source) error {
	lines := bufio.NewWriter(w)
	write := func(line string) error {
		_, err := lines.WriteString(line + "\n")
		return err
	}
	if record.Header != "" {
		if err := write(web.BOM + record.Header); err != nil {
			return err
		}
	}
	if err := rows(func(r imports.RejectedRow) error { return write(r.Raw) }); err != nil {
		return err
	}
	return lines.Flush()
}
