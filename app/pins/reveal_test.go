package pins

import (
	"testing"
	"time"

	"bestow/app/command"
	"bestow/domain"
	"bestow/internal/pg"
	"bestow/internal/pgtest"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
)

// A person who says why sees the voucher of one member, the audit keeps it without the secret, and one person sees ten
// a minute.
func TestReveal(t *testing.T) {
	t.Parallel()
	pool, s := pgtest.New(t), newTestSealer(t)
	event := voucherEvents(t, pool, 1)[0]
	sealed, err := sealOne(t.Context(), s, pool, event, "member-1", "48213907")
	require.NoError(t, err)
	const insert = `INSERT INTO voucher_results (event_id, member_id, amount, status, money_tx_id, voucher_code, voucher_pin)
		VALUES ($1, 'member-1', 500, 'SUCCESS', 'V7', 'JBQK', $2), ($1, 'member-2', 500, 'PERMANENTLY_FAILED', NULL, NULL, NULL),
			($1, 'member-3', 500, 'SUCCESS', 'V8', 'JBQL', $2)`
	_, err = pool.Exec(t.Context(), insert, event, sealed)
	require.NoError(t, err)
	_, err = pool.Exec(t.Context(), `INSERT INTO campaign_event_summary (event_id) VALUES ($1)`, event)
	require.NoError(t, err)
	r, err := NewRevealer(pool, s.keys.Master)
	require.NoError(t, err)
	now := time.Now()
	r.allowed.Now = func() time.Time { return now }
	by := command.Caller{Actor: "kim", RequestID: "r"}

	v, err := r.Reveal(t.Context(), by, event, " member-1 ", "the member lost it")
	require.NoError(t, err)
	require.Equal(t, Voucher{EventID: event, MemberID: "member-1", Amount: 500, TxID: "V7", Code: "JBQK", PIN: "48213907"}, v)
	require.Equal(t, "kim|pin.reveal|voucher V7|the member lost it|me******-1", auditOf(t, pool))
	require.NotContains(t, pgtest.EveryRow(t, pool), "48213907")

	for _, reason := range []string{"", " \t", "a\x00b"} {
		_, err := r.Reveal(t.Context(), by, event, "member-1", reason)
		require.True(t, domain.IsCode(err, domain.Invalid), "%q: %v", reason, err)
	}
	require.Equal(t, "kim|pin.reveal|voucher V7|the member lost it|me******-1", auditOf(t, pool), "and nothing more")
	for member, code := range map[string]domain.Code{
		"member-2": domain.NotFound, "member-4": domain.NotFound, "member-3": domain.MissingKeys, // another's PIN
	} {
		_, err := r.Reveal(t.Context(), by, event, member, "x")
		require.True(t, domain.IsCode(err, code), "%s: %v", member, err)
	}
	_, err = r.Reveal(t.Context(), by, event+1, "member-1", "x")
	require.True(t, domain.IsCode(err, domain.NotFound))
	without, err := NewRevealer(pool, nil)
	require.NoError(t, err)
	_, err = without.Reveal(t.Context(), by, event, "member-1", "x")
	require.True(t, domain.IsCode(err, domain.MissingKeys))

	for range perPerson.Burst - 5 {
		_, err = r.Reveal(t.Context(), by, event, "member-1", "x")
		require.NoError(t, err)
	}
	var wait *domain.WaitError
	_, err = r.Reveal(t.Context(), by, event, "member-1", "x")
	require.ErrorAs(t, err, &wait)
	require.Equal(t, 6, wait.RetryAfter())
	_, err = r.Reveal(t.Context(), command.Caller{Actor: "lee"}, event, "member-1", "x")
	require.NoError(t, err, "another person has an allowance of their own")
	now = now.Add(6 * time.Second)
	_, err = r.Reveal(t.Context(), by, event, "member-1", "x")
	require.NoError(t, err)
}

// auditOf returns the only row of the audit.
func auditOf(t *testing.T, pool *pgxpool.Pool) string {
	t.Helper()
	text, err := pg.Value(t.Context(), pool, func(tx pgx.Tx) (text string, err error) {
		err = tx.QueryRow(t.Context(), `SELECT concat_ws('|', actor, action, object, reason, after->>'member_id')
			FROM audit_log`).Scan(&text)
		return text, err
	})
	require.NoError(t, err)
	return text
}
