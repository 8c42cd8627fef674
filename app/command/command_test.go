package command

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"bestow/domain"
	"bestow/internal/eventtest"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// answer is what a request of these tests gets: the number of the row that it wrote.
type answer struct{ Row int64 }

// desk is a database in which each request that is done leaves a row.
type desk struct{ *eventtest.DB }

func newDesk(t *testing.T) desk {
	t.Helper()
	db := eventtest.New(t)
	db.Exec(`CREATE TABLE done (row bigint GENERATED ALWAYS AS IDENTITY)`)
	return desk{db}
}

// write is what a request does.
func (d desk) write(tx pgx.Tx) (a answer, err error) {
	return a, tx.QueryRow(d.Context(), `INSERT INTO done DEFAULT VALUES RETURNING row`).Scan(&a.Row)
}

func (d desk) done() int64 { return d.Int(`SELECT count(*) FROM done`) }

func (d desk) keys() int64 { return d.Int(`SELECT count(*) FROM idempotency_keys`) }

func asks(actor, key, body string) Caller {
	return Caller{Actor: actor, Once: &Once{Key: key, Fingerprint: []byte(body)}}
}

func code(c domain.Code) error { return &domain.Error{Code: c} }

// A request that is repeated with its key is done once, and gets the answer of the first time. A key is its actor's, and
// a request without a key is done each time.
func TestAKeyIsDoneOnce(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for _, c := range []struct {
		name     string
		by       Caller
		row      int64
		replayed bool
	}{
		{"the first", asks("kim", "k", "body"), 1, false},
		{"the same again", asks("kim", "k", "body"), 1, true},
		{"another key", asks("kim", "k2", "body"), 2, false},
		{"the key of another person", asks("lee", "k", "body"), 3, false},
		{"no key", Caller{Actor: "kim"}, 4, false},
		{"no key again", Caller{Actor: "kim"}, 5, false},
		{"the same at last", asks("kim", "k", "body"), 1, true},
	} {
		got, err := Run(t.Context(), d.Pool, c.by, Command[answer]{Do: d.write})
		require.NoError(t, err, c.name)
		require.Equal(t, answer{c.row}, got.Value, c.name)
		require.Equal(t, c.replayed, got.Replayed, c.name)
		require.Equal(t, d.Int(`SELECT coalesce(max(row), 0) FROM done`), d.done(), c.name)
	}
	require.EqualValues(t, 5, d.done())
}

// A key belongs to one request: with another body it is refused, and nothing is done.
func TestAKeyWithAnotherBody(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	do := Command[answer]{Do: d.write}
	_, err := Run(t.Context(), d.Pool, asks("kim", "k", "body"), do)
	require.NoError(t, err)
	other := asks("kim", "k", "another body")
	_, err = Run(t.Context(), d.Pool, other, do)
	require.ErrorIs(t, err, code(domain.KeyReused))
	_, err = Run(t.Context(), d.Pool, other, do.Anew())
	require.ErrorIs(t, err, code(domain.KeyReused), "what is done each time is no other request either")
	_, _, err = Answered[answer](t.Context(), d.Pool, other)
	require.ErrorIs(t, err, code(domain.KeyReused))
	require.EqualValues(t, 1, d.done())
}

// While the first request of a key is at work, a second one is told so at once, and does nothing. After it the second
// one gets its answer; if it came to nothing, the second one is done.
func TestAKeyInFlight(t *testing.T) {
	t.Parallel()
	for _, fails := range []bool{false, true} {
		t.Run(fmt.Sprint(fails), func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			do := Command[answer]{Do: d.write}
			atWork, goOn, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
			failed := errors.New("the list is wrong")
			go func() {
				_, err := Run(t.Context(), d.Pool, asks("kim", "k", "body"), Command[answer]{Do: func(tx pgx.Tx) (a answer, err error) {
					close(atWork)
					<-goOn
					if fails {
						return a, failed
					}
					return d.write(tx)
				}})
				ended <- err
			}()
			<-atWork
			_, err := Run(t.Context(), d.Pool, asks("kim", "k", "body"), do)
			require.ErrorIs(t, err, code(domain.KeyInFlight))
			_, _, err = Answered[answer](t.Context(), d.Pool, asks("kim", "k", "body"))
			require.ErrorIs(t, err, code(domain.KeyInFlight))
			_, err = Run(t.Context(), d.Pool, asks("kim", "other", "body"), do)
			require.NoError(t, err, "other keys are free")
			_, err = Run(t.Context(), d.Pool, asks("lee", "k", "body"), do)
			require.NoError(t, err, "and so are those of other people")
			close(goOn)
			require.Equal(t, fails, errors.Is(<-ended, failed))
			second := asks("kim", "k", "body")
			got, err := Run(t.Context(), d.Pool, second, do)
			require.NoError(t, err)
			require.Equal(t, !fails, got.Replayed)
			require.EqualValues(t, 3, d.done())
		})
	}
}

// Of many requests with one key that come at once, one is done; the others get its answer or are told to wait.
func TestARaceForAKey(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	const racers = 8
	var done, replayed, waiting atomic.Int32
	errs := make(chan error, racers)
	for range racers {
		go func() {
			by := asks("kim", "k", "body")
			got, err := Run(t.Context(), d.Pool, by, Command[answer]{Do: d.write})
			switch {
			case errors.Is(err, code(domain.KeyInFlight)):
				waiting.Add(1)
				err = nil
			case err == nil && got.Value != answer{1}:
				err = fmt.Errorf("another answer: %v", got.Value)
			case err == nil && got.Replayed:
				replayed.Add(1)
			case err == nil:
				done.Add(1)
			}
			errs <- err
		}()
	}
	for range racers {
		require.NoError(t, <-errs)
	}
	require.EqualValues(t, 1, done.Load())
	require.EqualValues(t, racers-1, replayed.Load()+waiting.Load())
	require.EqualValues(t, 1, d.done())
}

