package imports

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"

	"bestow/app/memberlist"
	"bestow/domain"
	"bestow/internal/english"
	"bestow/internal/pg"
	"bestow/internal/pgcopy"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	// stagePrefix begins the names of stages: prefix, event id, a random word.
	stagePrefix = "import_stage_"
	// stageTurn is the time that one COPY into a stage may last. While it runs, no vacuum can remove what became dead
	// since its beginning, in any table; a slow upload takes many short ones instead.
	stageTurn = 5 * time.Second
)

// stage is a table into which an upload is copied while it is read. It is unlogged and commits as it grows, on a
// connection of its own: members stand in no table of the product before the whole list is known to be good.
type stage struct {
	conn  *pgx.Conn
	name  stageName
	table string // quoted
}

// stageName is the name of a stage, import_stage_ID_WORD. The database makes it.
type stageName struct {
	eventID int64
	word    string
}

// parseStageName takes the name of a table apart. ok is false for a table that is no stage.
func parseStageName(table string) (name stageName, ok bool) {
	id, word, _ := strings.Cut(strings.TrimPrefix(table, stagePrefix), "_")
	eventID, err := strconv.ParseInt(id, 10, 64)
	return stageName{eventID, word}, err == nil && stageWord.MatchString(word)
}

// stageWord is what drop_import_stage takes.
var stageWord = regexp.MustCompile(`^[a-z0-9]{1,8}$`)

// openStage makes a stage for an event whose import lock the caller holds.
func openStage(ctx context.Context, pool *pgxpool.Pool, eventID int64) (*stage, error) {
	conn, err := pgx.ConnectConfig(ctx, pool.Config().ConnConfig)
	if err != nil {
		return nil, fmt.Errorf("connect for import: %w", err)
	}
	st := &stage{conn: conn}
	if err := st.create(ctx, eventID); err != nil {
		return nil, errors.Join(err, st.conn.Close(context.WithoutCancel(ctx)))
	}
	return st, nil
}

func (st *stage) create(ctx context.Context, eventID int64) error {
	if err := dropOrphans(ctx, st.conn, eventID); err != nil {
		return err
	}
	table, err := createStage(ctx, st.conn, eventID)
	if err != nil {
		return err
	}
	st.table = pg.Quoted(table)
	st.name, _ = parseStageName(table)
	return nil
}

// close drops the stage by a connection of the pool: its own may be broken, or busy with a statement that is not wanted
// any more.
func (st *stage) close(ctx context.Context, pool *pgxpool.Pool) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	closed := st.conn.Close(ctx)
	if _, err := pool.Exec(ctx, dropStage, st.name.eventID, st.name.word); err != nil {
		return errors.Join(closed, fmt.Errorf("drop stage: %w", err))
	}
	return nil
}

// dropOrphans drops the stages of imports that were killed. An import holds its event's import lock as long as it
// lives, so a stage whose lock is free has no owner.
func dropOrphans(ctx context.Context, conn *pgx.Conn, own int64) error {
	names, err := stageNames(ctx, conn)
	if err != nil {
		return err
	}
	for _, table := range names {
		name, ok := parseStageName(table)
		if !ok {
			continue // no table of ours
		}
		if err := dropOrphan(ctx, conn, name, name.eventID == own); err != nil {
			return err
		}
	}
	return nil
}

// dropOrphan leaves a table alone that is still locked: its killed import's connection is dying.
func dropOrphan(ctx context.Context, conn *pgx.Conn, name stageName, locked bool) error {
	err := pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) (err error) {
		if !locked {
			if locked, err = pg.TryLockShared(ctx, tx, pg.Import, name.eventID); err != nil || !locked {
				return err
			}
		}
		if _, err = tx.Exec(ctx, `SET LOCAL lock_timeout = '500ms'`); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, dropStage, name.eventID, name.word)
		return err
	})
	if err != nil && pg.Code(err) != pg.LockNotAvailable {
		return fmt.Errorf("drop orphaned stage: %w", err)
	}
	return nil
}

// stageCounts holds what came out of reading an upload.
type stageCounts struct {
	staged, rejected int
	byCode           memberlist.Rejects // the rejected ones
}

// fill copies rows into the stage: those that can be targets, and those that are rejected already. It stops at the
// limit of rejected rows. Errors: of rows, and domain.TooManyRows.
func (st *stage) fill(ctx context.Context, rows memberlist.Reader, e domain.Event, limits Sizes) (stageCounts, error) {
	f := &stageFiller{rows: rows, event: e, limits: limits, counts: stageCounts{byCode: memberlist.Rejects{}}}
	for !f.done {
		f.until = time.Now().Add(stageTurn)
		if err := pgcopy.CopyIn(ctx, st.conn, fillStage(st.table), f.next); err != nil {
			return f.counts, err
		}
	}
	return f.counts, nil
}

// stageFiller makes the stage's rows.
type stageFiller struct {
	rows   memberlist.Reader
	event  domain.Event
	limits Sizes
	row    memberlist.Row
	key    []byte
	counts stageCounts
	until  time.Time // of this COPY
	done   bool
}

// next appends one row.
func (f *stageFiller) next(b pgcopy.Row) (pgcopy.Row, error) {
	if f.over() {
		return b, io.EOF
	}
	err := f.rows.Next(&f.row)
	switch {
	case errors.Is(err, io.EOF):
		f.done = true
		return b, io.EOF
	case err == nil && f.counts.staged+f.counts.rejected == f.limits.MaxRows:
		err = tooManyRows(f.limits.MaxRows)
	}
	if err != nil {
		return b, err
	}
	return f.append(b), nil
}

// over reports whether this COPY has lasted long enough; the clock is not asked for every row.
func (f *stageFiller) over() bool {
	const every = 256
	f.done = f.counts.rejected >= f.limits.MaxRejected
	return f.done || (f.counts.staged+f.counts.rejected)%every == every-1 && time.Now().After(f.until)
}

func (f *stageFiller) append(b pgcopy.Row) pgcopy.Row {
	r := &f.row
	b = b.Begin(6).Int8(r.Line)
	if r.Code != "" {
		f.counts.rejected++
		f.counts.byCode.Add(r.Code, r.Line)
		return b.Int8(0).Null().Text([]byte(r.Why)).Text(r.Raw).Text([]byte(r.Code))
	}
	f.counts.staged++
	f.key = appendStageKey(f.key[:0], f.event, r.Member)
	if r.Defaulted {
		b = b.Null()
	} else {
		b = b.Int8(r.Amount)
	}
	b = b.Text(f.key)
	if len(r.Reason) > 0 {
		b = b.Text(r.Reason)
	} else {
		b = b.Null()
	}
	return b.Text(r.Raw).Null()
}

// appendStageKey appends what the targets are ordered by: one character for the partition key, then the member. One
// column sorts faster than two, because PostgreSQL compares the beginning of the first one without looking at the rest.
func appendStageKey(key []byte, e domain.Event, member []byte) []byte {
	partition := domain.PartitionKey(e.ID, string(member), e.Partitions)
	return append(append(key, byte('0'+partition)), member...)
}

// cutStageKey takes a key apart again.
func cutStageKey(key []byte) (partition int, member []byte) { return int(key[0] - '0'), key[1:] }

func tooManyRows(limit int) error {
	return domain.TooManyRowsError(english.Count(limit, "row"))
}
