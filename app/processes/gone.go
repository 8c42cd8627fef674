package processes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"bestow/internal/pg"
	"bestow/outbox"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
)

// goneAfter is the time for which no session of a process must be seen before its work is given to others. A process
// that lost its sessions with the server has new ones by then.
const goneAfter = 2 * time.Second

// upFor is the time that a server must be up, and a process see it, before it misses others: after a restart or a
// failover all have to come back.
const upFor = 5 * time.Second

// Takeover finds processes that are gone, and gives what they had in hand to others at once: their jobs and the claims
// under which they asked the ledger of this database. Otherwise each of these waits for a time-out of its own. It is
// used by one goroutine.
type Takeover struct {
	pool    *pgxpool.Pool
	self    string             // the id of the process that looks
	missing map[life]time.Time // since when no session of the life was there
	own     int64              // the life of the process that looks
	blind   time.Time          // when it last could not look, or lost its server: others have lost theirs then too
	now     func() time.Time
	upFor   time.Duration
}

// NewTakeover returns the take-over of the process with the id.
func NewTakeover(pool *pgxpool.Pool, self string) *Takeover {
	return &Takeover{pool: pool, self: self, missing: map[life]time.Time{}, now: time.Now, upFor: upFor}
}

// life is one life of a process.
type life struct {
	process string
	number  int64
	left    bool // the process is in a later one: it said so itself
}

// Gone is a process that was found to be gone, and how much of its work was given to others.
type Gone struct {
	Process
	Jobs   int64
	Claims int64
	Led    bool // it scheduled and rescued for all
	Lives  bool // it is in another life: only the claims of one before were ended
}

// Look ends the lives of which no session was there for goneAfter, and returns their processes. What one look cannot
// take over, the next one does.
func (t *Takeover) Look(ctx context.Context) (gone []Gone, err error) {
	missing, err := t.selectMissing(ctx)
	now := t.now()
	if err != nil {
		t.missing, t.blind = map[life]time.Time{}, now
		return nil, err
	}
	since := make(map[life]time.Time, len(missing))
	for _, l := range missing {
		first, known := t.missing[l]
		if !known {
			first = now
		}
		since[l] = first
	}
	t.missing = since
	for _, l := range missing {
		if !l.left && (now.Sub(since[l]) < goneAfter || now.Sub(t.blind) < t.upFor) {
			continue
		}
		g, failed := pg.Value(ctx, t.pool, func(tx pgx.Tx) (*Gone, error) { return end(ctx, tx, l) })
		if g != nil && failed == nil {
			gone = append(gone, *g)
		}
		err = errors.Join(err, failed) // the others do not wait for it
	}
	return gone, err
}

// selectMissing reads the lives whose lock is free at this moment. It takes their locks for that moment, which a
// session that enters such a life waits for.
func (t *Takeover) selectMissing(ctx context.Context) (missing []life, err error) {
	return pg.Value(ctx, t.pool, func(tx pgx.Tx) ([]life, error) {
		own := pg.LifeOf(tx)
		if t.own != 0 && own != t.own {
			t.blind = t.now()
		}
		t.own = own
		const query = `WITH lives AS MATERIALIZED (
				SELECT replace(id::text, '-', '') AS process, number, number < life AS is_left
				FROM processes, generate_series(gone + 1, life) number
				WHERE life > gone AND (number < life OR id <> $1::uuid
					AND pg_postmaster_start_time() < clock_timestamp() - $2::interval)
			)
			SELECT process, number, is_left FROM lives WHERE ` + pg.GoneLock + ` ORDER BY process, number`
		rows, err := tx.Query(ctx, query, t.self, t.upFor)
		if err != nil {
			return nil, fmt.Errorf("look for processes that are gone: %w", err)
		}
		missing, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (l life, err error) {
			return l, row.Scan(&l.process, &l.number, &l.left)
		})
		if err != nil {
			return nil, fmt.Errorf("look for processes that are gone: %w", err)
		}
		return missing, nil
	})
}

// end ends a life, unless a session of it is there after all, or somebody else has ended it: then it returns nil. Until
// the commit no session can enter the life, and after it none will stay in it. A process that lives goes on with its
// jobs and leads.
func end(ctx context.Context, tx pgx.Tx, l life) (*Gone, error) {
	free, err := pg.TryGone(ctx, tx, l.process, l.number)
	if err != nil || !free {
		return nil, err
	}
	g := &Gone{Lives: l.left}
	if ended, err := endLife(ctx, tx, l, &g.Process); err != nil || !ended {
		return nil, err
	}
	if g.Claims, err = endClaims(ctx, tx, l); err != nil || g.Lives {
		return g, err
	}
	if g.Jobs, err = releaseJobs(ctx, tx, l.process); err != nil {
		return nil, err
	}
	if g.Led, err = resign(ctx, tx, l.process); err != nil {
		return nil, err
	}
	return g, nil
}

