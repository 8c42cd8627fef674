package memberlist

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"bestow/domain"
	"bestow/internal/english"

	"golang.org/x/text/unicode/norm"
)

// column holds what a CSV column holds.
type column int

const (
	memberColumn column = iota
	amountColumn
	reasonColumn
	columns int = iota
)

// columnNamed returns the column of a header's name: English, or the Korean alias, in any case, and with the mark of a
// form, as in 회원번호(필수).
func columnNamed(header string) (column, bool) {
	name, note := domain.SplitColumn(header)
	if !domain.IsFormMark(note) {
		return 0, false
	}
	return columnCalled(name)
}

// The columns of a list, by their English names.
const (
	Member = "member_id"
	Amount = "amount"
	Reason = "reason"
)

// ColumnOf returns which column of a list has the header: Member, Amount, Reason, or "" for none.
func ColumnOf(header string) string {
	c, known := columnNamed(header)
	if !known {
		return ""
	}
	return [columns]string{Member, Amount, Reason}[c]
}

func columnCalled(name string) (column, bool) {
	switch strings.ToLower(name) {
	case "member_id", "회원번호":
		return memberColumn, true
	case "amount", "금액":
		return amountColumn, true
	case "reason", "사유":
		return reasonColumn, true
	}
	return 0, false
}

// csvRows reads a member list as CSV.
type csvRows struct {
	records *records
	rules   *rules
	text    text
	head    string
	delim   byte
	width   int          // fields of the header
	at      [columns]int // where in a record each column stands; -1: nowhere
	fields  [][]byte
	scratch []byte // of fields whose quotes were taken off
}

// openCSV reads the header, which shows the delimiter if it is 0. Errors: domain.UnsupportedFile, domain.BadFile.
func openCSV(records *records, rules *rules, charset charset, delimiter byte) (*csvRows, error) {
	c := &csvRows{records: records, rules: rules, text: text{charset: charset}}
	if err := c.text.begin(records); err != nil {
		return nil, err
	}
	line, err := c.firstLine()
	if err != nil {
		return nil, err
	}
	c.head = string(line)
	if c.delim = delimiter; delimiter == 0 {
		c.delim = delimiterOf(line)
	}
	records.quotes, records.delim = true, c.delim
	return c, c.readHeader(line)
}

func (c *csvRows) Header() string { return c.head }

func (c *csvRows) Notices() []Notice { return c.text.Notices() }

// decode returns a record as UTF-8; its errors are those of [text.decode].
func (c *csvRows) decode(line int64, record []byte) ([]byte, error) {
	return c.text.decode(line, record, func() []byte { return c.records.ahead(lookAhead) })
}

// firstLine returns the header's text: its own copy, because deciding upon the encoding moves the buffer.
func (c *csvRows) firstLine() ([]byte, error) {
	record, _, err := c.records.next()
	if errors.Is(err, io.EOF) {
		return nil, Empty("the file is empty")
	}
	if err != nil {
		return nil, err
	}
	if bytes.HasSuffix(record, []byte{'\r'}) && bytes.Count(record, []byte{'\r'}) == 1 {
		return nil, domain.BadFileError("the lines end in CR CR LF: the line ends were converted twice",
			"save the file with line ends LF or CRLF")
	}
	if bytes.IndexByte(record, '\r') >= 0 {
		return nil, domain.BadFileError("the lines end in CR alone", "save the file with line ends LF or CRLF")
	}
	text, err := c.decode(1, record)
	if errors.Is(err, errNoText) {
		return nil, domain.BadFileError("the header is no text in UTF-8 or CP949", "save the file as CSV UTF-8")
	}
	return bytes.Clone(text), err
}

// Empty returns what a file without rows gets.
func Empty(message string) error {
	return domain.BadFileError(message, "upload a list with at least one member")
}

// delimiterOf returns what separates the names of a header: none of them holds a delimiter.
func delimiterOf(header []byte) byte {
	best, most := byte(','), 0
	for _, d := range []byte{',', ';', '\t'} {
		if n := bytes.Count(header, []byte{d}); n > most {
			best, most = d, n
		}
	}
	return best
}

func (c *csvRows) readHeader(line []byte) error {
	c.at = [columns]int{-1, -1, -1}
	if why := c.split(line); why != "" {
		return badHeader([]string{why})
	}
	c.width = len(c.fields)
	var wrong []string
	for i, f := range c.fields {
		name := columnName(f)
		col, known := columnNamed(name)
		switch {
		case name == "":
			wrong = append(wrong, "column "+strconv.Itoa(i+1)+" has no name")
		case !known:
			wrong = append(wrong, unknownColumn(name))
		case c.at[col] >= 0:
			wrong = append(wrong, fmt.Sprintf("duplicate column %q", name))
		default:
			c.at[col] = i
		}
	}
	if c.at[memberColumn] < 0 {
		wrong = append(wrong, `missing column "member_id"`)
	}
	if len(wrong) > 0 && c.text.implausible() {
		return c.text.guess.refused()
	}
	return badHeader(wrong)
}

// unknownColumn says what to write where only a note beside the name is wrong.
func unknownColumn(header string) string {
	why := fmt.Sprintf("unknown column %.50q", header)
	name, _ := domain.SplitColumn(header)
	if _, known := columnCalled(name); known {
		why += " (write it without the note in brackets; amounts are in the unit of the event)"
	}
	return why
}

// badHeader names everything that is wrong with a header, up to a screenful; nil if nothing is.
func badHeader(wrong []string) error {
	if len(wrong) == 0 {
		return nil
	}
	const most = 10
	if more := len(wrong) - most; more > 0 {
		wrong = append(slices.Clone(wrong[:most]), fmt.Sprintf("and %d more", more))
	}
	return domain.BadFileError(
		"the header in line 1 cannot be used: "+strings.Join(wrong, ", "),
		"begin the file with the line member_id,amount,reason (or 회원번호,금액,사유); "+
			"amount and reason may be absent",
	)
}

