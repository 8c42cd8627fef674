package verify

import (
	"context"
	"fmt"
	"strings"
	"time"

	"bestow/app/verify/catalog"
	"bestow/domain"
	"bestow/internal/keys"
	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"
)

const (
	// verifiers says how many connections read at once, on one snapshot. More would take the machine from the service.
	verifiers = 2
	// secondWait is the time that the second connection is waited for: a pool that is used up must not deadlock with
	// reports that each hold one.
	secondWait = 500 * time.Millisecond
)

// reportSettings are of the report's transactions only. Joins are over whole member lists: statistics that do not know
// a new event must not turn one into a nested loop (100,000 members took 58 s so). A hash of a million members spills
// into a few files with this memory; with four times as much it did not, and took as long. The statement timeout of the
// service is no business of a report. While other ledgers are asked, both transactions are idle: the one that asks, and
// the one that has exported the snapshot and waits for it.
const reportSettings = `SET LOCAL enable_nestloop = off; SET LOCAL work_mem = '16MB'; SET LOCAL jit = off;
	SET LOCAL plan_cache_mode = force_custom_plan; SET LOCAL statement_timeout = 0;
	SET LOCAL idle_in_transaction_session_timeout = 0`

// verification is one report in the making.
type verification struct {
	began    time.Time // by this process's clock
	event    *int64    // nil for all
	by       string
	repaired []Repaired
	remote   bool
	zone     string // of the ledger's days

	expiryOff bool // nothing expires by itself

	auditHead *Head // that was kept elsewhere; nil: none

	ledgers Ledgers       // of others; nil: they are not asked
	pool    *pgxpool.Pool // for what is read after the snapshot

	unsealer Unsealer   // nil: there is no master key
	keys     keys.Store // of the hashes of lists
	list     []invariant
	at       time.Time
	schema   string // the main one
	events   int
	foreign  string // why the ledger cannot be read; "" if it can
	catalog  catalog.Catalog
	taken    []string // what runs code of others when a table is read: then nothing is read
	blind    bool     // the catalog, or which migrations were applied, is not known
	tables   presentTypes
	found    []finding // as list
	granting *granting // of one event; nil: of all, or it could not be read
}

// finding holds what one invariant's statements returned.
type finding struct {
	differences int64
	examples    []string
	measures    measures
	gaps        []Gap
}

// maxExamples is the number of differences that a report shows of an invariant.
const maxExamples = 5

// onSnapshot opens one snapshot, shares it among the verifiers, and lets them check the whole list.
func (s *Verifier) onSnapshot(ctx context.Context, v *verification) error {
	return s.read(ctx, func(tx guarded) error {
		var snapshot string
		if err := tx.QueryRow(ctx, `SELECT pg_export_snapshot(), now()`).Scan(&snapshot, &v.at); err != nil {
			return fmt.Errorf("export snapshot: %w", err)
		}
		if err := v.prepare(ctx, tx); err != nil {
			return err
		}
		queue := v.queue()
		g, ctx := errgroup.WithContext(ctx)
		g.Go(func() error {
			if err := v.work(ctx, tx, queue); err != nil {
				return err
			}
			return v.addGranting(ctx, tx)
		})
		for range verifiers - 1 {
			g.Go(func() error { return s.help(ctx, v, snapshot, queue) })
		}
		return g.Wait()
	})
}

