package eventrow

import (
	"context"
	"testing"
	"time"

	"bestow/domain"
	"bestow/internal/eventtest"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// rows is a database with events.
type rows struct{ *eventtest.DB }

func newRows(t *testing.T) rows {
	t.Helper()
	return rows{eventtest.New(t)}
}

// in runs f in a transaction and returns its error.
func (r rows) in(f func(context.Context, pgx.Tx) error) error {
	return pgx.BeginFunc(r.Context(), r.Pool, func(tx pgx.Tx) error { return f(r.Context(), tx) })
}

func (r rows) move(id int64, from, to domain.Status) error {
	return r.in(func(ctx context.Context, tx pgx.Tx) error { return Move(ctx, tx, id, from, to) })
}

func (r rows) get(id int64) (e domain.Event) {
	r.Helper()
	require.NoError(r, r.in(func(ctx context.Context, tx pgx.Tx) (err error) {
		e, err = Select(ctx, tx, id)
		return err
	}))
	return e
}

var busy = &domain.Error{Code: domain.LaneBusy}

const reserved = "reservation_at = '2026-01-01 00:00:00Z'"

// An event moves from the status that it was read in, or not at all.
func TestAMoveHitsItsStatus(t *testing.T) {
	t.Parallel()
	r := newRows(t)
	id, other := r.Event(), r.Event()
	require.NoError(t, r.move(id, domain.Pending, domain.Running))
	require.Error(t, r.move(id, domain.Pending, domain.Running), "it has moved already")
	require.Error(t, r.move(id, domain.Stopped, domain.Running))
	require.Error(t, r.move(other+1, domain.Pending, domain.Running), "there is no such event")
	require.Equal(t, domain.Running, r.get(id).Status)
	require.Equal(t, domain.Pending, r.get(other).Status)
}

// One event of a lane runs at a time. The constraint holds also if two were started at the same moment, and neither saw
// the other; an event of another second, or without one, is free (F27).
func TestOneOfALaneRuns(t *testing.T) {
	t.Parallel()
	r := newRows(t)
	first, second := r.Event(reserved), r.Event(reserved)
	later, byHand := r.Event("reservation_at = '2026-01-01 00:00:01Z'"), r.Event()
	free := func(id int64) error {
		e := r.get(id)
		return r.in(func(ctx context.Context, tx pgx.Tx) error { return LaneFree(ctx, tx, e) })
	}
	require.NoError(t, free(second))
	ended := make(chan error, 1)
	require.NoError(t, r.in(func(ctx context.Context, tx pgx.Tx) error {
		require.NoError(t, Move(ctx, tx, first, domain.Pending, domain.Running))
		require.NoError(t, free(second), "the other one is not committed")
		go func() { ended <- r.move(second, domain.Pending, domain.Running) }()
		return nil
	}))
	require.ErrorIs(t, <-ended, busy)
	var refused *domain.Error
	require.ErrorAs(t, free(second), &refused)
	require.Equal(t, domain.LaneBusy, refused.Code)
	require.Equal(t, first, refused.EventID, "it says which one")
	for _, id := range []int64{later, byHand} {
		require.NoError(t, free(id))
		require.NoError(t, r.move(id, domain.Pending, domain.Running))
	}
	require.NoError(t, r.move(first, domain.Running, domain.Stopped))
	require.NoError(t, free(second))
	require.NoError(t, r.move(second, domain.Pending, domain.Running))
}

// The first start of an event stands, and a stop says why until the failure is forgotten.
func TestStamps(t *testing.T) {
	t.Parallel()
	r := newRows(t)
	id := r.Event()
	var first, again time.Time
	require.NoError(t, r.in(func(ctx context.Context, tx pgx.Tx) (err error) {
		first, err = StampStarted(ctx, tx, id)
		return err
	}))
	require.NoError(t, r.in(func(ctx context.Context, tx pgx.Tx) (err error) {
		again, err = StampStarted(ctx, tx, id)
		return err
	}))
	require.Equal(t, first, again)
	require.Equal(t, first, *r.get(id).Summary.StartedAt)

	require.NoError(t, r.in(func(ctx context.Context, tx pgx.Tx) error {
		return StampStopped(ctx, tx, id, domain.Mismatch, "another amount")
	}))
	e := r.get(id)
	require.Equal(t, domain.Mismatch, e.FailureCode)
	require.Equal(t, "another amount", e.Summary.StoppedMemo)
	require.NotNil(t, e.Summary.StoppedAt)
	require.NoError(t, r.in(func(ctx context.Context, tx pgx.Tx) error { return ClearFailure(ctx, tx, id) }))
	require.Empty(t, r.get(id).FailureCode)
	require.NoError(t, r.in(func(ctx context.Context, tx pgx.Tx) error {
		return StampStopped(ctx, tx, id, "", "a wrong list")
	}))
	e = r.get(id)
	require.Empty(t, e.FailureCode, "a person's stop is no failure")
	require.Equal(t, "a wrong list", e.Summary.StoppedMemo)

	require.Nil(t, e.Summary.CompletedAt)
	require.NoError(t, r.in(func(ctx context.Context, tx pgx.Tx) error { return StampCompleted(ctx, tx, id) }))
	require.NotNil(t, r.get(id).Summary.CompletedAt)
}

// What an event says of its expiry and of its reserved moment goes by the database's clock.
func TestAnEventKnowsTheTime(t *testing.T) {
	t.Parallel()
	r := newRows(t)
	for name, c := range map[string]struct {
		set             []string
		expired, missed bool
	}{
		"plain":                     {nil, false, false},
		"expired":                   {[]string{"expiry_at = now()"}, true, false},
		"not yet expired":           {[]string{"expiry_at = now() + interval '1 hour'"}, false, false},
		"passed without a list":     {[]string{reserved}, false, true},
		"passed with a list":        {[]string{reserved, "total_count = 1"}, false, false},
		"ahead without a list":      {[]string{"reservation_at = '2999-01-01 00:00:00Z'"}, false, false},
		"missed, and listed since":  {[]string{reserved, "total_count = 1", "reservation_missed = true"}, false, true},
		"missed, and started since": {[]string{reserved, "reservation_missed = true", "event_status = 'RUNNING'"}, false, false},
	} {
		e := r.get(r.Event(c.set...))
		require.Equal(t, c.expired, e.Expired, name)
		require.Equal(t, c.missed, e.Missed, name)
		r.Exec(`DELETE FROM campaign_event_summary`)
		r.Exec(`DELETE FROM campaign_events`)
	}
}

// An event that is not there is told as such, and a brake holds the events of its scope.
func TestSelect(t *testing.T) {
	t.Parallel()
	r := newRows(t)
	id := r.Event()
	held := func(id int64) (braked bool, err error) {
		err = r.in(func(ctx context.Context, tx pgx.Tx) error {
			var e domain.Event
			e, braked, err = SelectBraked(ctx, tx, id)
			if err == nil {
				require.Equal(t, r.get(id), e, "it reads as Select does")
			}
			return err
		})
		return braked, err
	}
	for _, ask := range []func(context.Context, pgx.Tx) error{
		func(ctx context.Context, tx pgx.Tx) error { _, err := Select(ctx, tx, id+1); return err },
		func(ctx context.Context, tx pgx.Tx) error { _, _, err := SelectBraked(ctx, tx, id+1); return err },
	} {
		require.ErrorIs(t, r.in(ask), &domain.Error{Code: domain.NotFound})
	}
	for scope, want := range map[string]bool{"all": true, "type:POINT": true, "type:VOUCHER": false} {
		r.Exec(`INSERT INTO brakes (scope, by, memo) VALUES ($1, 'kim', 'why')`, scope)
		braked, err := held(id)
		require.NoError(t, err)
		require.Equal(t, want, braked, scope)
		r.Exec(`DELETE FROM brakes`)
	}
	braked, err := held(id)
	require.NoError(t, err)
	require.False(t, braked)
}

// A list goes from the newest event to the oldest, page by page, and each filter leaves out the others.
func TestList(t *testing.T) {
	t.Parallel()
	r := newRows(t)
	a, b := r.Event(), r.Event("event_status = 'RUNNING'", "name = 'Spring thanks'")
	c, d := r.Event("event_type = 'VOUCHER'", "created_by = 'kim'"), r.Event("campaign_id = '가을'") // stored composed
	r.Exec(`UPDATE campaign_event_summary SET fail_count = 1 WHERE event_id = $1`, a)
	for name, want := range map[string]struct {
		filter Filter
		ids    []int64
	}{
		"all":            {Filter{Limit: 10}, []int64{d, c, b, a}},
		"a page":         {Filter{Limit: 2}, []int64{d, c}},
		"the next page":  {Filter{Limit: 2, Before: c}, []int64{b, a}},
		"by status":      {Filter{Limit: 10, Statuses: []domain.Status{domain.Running}}, []int64{b}},
		"by statuses":    {Filter{Limit: 10, Statuses: []domain.Status{domain.Running, domain.Failed}}, []int64{b}},
		"by name":        {Filter{Limit: 10, Words: "spring"}, []int64{b}},
		"by a part":      {Filter{Limit: 10, Words: "CAMPAIGN-1"}, []int64{a}},
		"a wildcard":     {Filter{Limit: 10, Words: "%"}, nil},
		"by composed":    {Filter{Limit: 10, Words: "\u1100\u1161"}, []int64{d}},
		"by operator":    {Filter{Limit: 10, CreatedBy: "kim"}, []int64{c}},
		"with failures":  {Filter{Limit: 10, HasFailures: new(true)}, []int64{a}},
		"without":        {Filter{Limit: 10, HasFailures: new(false)}, []int64{d, c, b}},
		"by type":        {Filter{Limit: 10, Type: "VOUCHER"}, []int64{c}},
		"by campaign":    {Filter{Limit: 10, CampaignID: "campaign-1"}, []int64{a}},
		"in other bytes": {Filter{Limit: 10, CampaignID: "\u1100\u1161\u110b\u1173\u11af"}, []int64{d}},
		"of both":        {Filter{Limit: 10, Statuses: []domain.Status{domain.Running}, Type: "VOUCHER"}, nil},
	} {
		var ids []int64
		require.NoError(t, r.in(func(ctx context.Context, tx pgx.Tx) error {
			events, err := List(ctx, tx, want.filter)
			for _, e := range events {
				ids = append(ids, e.ID)
			}
			return err
		}))
		require.Equal(t, want.ids, ids, name)
	}
}

// An event type that is being made is not used yet.
func TestTypesThatAreReady(t *testing.T) {
	t.Parallel()
	r := newRows(t)
	r.Exec(`UPDATE event_types SET state = 'CREATING' WHERE code = 'VOUCHER'`)
	r.Exec(`UPDATE event_types SET max_per_member = 7, unit = 'P' WHERE code = 'POINT'`)
	var types map[string]domain.EventType
	require.NoError(t, r.in(func(ctx context.Context, tx pgx.Tx) (err error) {
		types, err = Types(ctx, tx)
		return err
	}))
	require.Len(t, types, 1)
	require.EqualValues(t, 7, types["POINT"].Limits.PerMember)
	require.Equal(t, "P", types["POINT"].Unit)
	require.Equal(t, domain.Points, types["POINT"].Operation)
}
