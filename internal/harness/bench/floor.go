package bench

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"bestow/domain"
	"bestow/domain/content"
	"bestow/internal/keys"
	"bestow/internal/seal"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"
)

// floor executes the product's statements and nothing else: no queue, no broker, no JSON, no file. Its members stand in
// memory, and its connections take the runs of chunks from one list.
type floor struct {
	pool        *pgxpool.Pool
	event       domain.Event
	members     int
	connections int
	chunker     domain.Chunker
	run         int
	chunks      []content.Chunk
	importID    int64
	digest      []byte // of the import's row
	key         *seal.Key
	kept        []byte // the key, as its row has it
	hasher      *content.Hasher
}

func (s *server) openFloor(ctx context.Context, a *arena) (*floor, error) {
	n := s.Connections
	if n == 0 {
		n = runtime.NumCPU()
	}
	pool, err := s.Open(ctx, a.at, n+1) // the stage has one of its own
	if err != nil {
		return nil, err
	}
	key, err := seal.NewKey()
	if err != nil {
		return nil, err
	}
	store := keys.Store{Table: keys.Content, Master: s.Master}
	return &floor{
		key: key, kept: store.Kept(a.events[0].ID, key), hasher: content.NewHasher(key.NewHMAC()),
		pool: pool, event: a.events[0], members: a.members, connections: n, run: s.Run,
		chunker: domain.Chunker{EventID: a.events[0].ID, MaxTargets: s.Chunk},
	}, nil
}

func (f *floor) stop() error {
	f.pool.Close()
	return nil
}

// grant starts the event, works off the runs, and closes it.
func (f *floor) grant(ctx context.Context) error {
	if err := f.move(ctx, domain.Pending, domain.Running, sqlStampStarted); err != nil {
		return err
	}
	todo := make(chan domain.Run)
	g, working := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer close(todo)
		for _, r := range byTurns(domain.Runs(content.Bounds(f.chunks), f.run)) {
			select {
			case todo <- r:
			case <-working.Done():
				return nil
			}
		}
		return nil
	})
	for range f.connections {
		g.Go(func() error { return f.work(working, todo) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return f.move(ctx, domain.Running, domain.Completed, sqlStampCompleted)
}

// byTurns orders runs so that the partitions take turns, as handlers of several partitions do.
func byTurns(runs []domain.Run) []domain.Run {
	queues := map[int][]domain.Run{}
	most := 0
	for _, r := range runs {
		queues[r.PartitionKey] = append(queues[r.PartitionKey], r)
		most = max(most, r.PartitionKey+1)
	}
	ordered := make([]domain.Run, 0, len(runs))
	for len(ordered) < len(runs) {
		for p := range most {
			if q := queues[p]; len(q) > 0 {
				ordered, queues[p] = append(ordered, q[0]), q[1:]
			}
		}
	}
	return ordered
}

// move changes the event's status, as a start and a closing do.
func (f *floor) move(ctx context.Context, from, to domain.Status, stamp string) error {
	return f.tx(ctx, func(tx *floorTx) {
		if to == domain.Running {
			tx.exec(sqlLockShared, brakeMoves)
		}
		tx.exec(sqlLock, f.gate())
		tx.row(sqlEvent, f.event.ID)
		if to == domain.Running {
			tx.row(sqlTryShared, f.importLock())
			tx.row(sqlBrakes)
		}
		tx.exec(sqlStatus, f.event.ID, string(from), string(to))
		var at time.Time
		tx.rows(stamp, []any{&at}, func() error { return nil }, f.event.ID)
		if to == domain.Running {
			f.keepRoot(tx, at)
			tx.row(sqlEvent, f.event.ID)
		}
	})
}

// keepRoot keeps what the start saw.
func (f *floor) keepRoot(tx *floorTx, at time.Time) {
	tx.row(sqlListChunks, f.event.ID)
	tx.row(sqlSeals, f.event.ID)
	tx.row(sqlKey, f.event.ID)
	content.SealImport(f.key, f.importID, f.digest, f.chunks)
	definition, err := content.Definition(f.event, content.Version)
	root := content.KeyedRoot(f.key, definition, content.Start{At: at, By: caller.Actor}, f.chunks)
	tx.do(func() error { return err })
	tx.exec(sqlKeepRoot, f.event.ID, at, caller.Actor, root[:], string(definition))
}

// The advisory locks, numbered as in the product.
func (f *floor) gate() int64       { return f.event.ID << 3 }
func (f *floor) importLock() int64 { return f.event.ID<<3 | 1 }
func (f *floor) endLock() int64    { return f.event.ID<<3 | 6 }

// The locks for which a brake waits.
const (
	brakeMoves  = int64(1<<3 | 3)
	brakeClaims = int64(2<<3 | 3)
)

// floorTx is a transaction that does nothing any more after its first error.
type floorTx struct {
	ctx context.Context // it lives for one call
	tx  pgx.Tx
	err error
}

func (f *floor) tx(ctx context.Context, work func(*floorTx)) error {
	return pgx.BeginFunc(ctx, f.pool, func(tx pgx.Tx) error {
		t := &floorTx{ctx: ctx, tx: tx}
		work(t)
		return t.err
	})
}

func (t *floorTx) exec(sql string, args ...any) {
	if t.err != nil {
		return
	}
	if _, err := t.tx.Exec(t.ctx, sql, args...); err != nil {
		t.err = fmt.Errorf("execute %.40q: %w", sql, err)
	}
}

// row executes a query and reads its rows without a look.
func (t *floorTx) row(sql string, args ...any) {
	t.rows(sql, nil, func() error { return nil }, args...)
}

// rows executes a query and scans each row into into, if there is something.
func (t *floorTx) rows(sql string, into []any, each func() error, args ...any) {
	if t.err != nil {
		return
	}
	rows, err := t.tx.Query(t.ctx, sql, args...)
	if err != nil {
		t.err = fmt.Errorf("execute %.40q: %w", sql, err)
		return
	}
	defer rows.Close()
	for rows.Next() {
		if into == nil {
			continue
		}
		if err := rows.Scan(into...); err != nil {
			t.err = fmt.Errorf("scan %.40q: %w", sql, err)
			return
		}
		if err := each(); err != nil {
			t.err = err
			return
		}
	}
	if err := rows.Err(); err != nil {
		t.err = fmt.Errorf("execute %.40q: %w", sql, err)
	}
}