// Next reads the next record that is not blank.
func (c *csvRows) Next(r *Row) error {
	for blank := 0; ; blank++ {
		if blank > maxBlank {
			return tooBlank(c.records.line)
		}
		record, line, err := c.records.next()
		if errors.Is(err, io.EOF) {
			return cmp.Or(c.text.end(), err)
		}
		if err != nil {
			return err
		}
		if string(record) == endMark {
			if len(c.records.ahead(1)) == 0 {
				continue
			}
			record = []byte(endMark) // looking ahead may have overwritten it
		}
		if onlyDelimiters(record) {
			continue
		}
		if found, err := c.read(r, record, line); found || err != nil {
			return err
		}
	}
}

// maxBlank is the most lines in a row that hold nothing: more than a sheet has. It bounds how long an upload that
// brings no rows keeps its place.
const maxBlank = 1 << 21

func tooBlank(line int64) error {
	return domain.BadFileError(fmt.Sprintf("more than %s before line %d hold nothing",
		english.Count(maxBlank, "line"), line), "leave the blank lines out, and upload the file again")
}

// endMark is the Ctrl-Z that DOS programs put behind the last line.
const endMark = "\x1a"

// onlyDelimiters reports whether a record has nothing but delimiters and blanks: a spreadsheet writes such lines for
// rows that were once in use.
func onlyDelimiters(record []byte) bool { return len(bytes.Trim(record, ",; \t\r\n\v\f")) == 0 }

// read turns a record into a row, and returns false for one whose fields are all blank. Error: domain.UnsupportedFile.
func (c *csvRows) read(r *Row, record []byte, line int64) (bool, error) {
	text, err := c.decode(line, record)
	*r = Row{Line: line, Raw: text}
	if errors.Is(err, errNoText) {
		r.refuse(domain.BadText, "the row has bytes that are no text in "+c.text.name())
		return true, nil
	}
	if err != nil {
		return false, err
	}
	why := c.split(text)
	switch {
	case why != "":
		r.refuse(domain.BadRow, why+linesOf(line, text))
	case c.every(isBlank):
		return false, nil
	case c.every(isColumn):
		r.refuse(domain.BadMember, "the header stands here again")
	case len(c.fields) != c.width:
		r.refuse(domain.BadRow, fmt.Sprintf("the row has %s, the header %d", english.Count(len(c.fields), "field"),
			c.width))
	default:
		c.rules.apply(r, c.field(memberColumn), c.field(amountColumn), c.field(reasonColumn))
	}
	return true, nil
}

// linesOf says how far a record goes that a quote spreads over several lines; "" for one line.
func linesOf(first int64, record []byte) string {
	breaks := bytes.Count(record, []byte{'\n'})
	if breaks == 0 {
		return ""
	}
	return fmt.Sprintf("; the row goes to line %d because of a quote, and no line of it was imported",
		first+int64(breaks))
}

// every reports whether each field of the record is of a kind.
func (c *csvRows) every(is func([]byte) bool) bool {
	for _, f := range c.fields {
		if !is(f) {
			return false
		}
	}
	return true
}

func isBlank(field []byte) bool { return len(bytes.TrimSpace(field)) == 0 }

// isColumn reports whether a field is a column's name, as in a header.
func isColumn(field []byte) bool {
	_, known := columnNamed(columnName(field))
	return known
}

// columnName is a field of a header, without the byte order mark of a file that was appended to another.
func columnName(field []byte) string {
	return norm.NFC.String(string(bytes.TrimSpace(bytes.TrimPrefix(bytes.TrimSpace(field), []byte(utf8BOM)))))
}

func (c *csvRows) field(col column) []byte {
	if i := c.at[col]; i >= 0 {
		return c.fields[i]
	}
	return nil
}

// split cuts a record into c.fields, or says why it cannot be cut.
func (c *csvRows) split(record []byte) string {
	c.fields, c.scratch = c.fields[:0], c.scratch[:0]
	for {
		field, rest, more, why := c.cut(record)
		if why != "" {
			return why
		}
		c.fields = append(c.fields, field)
		if !more {
			return ""
		}
		record = rest
	}
}

// cut takes the first field off a record. It sees quotes as quoting does, which decided where the record ends.
func (c *csvRows) cut(record []byte) (field, rest []byte, more bool, why string) {
	if start := bytes.TrimLeft(record, " "); len(start) > 0 && start[0] == '"' {
		return c.cutQuoted(start[1:])
	}
	field, rest, more = bytes.Cut(record, []byte{c.delim})
	if bytes.IndexByte(field, '"') >= 0 {
		return nil, nil, false, `a field has a quote (") in its middle; put the field in quotes and double the quote`
	}
	return field, rest, more, ""
}

// cutQuoted takes off a field whose opening quote is gone already.
func (c *csvRows) cutQuoted(record []byte) (field, rest []byte, more bool, why string) {
	from := len(c.scratch)
	for {
		text, behind, closed := bytes.Cut(record, []byte{'"'})
		c.scratch = append(c.scratch, text...)
		if !closed {
			return nil, nil, false, "a quoted field is not closed"
		}
		if len(behind) == 0 || behind[0] != '"' {
			record = behind
			break
		}
		c.scratch = append(c.scratch, '"')
		record = behind[1:]
	}
	junk, rest, more := bytes.Cut(record, []byte{c.delim})
	if len(bytes.Trim(junk, " ")) > 0 {
		return nil, nil, false, "text follows the closing quote of a field"
	}
	return c.scratch[from:], rest, more, ""
}
