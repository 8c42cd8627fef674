//go:build failpoint

package grants_test

import (
	"context"
	"errors"
	"testing"

	"bestow/app/command"
	"bestow/app/grants"
	"bestow/domain"
	"bestow/internal/failpoint"
	"bestow/outbox"

	"github.com/stretchr/testify/require"
)

var errKilled = errors.New("killed here")

// killedAt ends whatever passes the point.
func killedAt(ctx context.Context, point string) context.Context {
	return failpoint.With(ctx, func(at string) error {
		if at == point {
			return errKilled
		}
		return nil
	})
}

// D11: a handler that dies between settling what was answered and giving the claim back leaves the claim open. When the
// lease has ended the others are asked for, and nobody is counted twice.
func TestKilledAfterAPart(t *testing.T) {
	t.Parallel()
	s := setupGrants(t, 3)
	s.ledger.err, s.ledger.reach = grants.ErrNotReached, 2
	err := s.app.Grants.Handle(killedAt(t.Context(), failpoint.PartAfterCommit), s.message(0, 0))
	require.ErrorIs(t, err, errKilled)
	require.Equal(t, []string{"SUCCESS tx-m1", "SUCCESS tx-m2", "none"}, []string{s.row("m1"), s.row("m2"), s.row("m3")})
	require.Equal(t, "open", s.claimed())

	s.ledger.err, s.ledger.asked = nil, nil
	require.ErrorIs(t, s.app.Grants.Handle(t.Context(), s.message(0, 0)), outbox.ErrBusy)
	s.Exec(`UPDATE grant_chunks SET open_until = now() - interval '1 second'`)
	require.NoError(t, s.app.Grants.Handle(t.Context(), s.message(0, 0)))
	require.Equal(t, []string{"m3"}, s.ledger.asked)
	require.Equal(t, "success 3 fail 0 retried 0 settled 3", s.counted())
	require.Equal(t, "closed", s.claimed())
}

// The same of a look-up: the claim that ran out stays as it was, so the next delivery looks the others up.
func TestKilledAfterAPartOfALookup(t *testing.T) {
	t.Parallel()
	s := setupGrants(t, 3)
	m := s.message(0, 0)
	_, err := s.app.Events.Stop(t.Context(), command.Caller{Actor: "test"}, s.event, "a test")
	require.NoError(t, err)
	s.Exec(`UPDATE grant_chunks SET claim_token = gen_random_uuid(), open_until = now(), claimed_at = now()`)
	for _, granted := range []string{"m1", "m3"} {
		s.ledger.stands[granted] = domain.Outcome{Verdict: domain.Granted, TxID: "tx-" + granted}
	}
	s.ledger.err, s.ledger.reach = grants.ErrNotReached, 2
	require.ErrorIs(t, s.app.Grants.Handle(killedAt(t.Context(), failpoint.PartAfterCommit), m), errKilled)
	require.Equal(t, []string{"SUCCESS tx-m1", "none"}, []string{s.row("m1"), s.row("m3")})
	require.Equal(t, "lapsed", s.claimed())

	s.ledger.err = nil
	require.NoError(t, s.app.Grants.Handle(t.Context(), m))
	require.Equal(t, "SUCCESS tx-m3", s.row("m3"))
	require.Equal(t, "success 2 fail 0 retried 0 settled 2", s.counted())
	require.Equal(t, "closed", s.claimed())
	require.Empty(t, s.ledger.asked)
}
