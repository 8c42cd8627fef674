package memberlist

import (
	"bytes"
	"errors"
	"fmt"
	"unicode/utf8"

	"bestow/domain"

	"github.com/go-json-experiment/json/jsontext"
)

// ndjsonRows reads a member list as one JSON object a line: {"member_id": "…", "amount": 1000, "reason": "…"}.
type ndjsonRows struct {
	records *records
	rules   *rules
	decoder jsontext.Decoder
	object  object
	begun   bool // a line that is not blank was read
}

// openNDJSON reads nothing yet but the file's first bytes. Errors: domain.UnsupportedFile.
func openNDJSON(records *records, rules *rules) (*ndjsonRows, error) {
	text := text{decided: true}
	return &ndjsonRows{records: records, rules: rules}, text.begin(records)
}

func (n *ndjsonRows) Header() string { return "" }

func (n *ndjsonRows) Notices() []Notice { return nil }

// Next reads the next line that is not blank.
func (n *ndjsonRows) Next(r *Row) error {
	for blank := 0; ; blank++ {
		if blank > maxBlank {
			return tooBlank(n.records.line)
		}
		record, line, err := n.records.next()
		if err != nil {
			return err
		}
		text := bytes.TrimSpace(record)
		if len(text) == 0 {
			continue
		}
		if text[0] == '[' && !n.begun {
			return domain.BadFileError(
				"the file is a JSON array, not one object on each line",
				"write each member on its own line, without commas between them: "+
					`{"member_id": "m1", "amount": 1000} (jq -c '.[]' does it)`,
			)
		}
		n.begun = true
		n.read(r, record, line)
		return nil
	}
}

func (n *ndjsonRows) read(r *Row, record []byte, line int64) {
	*r = Row{Line: line, Raw: record}
	if !utf8.Valid(record) {
		r.refuse(domain.BadText, "the row has bytes that are no text in UTF-8")
		return
	}
	if err := n.parse(record); err != nil {
		r.refuseFor(err)
		return
	}
	n.rules.apply(r, n.object.member, n.object.amount, n.object.reason)
}

// object holds what stood in a line. Missing and null are both nil.
type object struct{ member, amount, reason []byte }

// parse reads a line strictly: one object with known keys, each once, of the right types, and nothing behind it. The
// amount is kept as it is written.
func (n *ndjsonRows) parse(record []byte) error {
	n.object = object{n.object.member[:0], n.object.amount[:0], n.object.reason[:0]}
	d := &n.decoder
	d.Reset(bytes.NewBuffer(record))
	if d.PeekKind() != jsontext.KindBeginObject {
		return refusal(domain.BadRow, "the line is not a JSON object")
	}
	if _, err := d.ReadToken(); err != nil {
		return jsonRefusal(err)
	}
	for d.PeekKind() != jsontext.KindEndObject {
		if err := n.readMember(d); err != nil {
			return err
		}
	}
	if _, err := d.ReadToken(); err != nil {
		return jsonRefusal(err)
	}
	if len(bytes.TrimSpace(record[d.InputOffset():])) > 0 {
		return refusal(domain.BadRow, "something follows the JSON object on its line")
	}
	return nil
}

// readMember reads one key and its value.
func (n *ndjsonRows) readMember(d *jsontext.Decoder) error {
	key, err := d.ReadToken()
	if err != nil {
		return jsonRefusal(err)
	}
	name := key.String()
	value, err := d.ReadValue()
	if err != nil {
		return jsonRefusal(err)
	}
	switch name {
	case "member_id":
		return readString(&n.object.member, value, domain.BadMember, "the member_id is not a JSON string")
	case "reason":
		return readString(&n.object.reason, value, domain.BadReason, "the reason is not a JSON string")
	case "amount":
		return readNumber(&n.object.amount, value)
	}
	return refusal(domain.BadRow, fmt.Sprintf("unknown key %.50q", name))
}

func readString(to *[]byte, value jsontext.Value, code domain.Code, wrong string) (err error) {
	switch value.Kind() {
	case jsontext.KindNull:
		return nil
	case jsontext.KindString:
		*to, err = jsontext.AppendUnquote((*to)[:0], value)
		return err
	default:
		return refusal(code, wrong)
	}
}

func readNumber(to *[]byte, value jsontext.Value) error {
	switch value.Kind() {
	case jsontext.KindNull:
		return nil
	case jsontext.KindNumber:
		*to = append((*to)[:0], value...)
		return nil
	default:
		return refusal(domain.BadAmount, "the amount is not a JSON number")
	}
}

func refusal(code domain.Code, why string) error { return domain.RowError(code, why, "") }

// jsonRefusal says in our words what is wrong with a line.
func jsonRefusal(err error) error {
	if errors.Is(err, jsontext.ErrDuplicateName) {
		return refusal(domain.BadRow, "a key stands twice in the JSON object")
	}
	return refusal(domain.BadRow, "the line is not valid JSON")
}
