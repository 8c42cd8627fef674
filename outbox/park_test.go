package outbox

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// somewhere is the position of a message.
var somewhere = Position{Topic: "grants.point", Partition: 3, Offset: 7}

func (r *room) park(at Position, payload string, from replay, cause string, why error) {
	r.Helper()
	require.NoError(r, park(r.Context(), r.pool, at, []byte(payload), from, cause, why))
}

// A message is parked once per position, with its bytes as they are and a detail that PostgreSQL can keep.
func TestPark(t *testing.T) {
	t.Parallel()
	r := setup(t)
	for range 2 {
		r.park(somewhere, "a\x00\xff", replay{}, causeForeign, errors.New("a\x00b"+strings.Repeat("x", 2000)))
	}
	p := r.one()
	require.Equal(t, somewhere, p.At)
	require.Equal(t, causeForeign, p.Cause)
	require.Len(t, []rune(p.Detail), 1000)
	require.True(t, strings.HasPrefix(p.Detail, "a\uFFFDb"))
	require.Equal(t, 3, p.Size)
	require.Nil(t, p.ReplayedAt)
	require.Equal(t, "true", r.text(`SELECT (digest = sha256(convert_to(ROW(topic, kafka_partition, kafka_offset, encode(payload, 'hex'))::text, 'UTF8')))::text FROM parked_messages`))

	for _, at := range []Position{{"grants.point", 3, 8}, {"grants.point", 4, 7}, {"grants.voucher", 3, 7}} {
		r.park(at, "a", replay{}, causeUndecodable, errors.New("bad"))
	}
	require.NoError(t, park(t.Context(), r.pool, Position{"grants.point", 0, 0}, nil, replay{}, causeNewer, errors.New("no value")))
	require.Equal(t, "5", r.text(`SELECT count(*)::text FROM parked_messages`))
}

// A copy that is still bad goes back to the row that it was published from. A late copy, one of an earlier replay, and other
// bytes under a copy's header end no replay.
func TestACopyGoesBackToItsRow(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.park(somewhere, "bad", replay{}, causeNewer, errors.New("of version 2"))
	id := r.one().ID
	earlier, _, err := r.replay(id)
	require.NoError(t, err)
	r.exec(`UPDATE river.river_job SET state = 'completed', finalized_at = now()`)
	p, fresh, err := r.replay(id)
	require.NoError(t, err)
	require.True(t, fresh)
	last := replay{id, *p.ReplayedAt}

	later := Position{"grants.point", 3, 8}
	r.park(later, "bad", replay{id, *earlier.ReplayedAt}, causeNewer, errors.New("of version 2"))
	require.NotNil(t, r.one().ReplayedAt, "a copy of the replay before ends no replay")
	for range 2 {
		r.park(later, "bad", last, causeUndecodable, errors.New("is rubbish"))
		p = r.one()
		require.Nil(t, p.ReplayedAt)
		require.Equal(t, causeUndecodable, p.Cause)
		require.Equal(t, "is rubbish", p.Detail)
		require.Equal(t, somewhere, p.At)
	}
	r.exec(`UPDATE parked_messages SET replayed_at = $1`, last.asked)
	r.park(later, "forged", last, causeUndecodable, errors.New("is rubbish"))
	require.Len(t, r.list(ParkedFilter{Limit: 9}), 2, "other bytes are no copy")
	require.Equal(t, "1", r.text(`SELECT count(*)::text FROM parked_messages WHERE replayed_at IS NOT NULL`))
	r.park(Position{"grants.point", 3, 9}, "bad", replay{77, last.asked}, causeUndecodable, errors.New("is rubbish"))
	require.Len(t, r.list(ParkedFilter{Limit: 9}), 3, "there is no such row")
}

// What is wrong with a message decides whether it is parked, and as what.
func TestCauseOf(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err    error
		cause  string
		parked bool
	}{
		{nil, "", false},
		{errors.New("the database is away"), "", false},
		{ErrBusy, "", false},
		{context.DeadlineExceeded, "", false},
		{errNewer, "", false}, // of a handler, which means something else by it
		{fmt.Errorf("handle: %w", &ForeignError{"no such chunk"}), causeForeign, true},
		{&unreadableError{errors.New("not JSON")}, causeUndecodable, true},
		{&unreadableError{fmt.Errorf("%w: v2", errNewer)}, causeNewer, true},
	} {
		cause, parked := causeOf(c.err)
		require.Equal(t, c.cause, cause, "%v", c.err)
		require.Equal(t, c.parked, parked, "%v", c.err)
	}
}
