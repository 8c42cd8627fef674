package audit

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"bestow/app/audit"
)

// change is one field that a change has touched.
type change struct{ Field, From, To string }

// mostText is the most characters of a value in a row of the table; the whole stands below it.
const mostText = 40

// changesOf lists the fields that differ between before and after, by their names; moments are the last.
func changesOf(e audit.Entry) (all []change) {
	before, after := fieldsOf(e.Before), fieldsOf(e.After)
	names := slices.Collect(maps.Keys(after))
	for name := range before {
		if _, both := after[name]; !both {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, func(a, b string) int {
		if x, y := strings.HasSuffix(a, "_at"), strings.HasSuffix(b, "_at"); x != y {
			return map[bool]int{true: 1, false: -1}[x]
		}
		return strings.Compare(a, b)
	})
	for _, name := range names {
		if from, to := before[name], after[name]; !bytes.Equal(from, to) {
			all = append(all, change{name, brief(from), brief(to)})
		}
	}
	return all
}

// fieldsOf returns the fields of an object; none for anything else.
func fieldsOf(raw json.RawMessage) map[string]json.RawMessage {
	fields := map[string]json.RawMessage{}
	if err := json.Unmarshal(raw, &fields); err != nil {
		return nil
	}
	return fields
}

// brief writes a value for a row of the table.
func brief(raw json.RawMessage) string {
	text := string(raw)
	var s string
	if json.Unmarshal(raw, &s) == nil {
		text = s
	}
	if letters := []rune(text); len(letters) > mostText {
		return string(letters[:mostText-1]) + "…"
	}
	return text
}

// indented writes a state so that a person can read it.
func indented(raw json.RawMessage) string {
	var b strings.Builder
	var text bytes.Buffer
	if err := json.Indent(&text, raw, "", "  "); err != nil {
		return string(raw)
	}
	_, _ = text.WriteTo(&b) // a builder takes all
	return b.String()
}
