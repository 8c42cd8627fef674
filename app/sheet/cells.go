package sheet

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"strconv"
	"strings"

	"bestow/app/memberlist"
)

// cell is what a cell has beside its text.
type cell struct {
	kind    string // of the value: "s" is the number of a text, "" a number, …
	formula *string
	value   []byte
	rich    []byte

	formulas, values, texts int // how many it has of each
}

// maxFormula bounds what is shown of a formula.
const maxFormula = 200

// readCell returns the text of a cell: what a person sees who looks for the value.
func (r *rowReader) readCell(e xml.StartElement, column int) (string, error) {
	c, format := cell{kind: attribute(e, "t")}, attribute(e, "s")
	if err := r.xml.each(func(e xml.StartElement) error { return c.read(r.xml, e) }); err != nil {
		return "", err
	}
	if why := c.contradicts(); why != "" {
		return "", damaged("cell %s has %s", nameOf(column, r.row), why)
	}
	text, err := r.valueOf(c, format, column)
	if err != nil || c.formula == nil || strings.TrimSpace(text) != "" {
		return text, err
	}
	if holds := r.holds(column); c.kind == "str" && holds != memberlist.Member && holds != memberlist.Amount {
		return "", nil // the result is an empty text
	}
	r.refuse(column, "cell "+nameOf(column, r.row)+" has a formula without a result: open the spreadsheet, "+
		"so that it is calculated, save it, and upload it again")
	return "=" + *c.formula, nil
}

func (c *cell) read(x *tokens, e xml.StartElement) (err error) {
	switch x.ours(e) {
	case "f":
		err = c.readFormula(x)
	case "v":
		c.values++
		c.value, err = x.text(nil)
	case "is":
		c.texts++
		c.rich, err = richText(x, nil)
	case "extLst":
		return x.skip()
	default:
		return x.foreign(e)
	}
	return err
}

func (c *cell) readFormula(x *tokens) error {
	c.formulas++
	text, err := x.text(nil)
	c.formula = new(string(bytes.ToValidUTF8(text[:min(len(text), maxFormula)], nil)))
	return err
}

// contradicts says of a cell what another program could show as another value; "" for none.
func (c *cell) contradicts() string {
	switch {
	case c.formulas > 1 || c.values > 1 || c.texts > 1:
		return "two values"
	case c.kind == "inlineStr" && len(bytes.TrimSpace(c.value)) > 0, c.kind != "inlineStr" && len(c.rich) > 0:
		return "a value of another type than it says"
	}
	return ""
}

// valueOf returns the text of a cell's value.
func (r *rowReader) valueOf(c cell, format string, column int) (string, error) {
	value := strings.TrimSpace(string(c.value))
	switch c.kind {
	case "", "n":
		return r.number(value, format, column)
	case "s":
		return r.sharedText(value, column)
	case "str":
		return string(unescaped(c.value)), nil
	case "inlineStr":
		return string(c.rich), nil
	case "b":
		switch value {
		case "1", "true":
			return "TRUE", nil
		case "0", "false":
			return "FALSE", nil
		}
		return r.unclear(c, column), nil
	case "e", "d": // an error, and a date
		if value == "" {
			return r.unclear(c, column), nil
		}
		return value, nil
	}
	return "", damaged("cell %s has a value of the type %.20q", nameOf(column, r.row), c.kind)
}

// unclear refuses the row of a cell whose value is missing, or none of its type. A formula without a result says more.
func (r *rowReader) unclear(c cell, column int) string {
	if c.formula != nil && len(bytes.TrimSpace(c.value)) == 0 || r.columns != nil && column > len(r.columns) {
		return ""
	}
	r.refuse(column, "cell "+nameOf(column, r.row)+" says that it has a value, and the value is missing or no such one: "+
		"type it again")
	return "?"
}

func (r *rowReader) sharedText(number string, column int) (string, error) {
	if number == "" {
		return "", nil
	}
	n, err := strconv.Atoi(number)
	if err != nil || n < 0 || n >= r.texts.n {
		return "", damaged("cell %s names the text %.20s of %d", nameOf(column, r.row), number, r.texts.n)
	}
	text, err := r.texts.at(n)
	return string(text), err
}

// number returns a number as it is stored, since what is shown may be rounded; but a date as a date, and a member's id
// as it is shown.
func (r *rowReader) number(value, format string, column int) (string, error) {
	f := r.formats.kindOf(format)
	if f == nil {
		return "", damaged("cell %s has the format %.20s of %d", nameOf(column, r.row), format, len(r.formats.cells))
	}
	if value == "" {
		return "", nil
	}
	text := plainNumber(value)
	unsigned := strings.TrimPrefix(text, "-")
	isID := r.holds(column) == memberlist.Member
	switch {
	case f.kind == dated:
		return moment(value, r.formats.from1904), nil
	case f.kind == padded && isDigits(unsigned) && len(unsigned) < f.digits:
		return strings.TrimSuffix(text, unsigned) + strings.Repeat("0", f.digits-len(unsigned)) + unsigned, nil
	case f.kind == dressed && isID && isDigits(text):
		return f.dress(text), nil
	case f.kind == odd && isID:
		r.refuse(column, f.uncertain(nameOf(column, r.row)))
	}
	return text, nil
}

// uncertain says why the text of a member's id is not known from its number.
func (f format) uncertain(cell string) string {
	return fmt.Sprintf("cell %s shows a number in the format %s: format the column as text, and write the ids as text",
		cell, f.code)
}