// help works on the queue with another connection, if the pool has one, on the same snapshot.
func (s *Verifier) help(ctx context.Context, v *verification, snapshot string, queue <-chan int) error {
	waiting, cancel := context.WithTimeout(ctx, secondWait)
	defer cancel()
	conn, err := s.c.Pool.Acquire(waiting)
	if err != nil {
		return ctx.Err() // the first one does it all
	}
	defer conn.Release()
	return pgx.BeginTxFunc(ctx, conn, reading, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SET TRANSACTION SNAPSHOT '`+snapshot+`'; `+guardedPath+reportSettings); err != nil {
			return fmt.Errorf("share snapshot: %w", err)
		}
		return v.work(ctx, guarded{tx, v.schema}, queue)
	})
}

// queue is the list by index, what takes long first, so that the verifiers end together.
func (v *verification) queue() <-chan int {
	queue := make(chan int, len(v.list))
	for _, heavy := range []bool{true, false} {
		for i, inv := range v.list {
			if inv.heavy == heavy && v.whyNot(inv) == "" {
				queue <- i
			}
		}
	}
	close(queue)
	return queue
}

func (v *verification) work(ctx context.Context, tx pgx.Tx, queue <-chan int) error {
	for i := range queue {
		f, err := v.tryCheck(ctx, tx, v.list[i])
		if err != nil {
			return fmt.Errorf("check %s: %w", v.list[i].id, err)
		}
		v.found[i] = f // each index is taken by one verifier
	}
	return nil
}

// tryCheck checks an invariant in a savepoint. What cannot be read, since a forger left a value or a table that no code
// of ours makes, is a difference: the others are still compared.
func (v *verification) tryCheck(ctx context.Context, tx pgx.Tx, inv invariant) (f finding, err error) {
	savepoint, err := tx.Begin(ctx)
	if err != nil {
		return f, err
	}
	f, err = v.check(ctx, savepoint, inv)
	if err == nil {
		return f, savepoint.Commit(ctx)
	}
	if ctx.Err() != nil || pg.Unavailable(err) || tx.Conn().IsClosed() {
		return f, err
	}
	if err := savepoint.Rollback(ctx); err != nil {
		return f, err
	}
	return v.unread(err), nil
}

// unread is the finding of what cannot be read. A right that the role lacks is the auditor's to ask for.
func (v *verification) unread(err error) finding {
	f := finding{measures: measures{}}
	if pg.Code(err) == pg.InsufficientPrivilege {
		f.gaps = []Gap{{Why: fmt.Sprintf("the role of this session may not read it: %v", err), Events: int64(v.events)}}
		return f
	}
	f.differ("it cannot be compared: %v", err)
	return f
}

// prepare reads what all checks need to know.
func (v *verification) prepare(ctx context.Context, tx guarded) (err error) {
	v.found, v.schema = make([]finding, len(v.list)), tx.schema
	if err := v.readSchema(ctx, tx); err != nil || len(v.taken) > 0 {
		return err
	}
	if v.tables, err = readPresentTypes(ctx, tx); err != nil {
		return err
	}
	const count = `SELECT count(*) FROM public.campaign_events WHERE $1::bigint IS NULL OR id = $1`
	if err := tx.QueryRow(ctx, count, v.event).Scan(&v.events); err != nil {
		return fmt.Errorf("count events: %w", err)
	}
	if v.foreign, err = v.readLedger(ctx, tx); err != nil {
		return err
	}
	return v.tables.judgeGranters(ctx, tx, v.foreign == "")
}

// readLedger returns why the ledger is not ours to check, "" if it is.
func (v *verification) readLedger(ctx context.Context, tx pgx.Tx) (why string, err error) {
	var here, empty bool
	const query = `SELECT to_regclass('money.point_member') IS NOT NULL AND to_regclass('money.vouchers') IS NOT NULL`
	if err := tx.QueryRow(ctx, query).Scan(&here); err != nil {
		return "", fmt.Errorf("look for the ledger: %w", err)
	}
	if !here {
		return "the ledger is not in this database", nil
	}
	remote, err := v.grantsElsewhere(ctx, tx)
	if err != nil || !remote {
		return "", err
	}
	const look = `SELECT NOT EXISTS (SELECT FROM money.point_member) AND NOT EXISTS (SELECT FROM money.vouchers)`
	if err := tx.QueryRow(ctx, look).Scan(&empty); err != nil {
		return "", fmt.Errorf("look into the ledger: %w", err)
	}
	if empty {
		return "grants go to another ledger over HTTP, and the one in this database is empty", nil
	}
	return "", nil
}

// grantsElsewhere reports whether grants go to a ledger over HTTP that is not the one of this database: by what the
// caller says, or by which ledger handlers have met.
func (v *verification) grantsElsewhere(ctx context.Context, tx pgx.Tx) (elsewhere bool, err error) {
	if v.remote {
		return true, nil
	}
	const query = `SELECT EXISTS (SELECT FROM public.granter_ledgers g WHERE g.granter = $1 AND EXISTS (SELECT FROM money.ledger)
		AND NOT EXISTS (SELECT FROM money.ledger l WHERE l.id::text = g.ledger_id))`
	if err := tx.QueryRow(ctx, query, domain.OurGranter).Scan(&elsewhere); err != nil {
		return false, fmt.Errorf("look which ledger grants: %w", err)
	}
	return elsewhere, nil
}

// check runs an invariant's statement over each set of tables that it reaches.
func (v *verification) check(ctx context.Context, tx pgx.Tx, inv invariant) (f finding, err error) {
	f.measures = measures{}
	if inv.gaps != nil {
		if f.gaps, err = inv.gaps(ctx, tx, v); err != nil {
			return f, err
		}
	}
	if inv.compare != nil {
		return f, inv.compare(ctx, tx, v, &f)
	}
	for _, run := range v.tables.runs(inv.reach) {
		if err := v.run(ctx, tx, inv, run, &f); err != nil {
			return f, err
		}
	}
	if inv.also != nil {
		return f, inv.also(ctx, tx, v, &f)
	}
	return f, nil
}

// run asks an invariant's statement once.
func (v *verification) run(ctx context.Context, tx pgx.Tx, inv invariant, run binding, f *finding) error {
	sql, err := run.statement(inv.file)
	if err != nil {
		return err
	}
	sql = strings.NewReplacer("{{zone}}", literal(v.zone), "{{lost_jobs}}", v.tables.lostJobs()).Replace(sql)
	args := []any{v.event}
	if run.typeCode != "" && usesType(sql) {
		args = append(args, run.typeCode)
	}
	rows, err := tx.Query(ctx, sql, args...)
	if err != nil {
		return err
	}
	if inv.add != nil {
		return inv.add(rows, f)
	}
	return addRow(rows, f)
}

// addRow adds the one row of a statement: differences, examples, and measures by their names.
func addRow(rows pgx.Rows, f *finding) error {
	row, err := pgx.CollectExactlyOneRow(rows, pgx.RowToMap)
	if err != nil {
		return err
	}
	for column, value := range row {
		switch column {
		case "differences":
			n, _ := value.(int64)
			f.differences += n
		case "examples":
			list, _ := value.([]any)
			for _, example := range list {
				f.example(fmt.Sprint(example))
			}
		default:
			if err := f.measures.add(column, value); err != nil {
				return err
			}
		}
	}
	return nil
}

// differ notes a difference.
func (f *finding) differ(format string, args ...any) {
	f.differences++
	f.example(fmt.Sprintf(format, args...))
}

func (f *finding) example(text string) {
	if len(f.examples) < maxExamples {
		f.examples = append(f.examples, text)
	}
}

// totals sums up what the invariants measured of targets, marks, results and saves.
func (v *verification) totals() (t Totals) {
	for i, inv := range v.list {
		m := v.found[i].measures
		switch inv.id {
		case "I3":
			if v.foreign == "" {
				saves := m.get("saves")
				t.Ledger = &saves
			}
		case "I6":
			t.Published, t.Success, t.Fail = m.get("published_rows"), m.get("success_rows"), m.get("fail_rows")
		case "I7":
			t.Targets = m.get("targets")
		}
	}
	return t
}
