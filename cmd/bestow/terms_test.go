package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"bestow/app"
	"bestow/app/imports"
	"bestow/app/patch"
	"bestow/cmd/bestow/daemon"
	"bestow/domain"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// An expiry is taken when an event is made and edited if and only if the ledger would grant with it and RFC 3339 can
// say it in UTC, whatever the ledger's time zone (C3).
func TestExpiryIsTheLedgers(t *testing.T) {
	t.Parallel()
	const never = "leave it out for never"
	for name, c := range map[string]struct{ zone, expiry, refused string }{
		"Seoul, the last second of 9999 in UTC":      {"Asia/Seoul", "9999-12-31T23:59:59Z", never},
		"Seoul, the first moment of 10000":           {"Asia/Seoul", "9999-12-31T15:00:00Z", never},
		"Seoul, the last moment of 9999":             {"Asia/Seoul", "9999-12-31T14:59:59.999999999Z", ""},
		"Seoul, written with its offset":             {"Asia/Seoul", "9999-12-31T23:59:59+09:00", ""},
		"UTC, the last second of 9999":               {"UTC", "9999-12-31T23:59:59Z", ""},
		"New York, where UTC ends first":             {"America/New_York", "9999-12-31T23:59:59-05:00", never},
		"New York, the last second of UTC":           {"America/New_York", "9999-12-31T23:59:59Z", ""},
		"Kiritimati, fourteen hours before UTC":      {"Pacific/Kiritimati", "9999-12-31T10:00:00Z", never},
		"Kiritimati, a second before that":           {"Pacific/Kiritimati", "9999-12-31T09:59:59Z", ""},
		"Seoul, a second ago":                        {"Asia/Seoul", time.Now().Add(-time.Second).Format(time.RFC3339Nano), "is in the past"},
		"Seoul, an ordinary one":                     {"Asia/Seoul", "2999-12-31T23:59:59+09:00", ""},
		"Seoul, a voucher would be refused likewise": {"Asia/Seoul", "9999-12-31T23:00:00Z", never},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.cfg.TimeZone = c.zone
			p := w.process(t.Context(), daemon.Overrides{}, daemon.RoleAPI)
			defer p.Close()
			at, err := time.Parse(time.RFC3339Nano, c.expiry)
			require.NoError(t, err)
			for _, kind := range []string{"POINT", "VOUCHER"} {
				n := app.NewEvent{CampaignID: "new-" + kind, EventType: kind, ExpiryAt: &at}
				made, err := p.App.Events.Create(t.Context(), operator, n)
				expiryRefused(t, c.refused, err)
				plain, err := p.App.Events.Create(t.Context(), operator,
					app.NewEvent{CampaignID: "edit-" + kind, EventType: kind})
				require.NoError(t, err)
				change := app.EventPatch{ExpiryAt: patch.SetTo(&at)}
				_, err = p.App.Events.Edit(t.Context(), operator, plain.Value.ID, change,
					func(domain.Event) error { return nil })
				expiryRefused(t, c.refused, err)

				made.Value.ID, made.Value.Type, made.Value.ExpiryAt = plain.Value.ID, plain.Value.Type, &at
				outcomes, err := p.Granter.Grant(t.Context(), made.Value, time.Now().Add(time.Minute),
					[]domain.Grant{{MemberID: "m", Amount: 1}})
				require.NoError(t, err)
				granted := outcomes[0].Verdict == domain.Granted
				// the API cannot say that year
				require.Equal(t, c.refused == "" || at.UTC().Year() > 9999, granted, "%+v", outcomes[0])
			}
		})
	}
}

func expiryRefused(t *testing.T, want string, err error) {
	t.Helper()
	if want == "" {
		require.NoError(t, err)
		return
	}
	var refused *domain.Error
	require.ErrorAs(t, err, &refused)
	require.Equal(t, domain.Invalid, refused.Code)
	require.Len(t, refused.Fields, 1)
	require.Equal(t, "expiry_at", refused.Fields[0].Name)
	require.Contains(t, refused.Fields[0].Message, want)
}

