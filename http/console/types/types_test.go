package types_test

import (
	"net/http"
	"strings"
	"testing"

	"bestow/domain"
	"bestow/internal/consoletest"

	"github.com/stretchr/testify/require"
)

// All see the types; those who may not change them see the buttons locked, and are refused either way.
func TestTypes(t *testing.T) {
	t.Parallel()
	d := consoletest.New(t)
	b := d.SignedIn(domain.Operator)
	p := b.Get("/console/types")
	for _, want := range []string{"POINT", "VOUCHER", "vouchers", "money"} {
		require.Contains(t, p.Text, want)
	}
	require.Contains(t, strings.Join(strings.Fields(p.Text), " "), `commandfor="d-type" aria-disabled="true"`)
	require.NotContains(t, p.Text, `action="/console/types/POINT"`)
	require.Equal(t, http.StatusForbidden, b.Post("/console/types/POINT", "label", "x").StatusCode)
	require.Equal(t, http.StatusForbidden, b.Post("/console/types", "event_type", "COUPON").StatusCode)
}

// An admin sets limits with commas, once; a form that is older than the last change changes nothing.
func TestLimitsByForm(t *testing.T) {
	t.Parallel()
	d := consoletest.New(t)
	b := d.SignedIn(domain.Admin)
	const path = "/console/types/POINT"
	seen := strings.ReplaceAll(b.Field(b.Get("/console/types"), path, "seen"), "&#34;", `"`)
	form := func(once, perMember string) []string {
		return []string{
			"once", once, "seen", seen, "label", "Points", "unit", "P", "max_per_member", perMember,
			"max_per_event", "1,000,000,000", "max_count", "50,000", "state", "READY",
		}
	}
	wrong := b.Post(path, form("a", "ten")...)
	require.Equal(t, http.StatusUnprocessableEntity, wrong.StatusCode)
	require.Regexp(t, `id="d-type-POINT"[^>]* data-open`, wrong.Text)
	require.Contains(t, wrong.Text, `value="ten"`, "what was typed stays")
	for range 2 {
		b.Led(b.Post(path, form("b", "5,000")...), "/console/types?done=type_changed")
	}
	require.Equal(t, 1, d.Count(`SELECT count(*) FROM audit_log WHERE action = 'type.edit' AND actor = 'a-admin'`))
	require.Equal(t, 1, d.Count(`SELECT count(*) FROM event_types WHERE code = 'POINT' AND max_per_member = 5000
		AND max_per_event = 1000000000 AND max_count = 50000`))
	p := b.Get("/console/types")
	require.Contains(t, p.Text, "5,000")
	require.NotContains(t, p.Text[strings.Index(p.Text, ">POINT"):strings.Index(p.Text, ">VOUCHER")], "limits of development")

	stale := b.Post(path, form("c", "6,000")...)
	require.Equal(t, http.StatusPreconditionFailed, stale.StatusCode)
	require.Contains(t, stale.Text, "Another person has changed it meanwhile")
	require.Equal(t, 1, d.Count(`SELECT count(*) FROM event_types WHERE code = 'POINT' AND max_per_member = 5000`))
}

// An admin makes a type once, and is told what of a type cannot be.
func TestTypeByForm(t *testing.T) {
	t.Parallel()
	d := consoletest.New(t)
	b := d.SignedIn(domain.Admin)
	fields := []string{"once", "a", "event_type", "coupon", "operation", "points", "granter", "money", "label", "쿠폰", "max_count", "9999999999"}
	wrong := b.Post("/console/types", fields...)
	require.Equal(t, http.StatusUnprocessableEntity, wrong.StatusCode)
	require.Regexp(t, `id="d-type"[^>]* data-open`, wrong.Text)
	require.Contains(t, wrong.Text, "must be a capital letter")
	require.Contains(t, wrong.Text, "at most 2147483647")
	fields[3], fields[11] = "COUPON", ""
	for range 2 {
		b.Led(b.Post("/console/types", fields...), "/console/types?done=type_made")
	}
	require.Equal(t, 1, d.Count(`SELECT count(*) FROM audit_log WHERE action = 'type.create'`))
	p := b.Get("/console/types")
	require.Contains(t, p.Text, "쿠폰")
	require.Contains(t, p.Text, "Being made")
	fields[1] = "b"
	require.Equal(t, http.StatusConflict, b.Post("/console/types", fields...).StatusCode)
}

// Rubbish gets a page.
func TestTypesTakeNoRubbish(t *testing.T) {
	t.Parallel()
	b := consoletest.New(t).SignedIn(domain.Admin)
	for _, code := range []string{"NONE", "x", "%00", "%FF", strings.Repeat("A", 300)} {
		require.Equal(t, 404, b.Post("/console/types/"+code, "once", "a", "label", "x").StatusCode, code)
	}
	for i, fields := range [][]string{{"label", ""}, {"label", "x", "unit", "p\x00"}, {"label", "x", "state", "GONE"}, {"label", "x", "max_per_event", "-5"}, {"label", "\xff", "max_count", "-99999999999"}} {
		require.Equal(t, 422, b.Post("/console/types/POINT", append(fields, "once", string(rune('a'+i)))...).StatusCode, fields)
	}
}
