package types

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"bestow/app/command"
	"bestow/domain"
	"bestow/internal/eventtest"
	"bestow/internal/pg"
	"bestow/internal/pgtest"
	"bestow/migrations"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// bundle is a database, and a Kafka of topics by name.
type bundle struct {
	*eventtest.DB

	types *Types

	mu     sync.Mutex
	topics []string
	away   error // of Kafka; nil: it is there
}

func setup(t *testing.T) *bundle {
	t.Helper()
	db := eventtest.New(t)
	rc, err := river.NewClient(riverpgxv5.New(db.Pool), &river.Config{Schema: migrations.RiverSchema})
	require.NoError(t, err)
	types, err := New(db.Pool, rc)
	require.NoError(t, err)
	return &bundle{DB: db, types: types}
}

func (b *bundle) create(code string) {
	b.Helper()
	_, err := b.types.Create(b.Context(), command.Caller{Actor: "test"}, NewType{
		Code: code, Label: "x", Granter: domain.OurGranter, Operation: domain.Vouchers,
	})
	require.NoError(b, err)
}

func (b *bundle) makeTopics(t domain.EventType) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.away == nil {
		b.topics = append(b.topics, t.Topic)
	}
	return b.away
}

func (b *bundle) make(ctx context.Context) error {
	return b.types.Make(ctx, b.makeTopics, slog.New(slog.DiscardHandler))
}

func (b *bundle) state(code string) (s domain.TypeState) {
	b.Helper()
	list, err := b.types.List(b.Context())
	require.NoError(b, err)
	for _, t := range list {
		if t.Code == code {
			s = t.State
		}
	}
	return s
}

// tables is how many tables a type of vouchers has.
func (b *bundle) tables(code string) int64 {
	b.Helper()
	return b.Int(`SELECT count(*) FROM pg_class c WHERE relname IN (lower($1) || '_targets', lower($1) || '_results')
		AND (relkind = 'p' OR EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND attname = 'voucher_pin'))`, code)
}

// A type gets its tables, then its topics, then is ready. While Kafka is away it waits with its tables, and keeps no
// other type from being made.
func TestMake(t *testing.T) {
	t.Parallel()
	b := setup(t)
	require.NoError(t, b.make(t.Context()), "there is nothing to make")
	require.Empty(t, b.topics)
	b.create("COUPON")
	require.Equal(t, domain.TypeCreating, b.state("COUPON"))
	b.away = errors.New("kafka is away")
	require.ErrorIs(t, b.make(t.Context()), b.away)
	require.Equal(t, domain.TypeTables, b.state("COUPON"))
	require.EqualValues(t, 2, b.tables("COUPON"))
	b.away = nil
	require.NoError(t, b.make(t.Context()))
	require.Equal(t, domain.TypeReady, b.state("COUPON"))
	require.Equal(t, []string{"coupon"}, b.topics)

	b.create("BAD")
	b.create("GOOD")
	b.Exec(`CREATE TABLE bad_targets ()`)
	require.ErrorContains(t, b.make(t.Context()), "make event type BAD: make tables: ")
	require.Equal(t, domain.TypeReady, b.state("GOOD"))
	require.Equal(t, domain.TypeCreating, b.state("BAD"))
}

// Any number of jobs may make a type at once.
func TestMakeAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.create("COUPON")
	errs := make(chan error, 4)
	for range cap(errs) {
		go func() { errs <- b.make(t.Context()) }()
	}
	for range cap(errs) {
		require.NoError(t, <-errs)
	}
	require.Equal(t, domain.TypeReady, b.state("COUPON"))
	require.EqualValues(t, 2, b.tables("COUPON"))
}

// D9: the foreign key of the tables waits for writers of events, and every start waits behind it. It gives up in time,
// and the next attempt goes on.
func TestTablesWaitForNoSlowWriter(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.create("COUPON")
	slow, err := b.Pool.Begin(t.Context())
	require.NoError(t, err)
	defer func() { _ = slow.Rollback(context.WithoutCancel(t.Context())) }()
	_, err = slow.Exec(t.Context(), `LOCK TABLE campaign_events IN ROW EXCLUSIVE MODE`)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	err = b.make(ctx)
	require.True(t, pg.LockTimedOut(err), "%v", err)
	require.Equal(t, domain.TypeCreating, b.state("COUPON"))
	require.NoError(t, slow.Rollback(t.Context()))
	require.NoError(t, b.make(t.Context()))
	require.Equal(t, domain.TypeReady, b.state("COUPON"))
}

// Of two requests for one code that come at once, one is refused.
func TestCreateAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	errs := make(chan error, 2)
	for range cap(errs) {
		go func() {
			_, err := b.types.Create(t.Context(), command.Caller{Actor: "test"}, NewType{
				Code: "COUPON", Label: "x", Granter: domain.OurGranter, Operation: domain.Points,
			})
			errs <- err
		}()
	}
	first, second := <-errs, <-errs
	require.True(t, (first == nil) != (second == nil), "%v, %v", first, second)
	require.True(t, domain.IsCode(errors.Join(first, second), domain.TypeExists))
	require.EqualValues(t, 1, b.Int(`SELECT count(*) FROM river.river_job WHERE kind = 'make_types'`))
}

// A type that was retired while an older job was at work stays retired.
func TestARetiredTypeStaysRetired(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.create("COUPON")
	require.NoError(t, b.types.Make(t.Context(), func(domain.EventType) error {
		b.Exec(`UPDATE event_types SET state = 'RETIRED' WHERE code = 'COUPON'`)
		return nil
	}, slog.New(slog.DiscardHandler)))
	require.Equal(t, domain.TypeRetired, b.state("COUPON"))
}