// An event with an expiry that was taken before the ledger's rule was asked does not start, and says why.
func TestTermsOfBefore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.process(t.Context(), daemon.Overrides{}, daemon.RoleAPI)
	defer p.Close()
	e := w.event(p, "POINT", 3)
	_, err := w.pool.Exec(t.Context(),
		`UPDATE campaign_events SET expiry_at = '9999-12-31T23:59:59Z' WHERE id = $1`, e.ID)
	require.NoError(t, err)
	_, _, err = p.App.Events.Start(t.Context(), operator, e.ID)
	require.ErrorIs(t, err, &domain.Error{Code: domain.TermsRefused})
	require.ErrorContains(t, err, "leave it out for never")
}

// Each row that a list may bring is one that the ledger grants: the two have the same rule for members, amounts and
// reasons, whichever the format, and defaults too (C3).
func TestEachImportedRowIsGranted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.process(t.Context(), daemon.Overrides{}, daemon.RoleAPI)
	defer p.Close()
	_, err := w.pool.Exec(t.Context(), `UPDATE event_types SET max_per_member = NULL, max_per_event = NULL`)
	require.NoError(t, err)
	const largest, more = "1000000000000000", "1000000000000001"
	rows := []struct{ member, amount, reason string }{
		{"m1", "1", ""},
		{"m2", largest, "봄"},
		{strings.Repeat("한", 50), "1", strings.Repeat("글", 500)},
		{strings.Repeat("\U0001F600", 50), "1", strings.Repeat("\U0001F600", 500)},
		{strings.Repeat("\u1112\u1161\u11ab", 50), "1", strings.Repeat("e\u0301", 250)}, // not yet composed
		{strings.Repeat("x", 51), "1", ""},
		{"m3", "0", ""},
		{"m4", more, ""},
		{"m4", "9223372036854775808", ""},
		{"a\u202eb", "1", ""},
		{"m5", "1", strings.Repeat("x", 501)},
		{"a\u00a0b", "1", "\u00a0"},
		{"\u3000", "1", ""},
	}
	csv, ndjson := strings.Builder{}, strings.Builder{}
	csv.WriteString("member_id,amount,reason\n")
	for _, r := range rows {
		fmt.Fprintf(&csv, "%s,%s,%s\n", r.member, r.amount, r.reason)
		fmt.Fprintf(&ndjson, `{"member_id": %q, "amount": %s, "reason": %q}`+"\n", r.member, r.amount, r.reason)
	}
	for _, kind := range []string{"POINT", "VOUCHER"} {
		for contentType, list := range map[string]string{
			"text/csv":             csv.String(),
			"application/x-ndjson": ndjson.String(),
		} {
			for _, part := range strings.SplitAfter(list, "\n") { // an event each: every row stands for itself
				w.grantsAll(p, kind, contentType, list, part)
			}
		}
	}
}

// grantsAll imports one row of a list, and asks the ledger for what has become a target.
func (w *world) grantsAll(p *daemon.Process, kind, contentType, list, row string) {
	w.Helper()
	if contentType == "text/csv" {
		row = list[:strings.Index(list, "\n")+1] + row
	}
	reason := strings.Repeat("기", 500)
	e, err := p.App.Events.Create(w.Context(), operator,
		app.NewEvent{CampaignID: fmt.Sprint(time.Now().UnixNano()), EventType: kind, DefaultReason: reason})
	require.NoError(w, err)
	_, err = p.App.Targets.Import(w.Context(), operator, e.Value.ID,
		imports.Upload{Body: strings.NewReader(row), ContentType: contentType})
	if err != nil {
		require.ErrorAs(w, err, new(*domain.Error), row)
		return
	}
	rows, err := w.pool.Query(w.Context(),
		`SELECT id, member_id, amount, coalesce(reason, $2), 0, 0 FROM `+e.Value.Type.TargetTable()+` WHERE event_id = $1`,
		e.Value.ID, reason)
	require.NoError(w, err)
	grants, err := pgx.CollectRows(rows, pgx.RowToStructByPos[domain.Grant])
	require.NoError(w, err)
	require.NotEmpty(w, grants)
	outcomes, err := p.Granter.Grant(w.Context(), e.Value, time.Now().Add(time.Minute), grants)
	require.NoError(w, err)
	for i, o := range outcomes {
		require.Equal(w, domain.Granted, o.Verdict, "%s %q: %s %s", contentType, grants[i].MemberID, o.Code, o.Message)
	}
}
