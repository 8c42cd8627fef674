package http

import (
	"fmt"
	"strings"
	"testing"

	"bestow/http/api"
	"bestow/internal/desktest"

	"github.com/stretchr/testify/require"
)

// upload imports a list and returns its warnings.
func (d *desk) upload(e api.Event, file, contentType string) []api.Warning {
	d.Helper()
	a := d.Post(desktest.EventURL(e.ID)+"/targets", file, "Content-Type: "+contentType)
	require.Equal(d, 201, a.StatusCode, a.Text)
	return desktest.Decoded[api.ImportResult](a).Warnings
}

const (
	asCSV    = "text/csv"
	asNDJSON = "application/x-ndjson"
)

// The same members with the same amounts are the same list, however the file is written. One that has most of the
// members is told as well (B9).
func TestSameListInAnotherFile(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ file, contentType, want string }{
		"the same bytes":      {"member_id,amount\n1001,5\n1002,6\n", asCSV, "list_seen"},
		"CRLF":                {"member_id,amount\r\n1001,5\r\n1002,6\r\n", asCSV, "list_seen"},
		"no last line end":    {"member_id,amount\n1001,5\n1002,6", asCSV, "list_seen"},
		"a blank line":        {"member_id,amount\n1001,5\n1002,6\n\n", asCSV, "list_seen"},
		"a BOM":               {"\ufeffmember_id,amount\n1001,5\n1002,6\n", asCSV, "list_seen"},
		"semicolons":          {"member_id;amount\n1001;5\n1002;6\n", asCSV, "list_seen"},
		"tabs":                {"member_id\tamount\n1001\t5\n1002\t6\n", asCSV, "list_seen"},
		"a Korean header":     {"회원번호,금액\n1001,5\n1002,6\n", asCSV, "list_seen"},
		"quotes":              {"member_id,amount\n\"1001\",5\n1002,\"6\"\n", asCSV, "list_seen"},
		"columns turned":      {"amount,member_id\n5,1001\n6,1002\n", asCSV, "list_seen"},
		"another order":       {"member_id,amount\n1002,6\n1001,5\n", asCSV, "list_seen"},
		"NDJSON":              {`{"member_id":"1001","amount":5}` + "\n" + `{"member_id":"1002","amount":6}`, asNDJSON, "list_seen"},
		"a member twice":      {"member_id,amount\n1001,5\n1002,6\n1001,5\n", asCSV, "list_seen"},
		"a row that is wrong": {"member_id,amount\n1001,5\n1002,6\n1003,x\n", asCSV, "list_seen"},
		"one member more":     {"member_id,amount\n1001,5\n1002,6\n1003,7\n", asCSV, "list_alike"},
		"other amounts":       {"member_id,amount\n1001,6\n1002,5\n", asCSV, "list_alike"},
		"one of two":          {"member_id,amount\n1001,5\n", asCSV, ""},
		"other members":       {"member_id,amount\n2001,5\n2002,6\n", asCSV, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := setup(t)
			a, b := d.PointEvent("a"), d.PointEvent("b")
			require.Empty(t, d.upload(a, "member_id,amount\n1001,5\n1002,6\n", asCSV))
			w := d.upload(b, c.file, c.contentType)
			if c.want == "" {
				require.Empty(t, w)
				return
			}
			require.Len(t, w, 1)
			require.Equal(t, c.want, w[0].Code, w[0].Text)
			require.Equal(t, a.ID, *w[0].Event)
			require.NotNil(t, w[0].At)
			require.Contains(t, w[0].Text, "event 1 (a)")
		})
	}
}

// A list that comes in two files, or is a part of an event of two files, is recognised: with its last file at the
// latest. A deleted event's list is forgotten, and a list of before the marks is compared by its bytes only.
func TestSameListInParts(t *testing.T) {
	t.Parallel()
	d := setup(t)
	lines := make([]string, 300)
	for i := range lines {
		lines[i] = fmt.Sprintf("m%d,%d\n", i, i+1)
	}
	file := func(from, to int) string { return "member_id,amount\n" + strings.Join(lines[from:to], "") }
	whole, parts, again := d.PointEvent("whole"), d.PointEvent("parts"), d.PointEvent("again")
	require.Empty(t, d.upload(whole, file(0, 300), asCSV))
	require.Empty(t, d.upload(parts, file(0, 100), asCSV))
	w := d.upload(parts, file(100, 300), asCSV)
	require.Len(t, w, 1)
	require.Equal(t, "list_seen", w[0].Code)
	require.Equal(t, whole.ID, *w[0].Event)
	w = d.upload(again, file(0, 300), asCSV)
	require.Equal(t, []string{"list_seen", "list_seen"}, desktest.WarningCodes(api.ImportResult{Warnings: w}))

	require.Equal(t, 204, d.do(call{"DELETE", desktest.EventURL(parts.ID), "", nil}).StatusCode)
	require.Equal(t, 204, d.do(call{"DELETE", desktest.EventURL(again.ID), "", nil}).StatusCode)
	d.SQL(`UPDATE imports SET list_sum = NULL, member_sample = NULL`)
	require.Empty(t, d.upload(d.PointEvent("b"), file(0, 299), asCSV))
	require.Len(t, d.upload(d.PointEvent("c"), file(0, 300), asCSV), 2, "the same bytes, and most of those of before")
}