// endLife ends a life, the one before it having ended: its claims are ended by then. It reads p, as far as this version
// can.
func endLife(ctx context.Context, tx pgx.Tx, l life, p *Process) (ended bool, err error) {
	const update = `UPDATE processes p SET gone = $2 WHERE id = $1::uuid AND gone = $2 - 1 AND (life > $2) = $3 RETURNING to_jsonb(p)`
	rows, err := tx.Query(ctx, update, l.process, l.number, l.left)
	if err != nil {
		return false, fmt.Errorf("note that a process is gone: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
	if err != nil {
		return false, fmt.Errorf("note that a process is gone: %w", err)
	}
	if len(found) == 0 {
		return false, nil
	}
	if err := json.Unmarshal(found[0], p); err != nil {
		*p = Process{ID: l.process} // of a newer version
	}
	return true, nil
}

// releaseJobs lets the jobs wait again that the process works. An attempt that is under way all the same leaves
// nothing: it is fenced by its number. Jobs that a transaction holds are passed over: it completes them, or River
// rescues them by time.
func releaseJobs(ctx context.Context, tx pgx.Tx, process string) (int64, error) {
	const update = `UPDATE river.river_job SET state = 'available', scheduled_at = now(),
			errors = array_append(errors, jsonb_build_object('at', now(), 'attempt', attempt,
				'error', 'the process that worked it is gone', 'trace', ''))
		WHERE id IN (SELECT id FROM river.river_job
			WHERE state = 'running' AND attempted_by[cardinality(attempted_by)] = $1
			ORDER BY id FOR UPDATE SKIP LOCKED)`
	tag, err := tx.Exec(ctx, update, process)
	if err != nil {
		return 0, fmt.Errorf("release the jobs of a process that is gone: %w", err)
	}
	return tag.RowsAffected(), nil
}

// endClaims ends the claims whose tokens begin with the life's mark, as if their time had run out: no request for them
// is under way, and none can begin. The rows are locked in the order in which a relay marks them.
func endClaims(ctx context.Context, tx pgx.Tx, l life) (int64, error) {
	const update = `UPDATE grant_chunks c SET open_until = clock_timestamp(), updated_at = now()
		FROM (SELECT event_id, partition_key, first_id FROM grant_chunks
			WHERE claim_token BETWEEN $1 AND $2 AND open_until > clock_timestamp()
			ORDER BY event_id, partition_key, first_id FOR UPDATE) mine
		WHERE (c.event_id, c.partition_key, c.first_id) = (mine.event_id, mine.partition_key, mine.first_id)`
	least, greatest := pg.MarkedBetween(l.process, l.number)
	tag, err := tx.Exec(ctx, update, least, greatest)
	if err != nil {
		return 0, fmt.Errorf("end the claims of a process that is gone: %w", err)
	}
	return tag.RowsAffected(), nil
}

// resign lets River choose another leader, if the process led, as the process would have done at an end in order.
func resign(ctx context.Context, tx pgx.Tx, process string) (led bool, err error) {
	leader, err := Leader(ctx, tx)
	if err != nil || leader != process {
		return false, err
	}
	const schema = "river"
	exec := riverpgxv5.New(nil).UnwrapExecutor(tx)
	row, err := exec.LeaderGetElectedLeader(ctx, &riverdriver.LeaderGetElectedLeaderParams{Schema: schema})
	if err != nil {
		return false, fmt.Errorf("read river's leader: %w", err)
	}
	led, err = exec.LeaderResign(ctx, &riverdriver.LeaderResignParams{
		ElectedAt: row.ElectedAt, LeaderID: process, LeadershipTopic: "river_leadership", Schema: schema,
	})
	if err != nil {
		return false, fmt.Errorf("end the term of a process that is gone: %w", err)
	}
	return led, nil
}

// Consumers are those of g's places in consumer groups that are known, with which it holds partitions until it is
// dismissed.
func (g Gone) Consumers() (found []outbox.Consumer) {
	ours := g.Members()
	for _, r := range g.Reports {
		for _, c := range r.Consumers {
			if slices.Contains(ours, c.Member) {
				found = append(found, c)
			}
		}
	}
	return found
}
