package imports

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	"bestow/app/command"
	"bestow/app/eventrow"
	"bestow/domain"
	"bestow/internal/places"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

// slowly is an upload that stops after its first part until it is told to go on.
type slowly struct {
	io.Reader
	begun chan struct{} // closed when the first part was read
	goOn  chan struct{}
}

func newSlowly(first, rest string) *slowly {
	s := &slowly{begun: make(chan struct{}), goOn: make(chan struct{})}
	wait := readFunc(func([]byte) (int, error) {
		close(s.begun)
		<-s.goOn
		return 0, io.EOF
	})
	blank := strings.Repeat("\n", firstPiece) // so that the import has begun
	s.Reader = io.MultiReader(strings.NewReader(first+blank), wait, strings.NewReader(rest))
	return s
}

type readFunc func([]byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }

// whileImporting runs check while an import of an event is held in the middle of its file, and returns what became of
// it.
func (s *importTest) whileImporting(eventID int64, by command.Caller, check func()) (Result, error) {
	s.Helper()
	body := newSlowly("member_id,amount\nM1,1\n", "M2,2\n")
	var answer command.Answer[Result]
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		answer, err = s.targets.Import(s.Context(), by, eventID, Upload{Body: body, ContentType: typeCSV})
	}()
	<-body.begun
	check()
	close(body.goOn)
	<-done
	return answer.Value, err
}

// While an import runs, another one of the event is refused, its key is in flight, and other events go on.
func TestImportAtOnce(t *testing.T) {
	t.Parallel()
	s := setupImport(t)
	id, other := s.Event(), s.Event()
	by := command.Caller{Actor: "test", Once: &command.Once{Key: "k", Fingerprint: []byte("f")}}
	_, err := s.whileImporting(id, by, func() {
		_, err := s.importCSV(id, "member_id,amount\nM3,3\n")
		require.ErrorIs(t, err, &domain.Error{Code: domain.ImportRunning})
		_, err = s.targets.Import(t.Context(), by, id,
			Upload{Body: strings.NewReader("member_id\n"), ContentType: typeCSV})
		require.ErrorIs(t, err, &domain.Error{Code: domain.KeyInFlight})
		s.mustImport(other, "member_id,amount\nM1,1\nM2,2\n")
	})
	require.NoError(t, err)
	require.Len(t, s.consistent(id), 2)
	require.Len(t, s.consistent(other), 2)
}

// Many imports at once, each of an event of its own, half of them into partitions of their own: the ids of each are one
// run, in order (F37).
func TestImportManyAtOnce(t *testing.T) {
	t.Parallel()
	s := setupImport(t)
	s.targets.sizes.OwnPartition = 200
	s.targets.sizes.MessageTargets = 30
	const events = 6
	s.targets.places = places.New(places.Limits{All: events, Each: events})
	var ids []int64
	for range events {
		ids = append(ids, s.Event())
	}
	group, ctx := errgroup.WithContext(t.Context())
	group.SetLimit(events)
	for i, id := range ids {
		group.Go(func() error {
			file := memberFile(100 + i%2*200)
			_, err := s.targets.Import(ctx, command.Caller{Actor: "test"}, id,
				Upload{Body: bytes.NewReader(file), ContentType: typeCSV})
			return err
		})
	}
	require.NoError(t, group.Wait())
	for i, id := range ids {
		all := s.consistent(id)
		require.Len(t, all, 100+i%2*200)
		require.EqualValues(t, len(all)-1, all[len(all)-1].ID-all[0].ID, "one block of ids")
	}
}

// An event that begins, or is edited, while its list is read does not get the targets (F38).
func TestImportOvertaken(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		update string
		code   domain.Code
	}{
		"started":                 {"event_status = 'RUNNING'", domain.WrongStatus},
		"other partition count":   {"partition_count = 8", domain.ImportRunning},
		"other default amount":    {"default_amount = 8", domain.ImportRunning},
		"other default reason":    {"default_reason = 'x'", domain.ImportRunning},
		"edited where it matters": {"reservation_priority = 1", ""},
	} {
		for _, threshold := range []int{1, 100} {
			t.Run(fmt.Sprint(name, threshold), func(t *testing.T) {
				t.Parallel()
				s := setupImport(t)
				s.targets.sizes.OwnPartition = threshold
				id := s.Event()
				_, err := s.whileImporting(id, command.Caller{Actor: "test"}, func() {
					s.Exec(`UPDATE campaign_events SET `+test.update+` WHERE id = $1`, id)
				})
				if test.code == "" {
					require.NoError(t, err)
					require.Len(t, s.consistent(id), 2)
					return
				}
				require.ErrorIs(t, err, &domain.Error{Code: test.code})
				s.nothing(id)
			})
		}
	}
}

