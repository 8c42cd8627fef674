package memberlist

import (
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/text/unicode/norm"
)

// MemberOf returns the member_id of a rejected row as the import keeps it; "" where none can be read.
func MemberOf(header, raw string) string {
	read := memberOfCSV
	if header == "" {
		read = memberOfJSON
	}
	return norm.NFC.String(strings.TrimSpace(read(header, raw)))
}

// memberOfCSV returns the field in the header's column of members, also of a row that has too many fields or breaks off
// later.
func memberOfCSV(header, raw string) string {
	c := &csvRows{delim: delimiterOf([]byte(header))}
	if c.readHeader([]byte(header)) != nil {
		return ""
	}
	_ = c.split([]byte(raw)) // the fields before the fault are read
	if at := c.at[memberColumn]; at < len(c.fields) {
		return string(c.fields[at])
	}
	return ""
}

// memberOfJSON returns the value of member_id, also one that is no string, and of a line that breaks off later.
func memberOfJSON(_, raw string) string {
	d := jsontext.NewDecoder(strings.NewReader(raw))
	if token, err := d.ReadToken(); err != nil || token.Kind() != jsontext.KindBeginObject {
		return ""
	}
	for {
		key, err := d.ReadToken()
		if err != nil || key.Kind() != jsontext.KindString {
			return ""
		}
		name := key.String()
		value, err := d.ReadValue()
		switch {
		case err != nil:
			return ""
		case name != "member_id":
		case value.Kind() == jsontext.KindString:
			member, _ := jsontext.AppendUnquote(nil, value) // it was read as a string
			return string(member)
		default:
			return value.String()
		}
	}
}

// Spellings returns how the tables may hold a member: as an import keeps it, and as an older version may have kept it.
func Spellings(member string) []string {
	return []string{norm.NFC.String(strings.TrimSpace(member)), member}
}