// A request that is refused keeps neither what it wrote nor its key: asked again, it is done.
func TestARefusedRequestKeepsNothing(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	refused := errors.New("refused")
	_, err := Run(t.Context(), d.Pool, asks("kim", "k", "body"), Command[answer]{Do: func(tx pgx.Tx) (answer, error) {
		a, err := d.write(tx)
		return a, errors.Join(refused, err)
	}})
	require.ErrorIs(t, err, refused)
	require.Zero(t, d.done())
	require.Zero(t, d.keys())
	by := asks("kim", "k", "another body")
	got, err := Run(t.Context(), d.Pool, by, Command[answer]{Do: d.write})
	require.NoError(t, err, "the key is free again, for any body")
	require.False(t, got.Replayed)
	require.EqualValues(t, 1, d.done())
}

// A command that knows the state anew answers a repeated key with it, in the transaction that found the key; the first
// answer is its own.
func TestARepeatedKeyIsAnsweredAnew(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	gone := errors.New("the event is gone")
	var now error
	c := Command[answer]{Do: d.write, OnReplay: func(tx pgx.Tx) (a answer, err error) {
		return a, errors.Join(now, tx.QueryRow(t.Context(), `SELECT 100 + count(*) FROM done`).Scan(&a.Row))
	}}
	for _, want := range []answer{{1}, {101}} {
		got, err := Run(t.Context(), d.Pool, asks("kim", "k", "body"), c)
		require.NoError(t, err)
		require.Equal(t, want, got.Value)
	}
	got, err := Run(t.Context(), d.Pool, Caller{Actor: "kim"}, c)
	require.NoError(t, err)
	require.Equal(t, answer{2}, got.Value, "there is no key to repeat")
	now = gone
	_, err = Run(t.Context(), d.Pool, asks("kim", "k", "body"), c)
	require.ErrorIs(t, err, gone)
}

// What stops is done each time that it is asked for, and says that it was.
func TestAnewIsDoneEachTime(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for n := range int64(3) {
		by := asks("kim", "k", "body")
		got, err := Run(t.Context(), d.Pool, by, Command[answer]{Do: d.write}.Anew())
		require.NoError(t, err)
		require.Equal(t, answer{n + 1}, got.Value)
		require.False(t, got.Replayed)
	}
	require.EqualValues(t, 1, d.keys())
}

// A use case of several transactions asks first whether its key was answered.
func TestAnsweredSaysWhatAKeyGot(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	by := asks("kim", "k", "body")
	for _, unknown := range []Caller{{Actor: "kim"}, by} {
		_, found, err := Answered[answer](t.Context(), d.Pool, unknown)
		require.NoError(t, err)
		require.False(t, found)
	}
	_, err := Run(t.Context(), d.Pool, by, Command[answer]{Do: d.write})
	require.NoError(t, err)
	got, found, err := Answered[answer](t.Context(), d.Pool, by)
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, answer{1}, got)
}

// The fingerprint of an upload is known when it was read: after it was stored, or by reading it in place of that.
func TestAnUploadIsReadOnce(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	upload := func(body string) (steps string, err error) {
		by := asks("kim", "k", "")
		err = pgx.BeginFunc(t.Context(), d.Pool, func(tx pgx.Tx) error {
			_, err := Stream(t.Context(), tx, by,
				func() ([]byte, error) { steps += "fingerprint "; return []byte(body), nil },
				func() (answer, error) { steps += "store "; return d.write(tx) })
			return err
		})
		return steps, err
	}
	for _, c := range []struct{ body, steps string }{{"list", "store fingerprint "}, {"list", "fingerprint "}} {
		steps, err := upload(c.body)
		require.NoError(t, err)
		require.Equal(t, c.steps, steps)
	}
	_, err := upload("another list")
	require.ErrorIs(t, err, code(domain.KeyReused))
	require.EqualValues(t, 1, d.done())

	broken := errors.New("the upload broke off")
	for range 2 { // at the first of a key, and where an answer is stored
		err = pgx.BeginFunc(t.Context(), d.Pool, func(tx pgx.Tx) error {
			_, err := Stream(t.Context(), tx, asks("kim", "k2", ""), func() ([]byte, error) { return nil, broken },
				func() (answer, error) { return d.write(tx) })
			return err
		})
		require.ErrorIs(t, err, broken)
		require.EqualValues(t, 1, d.done())
		_, err = Run(t.Context(), d.Pool, asks("kim", "k2", ""), Command[answer]{
			Do: func(pgx.Tx) (answer, error) { return answer{}, nil },
		})
		require.NoError(t, err)
	}
}

// A command waits for a lock as long as a request lasts, and not longer.
func TestACommandWaitsForALockInTime(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	waits, err := Run(t.Context(), d.Pool, Caller{Actor: "kim"}, Command[string]{
		Do: func(tx pgx.Tx) (wait string, err error) {
			return wait, tx.QueryRow(context.Background(), `SHOW lock_timeout`).Scan(&wait)
		},
	})
	require.NoError(t, err)
	require.Equal(t, Wait.String(), waits.Value)
}