// A client that goes away in the middle leaves nothing, and the same list is imported afterwards.
func TestImportClientGone(t *testing.T) {
	t.Parallel()
	s := setupImport(t)
	id := s.Event()
	broken := io.MultiReader(bytes.NewReader(memberFile(10_000)), iotest.ErrReader(io.ErrUnexpectedEOF))
	_, err := s.targets.Import(t.Context(), command.Caller{Actor: "test"}, id,
		Upload{Body: broken, ContentType: typeCSV})
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	s.nothing(id)

	ctx, cancel := context.WithCancel(t.Context())
	body := newSlowly(string(memberFile(10_000)), "")
	go func() {
		<-body.begun
		cancel()
		close(body.goOn)
	}()
	_, err = s.targets.Import(ctx, command.Caller{Actor: "test"}, id, Upload{Body: body, ContentType: typeCSV})
	require.ErrorIs(t, err, context.Canceled)
	s.nothing(id)
	s.mustImport(id, string(memberFile(10_000)))
	require.Len(t, s.consistent(id), 10_000)
}

// What a killed import left is dropped by the next one, of whatever event; a living one keeps its stage.
func TestImportDropsOrphans(t *testing.T) {
	t.Parallel()
	s := setupImport(t)
	id, other := s.Event(), s.Event()
	s.Exec(`CREATE UNLOGGED TABLE import_stage_` + fmt.Sprint(id) + `_dead (line bigint)`)
	s.Exec(`CREATE UNLOGGED TABLE import_stage_404_dead (line bigint)`)
	s.Exec(`CREATE TABLE import_stage_of_somebody (line bigint)`)
	_, err := s.whileImporting(id, command.Caller{Actor: "test"}, func() {
		s.mustImport(other, "member_id,amount\nM1,1\n")
		require.EqualValues(t, 2, s.Int(`SELECT count(*) FROM pg_class WHERE starts_with(relname, 'import_stage_')`))
	})
	require.NoError(t, err)
	s.Exec(`DROP TABLE import_stage_of_somebody`)
	require.Len(t, s.consistent(id), 2)
}

// A default partition that is in use is waited for, but not for ever.
func TestImportWaitsForDefaultPartition(t *testing.T) {
	t.Parallel()
	s := setupImport(t)
	s.targets.sizes.OwnPartition = 1
	id := s.Event()
	reader, err := s.Pool.Begin(t.Context())
	require.NoError(t, err)
	_, err = reader.Exec(t.Context(), `LOCK TABLE point_targets_default IN ACCESS SHARE MODE`)
	require.NoError(t, err)
	imported := make(chan error, 1)
	go func() {
		_, err := s.importCSV(id, "member_id,amount\nM1,1\n")
		imported <- err
	}()
	require.Eventually(t, func() bool {
		return s.Int(`SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' OR state = 'idle in transaction'
			AND datname = current_database() AND query LIKE 'rollback to%'`) > 0
	}, 20*time.Second, 20*time.Millisecond, "no first try failed")
	require.NoError(t, reader.Rollback(t.Context()))
	require.NoError(t, <-imported)
	require.Len(t, s.consistent(id), 1)
}

