package places

import (
	"context"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// One owner has its share, all have all places, and a place that is left can be taken again.
func TestTake(t *testing.T) {
	t.Parallel()
	p := New(Limits{All: 3, Each: 2})
	take := func(owner string) (func(), error) { return p.Take(t.Context(), owner, Wait{}) }
	first, err := take("crm")
	require.NoError(t, err)
	second, err := take("crm")
	require.NoError(t, err)
	_, err = take("crm")
	require.ErrorIs(t, err, ErrShare)
	third, err := take("kim")
	require.NoError(t, err)
	_, err = take("lee")
	require.ErrorIs(t, err, ErrFull)
	second()
	second, err = take("lee")
	require.NoError(t, err)
	for _, leave := range []func(){first, second, third} {
		leave()
	}
	require.Empty(t, p.taken)
	taken, waiting := p.Counts()
	require.Zero(t, taken)
	require.Zero(t, waiting)
}

func TestButOne(t *testing.T) {
	t.Parallel()
	require.Equal(t, Limits{All: 1, Each: 1, Waiting: 40}, ButOne(1))
	require.Equal(t, Limits{All: 5, Each: 4, Waiting: 200}, ButOne(5))
}

// Who waits has its turn in the order of coming, but for who has its share already; and does not wait longer than
// asked, nor for a process that stops, nor after its own end.
func TestWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := New(Limits{All: 2, Each: 1, Waiting: 9})
		leaveCRM, err := p.Take(t.Context(), "crm", Wait{})
		require.NoError(t, err)
		leaveKim, err := p.Take(t.Context(), "kim", Wait{})
		require.NoError(t, err)
		for want, end := range map[error]func(*Wait) context.Context{
			ErrFull:  func(*Wait) context.Context { return t.Context() },
			ErrShare: func(*Wait) context.Context { return t.Context() },
			ErrStopping: func(w *Wait) context.Context {
				stopped := make(chan struct{})
				close(stopped)
				w.Ending = stopped
				return t.Context()
			},
			context.Canceled: func(*Wait) context.Context {
				gone, cancel := context.WithCancel(t.Context())
				cancel()
				return gone
			},
		} {
			owner := "lee"
			if want == ErrShare { //nolint:errorlint // the map's own key
				owner = "crm"
			}
			wait := Wait{AtMost: time.Minute}
			began := time.Now()
			_, err = p.Take(end(&wait), owner, wait)
			require.ErrorIs(t, err, want)
			require.LessOrEqual(t, time.Since(began), time.Minute)
			_, waiting := p.Counts()
			require.Zero(t, waiting)
		}

		var turns []string
		var mu sync.Mutex
		turnsOf := func() []string {
			mu.Lock()
			defer mu.Unlock()
			return slices.Clone(turns)
		}
		line := func(owner string) {
			go func() {
				leave, err := p.Take(t.Context(), owner, Wait{AtMost: time.Hour})
				if err != nil {
					return
				}
				mu.Lock()
				turns = append(turns, owner)
				mu.Unlock()
				time.Sleep(time.Second) //nolint:forbidigo // the clock of the bubble
				leave()
			}()
			synctest.Wait()
		}
		line("crm") // has its share until crm leaves
		line("lee")
		line("ann")
		leaveKim()
		synctest.Wait()
		require.Equal(t, []string{"lee"}, turnsOf())
		leaveCRM()
		synctest.Wait()
		require.Equal(t, []string{"lee", "crm"}, turnsOf())
		time.Sleep(2 * time.Second) //nolint:forbidigo // the clock of the bubble
		synctest.Wait()
		require.Equal(t, []string{"lee", "crm", "ann"}, turnsOf())
		time.Sleep(2 * time.Second) //nolint:forbidigo // the clock of the bubble
		synctest.Wait()
		taken, _ := p.Counts()
		require.Zero(t, taken)
	})
}

// A full queue refuses, but for an owner of whom fewer wait: then the last one of whom most wait is refused.
func TestQueue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := New(Limits{All: 1, Each: 1, Waiting: 3})
		leave, err := p.Take(t.Context(), "other", Wait{})
		require.NoError(t, err)
		ended := make(chan error, 9)
		line := func(owner string) {
			go func() {
				leave, err := p.Take(t.Context(), owner, Wait{AtMost: time.Hour})
				if err == nil {
					leave()
				}
				ended <- err
			}()
			synctest.Wait()
		}
		for range 3 {
			line("crm")
		}
		require.Empty(t, ended)
		line("crm")
		require.ErrorIs(t, <-ended, ErrQueue)
		line("kim")
		require.ErrorIs(t, <-ended, ErrQueue, "of crm's the last one")
		line("kim")
		require.ErrorIs(t, <-ended, ErrQueue, "kim's: then more would wait of kim than of crm")
		taken, waiting := p.Counts()
		require.Equal(t, []int{1, 3}, []int{taken, waiting})
		leave()
		for range 3 {
			require.NoError(t, <-ended)
		}
	})
}

// Of many who come, wait a little and go, no place is lost and none is taken twice.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	p := New(Limits{All: 3, Each: 2, Waiting: 20})
	var group sync.WaitGroup
	for i := range 400 {
		group.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i%7)*100*time.Microsecond)
			defer cancel()
			leave, err := p.Take(ctx, strconv.Itoa(i%4), Wait{AtMost: time.Duration(1+i%5) * 100 * time.Microsecond})
			if err != nil {
				return
			}
			taken, _ := p.Counts()
			if taken > 3 {
				t.Errorf("%d places are taken of 3", taken)
			}
			runtime.Gosched()
			leave()
		})
	}
	group.Wait()
	taken, waiting := p.Counts()
	require.Zero(t, taken)
	require.Zero(t, waiting)
	require.Empty(t, p.taken)
}