func TestAttachGivesUp(t *testing.T) {
	t.Parallel()
	s := setupImport(t)
	id := s.Event()
	reader, err := s.Pool.Begin(t.Context())
	require.NoError(t, err)
	defer func() { require.NoError(t, reader.Rollback(context.WithoutCancel(t.Context()))) }()
	_, err = reader.Exec(t.Context(), `LOCK TABLE point_targets_default IN ACCESS SHARE MODE`)
	require.NoError(t, err)
	err = pgx.BeginFunc(t.Context(), s.Pool, func(tx pgx.Tx) error {
		e, err := eventrow.Select(t.Context(), tx, id)
		require.NoError(t, err)
		_, err = createTargetsPartition(t.Context(), tx, e)
		require.NoError(t, err)
		require.NoError(t, indexTargetsPartition(t.Context(), tx, e))
		return attachTargetsPartition(t.Context(), tx, e, 1)
	})
	require.ErrorIs(t, err, &domain.Error{Code: domain.Unavailable})
}

// An answer to COMMIT that is lost on its way does not make an import that is there look like one that failed (F3).
func TestImportLostCommit(t *testing.T) {
	t.Parallel()
	s := setupImport(t)
	id := s.Event()
	config := s.Pool.Config()
	lose := &atomic.Bool{}
	config.ConnConfig.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, addr)
		return &deafConn{Conn: conn, lose: lose}, err
	}
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	require.NoError(t, err)
	defer pool.Close()
	s.targets.pool = pool
	result, err := s.importCSV(id, "member_id,amount\nM1,1\n")
	require.NoError(t, err)
	require.True(t, lose.Load(), "no answer was lost")
	require.Equal(t, Result{EventID: id, ImportID: result.ImportID, Accepted: 1, TotalAmount: 1, Unit: "P"}, result)
	require.Len(t, s.consistent(id), 1)
}

// deafConn loses the answer to the first COMMIT after an insert of totals, and the connection with it.
type deafConn struct {
	net.Conn
	lose   *atomic.Bool
	totals bool
	deaf   bool
}

func (c *deafConn) Write(p []byte) (int, error) {
	c.totals = c.totals || bytes.Contains(p, []byte("total_count = total_count +"))
	if c.totals && bytes.Contains(p, []byte("commit\x00")) && c.lose.CompareAndSwap(false, true) {
		c.deaf = true
	}
	return c.Conn.Write(p)
}

func (c *deafConn) Read(p []byte) (int, error) {
	if c.deaf {
		if _, err := c.Conn.Read(p); err != nil { // PostgreSQL has answered: it is committed
			return 0, err
		}
		return 0, io.ErrUnexpectedEOF
	}
	return c.Conn.Read(p)
}

// Uploads that stand still hold only their own places: the next one has its turn when one has left, and is told to come
// again where none leaves, or the process stops. Its sender may go.
func TestImportPlaces(t *testing.T) {
	t.Parallel()
	s := setupImport(t)
	s.targets.places = places.New(places.ButOne(1))
	upload := func(ctx context.Context, ending <-chan struct{}) error {
		_, err := s.targets.Import(ctx, command.Caller{Actor: "test"}, s.Event(),
			Upload{Body: bytes.NewReader(memberFile(10)), ContentType: typeCSV, Ending: ending})
		return err
	}
	leave, err := s.targets.enter(t.Context(), "another", nil)
	require.NoError(t, err)
	stopped := make(chan struct{})
	close(stopped)
	require.ErrorIs(t, upload(t.Context(), stopped), &domain.Error{Code: domain.Unavailable})
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, upload(gone, nil), context.Canceled)
	waited := make(chan error, 1)
	go func() { waited <- upload(t.Context(), nil) }()
	select {
	case err := <-waited:
		require.Fail(t, "it did not wait", err)
	case <-time.After(100 * time.Millisecond):
	}
	leave()
	require.NoError(t, <-waited)

	_, err = s.targets.enter(t.Context(), "another", nil)
	require.NoError(t, err)
	s.targets.wait = time.Millisecond
	require.ErrorIs(t, upload(t.Context(), nil), &domain.Error{Code: domain.Unavailable})

	s.targets.places = places.New(places.ButOne(2))
	_, err = s.targets.enter(t.Context(), "test", nil)
	require.NoError(t, err)
	err = upload(t.Context(), nil)
	require.ErrorIs(t, err, &domain.Error{Code: domain.Unavailable})
	require.ErrorContains(t, err, "of your lists")
	_, err = s.targets.enter(t.Context(), "another", nil)
	require.NoError(t, err, "one principal took all places")
}
