package app

import (
	"context"
	"fmt"

	"bestow/app/command"
	"bestow/app/eventrow"
	"bestow/app/obstacle"
	"bestow/domain"
	"bestow/internal/failpoint"
	"bestow/internal/pg"
	"bestow/outbox"

	"github.com/jackc/pgx/v5"
)

// Redriven holds what a retry by a person, or its dry run, found and accepted.
type Redriven struct {
	Matched  int // rows given up with the code asked for, and refused ones that wait for their retry
	Accepted int // of those, rows that are tried again now; 0 in a dry run
	Expired  int // rows given up that are not matched: the event's expiry has passed, so the ledger would refuse them again
}

// redriveBatch is the number of rows that one transaction of a retry takes.
const redriveBatch = 5000

// maxCode is the length of an error code, in characters.
const maxCode = 50

// Retry tries again, by a person's word, what was given up with the error code, or with any for "", and brings the
// retries that wait forward. What was given up stays counted as failed until it succeeds, and the event is not opened
// again. The rows are taken in batches, a transaction each; a repetition after a crash goes on with what is left, since
// a row whose redrive is not answered yet is not taken again. Once the event's expiry has passed, what the ledger
// refused for good can only be refused again and is left as it is. Errors: domain.NotFound, and WrongStatus unless the
// event is RUNNING or COMPLETED, and BrakeEngaged, PassesLimit, LimitsMissing. (T9)
func (s *Events) Retry(ctx context.Context, by command.Caller, id int64, code domain.Code,
	dryRun bool,
) (command.Answer[Redriven], error) {
	if why := domain.CheckText(code, maxCode); why != "" {
		return command.Answer[Redriven]{}, domain.InvalidError(
			"the error_code cannot be used",
			"write one of the codes in failures of `bestow event show` or GET /events/{id}/progress",
			domain.Field{Name: "error_code", Message: why},
		)
	}
	if dryRun {
		counted, err := pg.Value(ctx, s.pool, func(tx pgx.Tx) (Redriven, error) { return countRetry(ctx, tx, id, code) })
		return command.Answer[Redriven]{Value: counted}, err
	}
	if r, found, err := command.Answered[Redriven](ctx, s.pool, by); err != nil || found {
		return command.Answer[Redriven]{Value: r, Replayed: found}, err
	}
	rd := redrive{Events: s, by: by, id: id, code: code}
	taken, err := rd.all(ctx)
	if err != nil {
		return command.Answer[Redriven]{Value: taken}, err
	}
	return command.Run(ctx, s.pool, by, command.Command[Redriven]{
		Before: failpoint.ForwardBeforeCommit, After: failpoint.RetryAfterCommit,
		Do: func(tx pgx.Tx) (Redriven, error) { return rd.finish(ctx, tx, taken) },
	})
}

// finish brings the waiting retries forward, and adds them to what was taken.
func (rd *redrive) finish(ctx context.Context, tx pgx.Tx, taken Redriven) (Redriven, error) {
	if err := lockMoves(ctx, tx); err != nil {
		return taken, err
	}
	e, err := rd.selectEvent(ctx, tx)
	if err != nil {
		return taken, err
	}
	n, err := bringForward(ctx, tx, e, rd.code)
	if err != nil {
		return taken, err
	}
	expired, err := countExpired(ctx, tx, e, rd.code)
	if err != nil {
		return taken, err
	}
	all := Redriven{Matched: taken.Matched + n, Accepted: taken.Accepted + n, Expired: expired}
	if all.Accepted == 0 {
		return all, nil // nothing was changed
	}
	return all, command.Record(ctx, tx, rd.by, command.Change{
		Action: "event.retry", EventID: rd.id, After: retryFacts{rd.code, all.Matched, all.Accepted},
	})
}

// recordBegin tells the audit of the retry with its first batch: a crash may leave the batches without the end.
func (rd *redrive) recordBegin(ctx context.Context, tx pgx.Tx) error {
	if rd.begun {
		return nil
	}
	return command.Record(ctx, tx, rd.by, command.Change{
		Action: "event.retry_begin", EventID: rd.id, After: map[string]any{"error_code": rd.code},
	})
}

func countRetry(ctx context.Context, tx pgx.Tx, id int64, code domain.Code) (r Redriven, err error) {
	e, err := selectRetryable(ctx, tx, id)
	if err != nil {
		return r, err
	}
	if r.Matched, err = countOpen(ctx, tx, e, code); err != nil {
		return r, err
	}
	r.Expired, err = countExpired(ctx, tx, e, code)
	return r, err
}

// redrive is one retry of an event's rows, batch by batch.
type redrive struct {
	*Events

	by      command.Caller
	begun   bool // the audit knows of it
	id      int64
	code    domain.Code // "" for any
	largest int64       // amount of the event's targets, which never change; 0 until a limit needs it
}

// all marks every row that was given up, in batches.
func (rd *redrive) all(ctx context.Context) (r Redriven, err error) {
	for after, n := "", redriveBatch; err == nil && n == redriveBatch; {
		err = pg.InTx(ctx, rd.pool, func(tx pgx.Tx) error {
			n, after, err = rd.batch(ctx, tx, after)
			return err
		})
		if err == nil {
			rd.begun = rd.begun || n > 0
			r.Matched, r.Accepted = r.Matched+n, r.Accepted+n
			err = failpoint.Hit(ctx, failpoint.RedriveAfterCommit)
		}
	}
	return r, err
}

// batch marks the next rows that were given up, in the order of their members, and makes their chunks' jobs.
func (rd *redrive) batch(ctx context.Context, tx pgx.Tx, after string) (n int, last string, err error) {
	if err := lockMoves(ctx, tx); err != nil {
		return 0, "", err
	}
	if err := pg.LockShared(ctx, tx, pg.Gate, rd.id); err != nil {
		return 0, "", err
	}
	e, err := rd.selectEvent(ctx, tx)
	if err != nil {
		return 0, "", err
	}
	members, err := markRedrive(ctx, tx, e, rd.code, after, redriveBatch)
	if err != nil || len(members) == 0 {
		return 0, "", err
	}
	chunks, err := selectChunksOf(ctx, tx, e, members)
	if err != nil {
		return 0, "", err
	}
	if err := outbox.Redriven(ctx, tx, rd.river, chunks); err != nil {
		return 0, "", err
	}
	if err := rd.recordBegin(ctx, tx); err != nil {
		return 0, "", err
	}
	return len(members), members[len(members)-1], failpoint.Hit(ctx, failpoint.RedriveBeforeCommit)
}

// bringForward lets the event's waiting retries with the code run now and returns how many members wait in them.
func bringForward(ctx context.Context, tx pgx.Tx, e domain.Event, code domain.Code) (int, error) {
	if e.Status != domain.Running {
		return 0, nil
	}
	members, err := selectRefused(ctx, tx, e, code)
	if err != nil || len(members) == 0 {
		return 0, err
	}
	chunks, err := selectChunksOf(ctx, tx, e, members)
	if err != nil {
		return 0, err
	}
	return len(members), outbox.BringForward(ctx, tx, chunks)
}

// selectRetryable reads the event and refuses one whose rows may not be tried again now.
func selectRetryable(ctx context.Context, tx pgx.Tx, id int64) (domain.Event, error) {
	e, err := eventrow.Select(ctx, tx, id)
	if err != nil || e.Status == domain.Running || e.Status == domain.Completed {
		return e, err
	}
	return e, domain.WrongStatusError(
		e.Status,
		"the event is "+string(e.Status)+", so nothing of it is tried again",
		"start or resume it first",
	)
}

// selectEvent reads the event, and refuses one that may not be tried again now, that a brake holds, or that passes a
// limit of its type. The transaction has the lock of moves.
func (rd *redrive) selectEvent(ctx context.Context, tx pgx.Tx) (domain.Event, error) {
	e, err := selectRetryable(ctx, tx, rd.id)
	if err != nil {
		return e, err
	}
	brake, err := obstacle.Engaged(ctx, tx, e.Type.Code)
	if err != nil {
		return e, err
	}
	if brake != nil {
		return e, brake.Engaged()
	}
	if rd.largest == 0 {
		if rd.largest, err = obstacle.Largest(ctx, tx, e); err != nil {
			return e, err
		}
	}
	return e, rd.rules.LimitsRefused(e, rd.largest)
}

// countOpen counts what a retry would take: rows given up without an open redrive, and refused ones.
func countOpen(ctx context.Context, tx pgx.Tx, e domain.Event, code domain.Code) (n int, err error) {
	err = tx.QueryRow(ctx, `SELECT count(*) FROM `+pg.Quoted(e.Type.ResultTable())+`
		WHERE event_id = $1 AND ($2 = '' OR error_code = $2)
		  AND (status = 'PERMANENTLY_FAILED' AND redrive_done = redrive AND (NOT $4 OR error_code = 'mismatch')
		       OR status = 'FAILED' AND $3)`,
		e.ID, code, e.Status == domain.Running, e.Expired).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count results: %w", err)
	}
	return n, nil
}

// countExpired counts what a retry leaves alone since the event's expiry has passed: all that was given up, but for
// what the ledger contradicted itself about, which it may have granted.
func countExpired(ctx context.Context, tx pgx.Tx, e domain.Event, code domain.Code) (n int, err error) {
	if !e.Expired {
		return 0, nil
	}
	err = tx.QueryRow(ctx, `SELECT count(*) FROM `+pg.Quoted(e.Type.ResultTable())+`
		WHERE event_id = $1 AND ($2 = '' OR error_code = $2)
		  AND status = 'PERMANENTLY_FAILED' AND redrive_done = redrive AND error_code <> 'mismatch'`, e.ID,
		code).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count expired results: %w", err)
	}
	return n, nil
}

// markDue marks the next given-up rows of the table %[1]s in the order of their members.
const markDue = `
	WITH due AS (
	    SELECT ctid AS place
	    FROM %[1]s
	    WHERE event_id = $1 AND status = 'PERMANENTLY_FAILED' AND redrive_done = redrive
	      AND ($2 = '' OR error_code = $2) AND (NOT $5 OR error_code = 'mismatch') AND member_id > $3
	    ORDER BY member_id
	    LIMIT $4
	    FOR UPDATE
	), marked AS (
	    UPDATE %[1]s AS result
	    SET redrive = redrive + 1, updated_at = now()
	    FROM due
	    WHERE result.ctid = due.place
	    RETURNING member_id
	)
	SELECT member_id FROM marked ORDER BY member_id`

// markRedrive asks for the next rows that were given up again, in the order of their members, and returns those.
func markRedrive(ctx context.Context, tx pgx.Tx, e domain.Event, code domain.Code, after string,
	limit int,
) ([]string, error) {
	query := fmt.Sprintf(markDue, pg.Quoted(e.Type.ResultTable()))
	return selectMembers(ctx, tx, query, e.ID, code, after, limit, e.Expired)
}

// selectRefused lists the members who wait for their retry.
func selectRefused(ctx context.Context, tx pgx.Tx, e domain.Event, code domain.Code) ([]string, error) {
	return selectMembers(ctx, tx, `SELECT member_id FROM `+pg.Quoted(e.Type.ResultTable())+`
		WHERE event_id = $1 AND status = 'FAILED' AND ($2 = '' OR error_code = $2)`, e.ID, code)
}

func selectMembers(ctx context.Context, tx pgx.Tx, query string, args ...any) ([]string, error) {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("read results: %w", err)
	}
	members, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("read results: %w", err)
	}
	return members, nil
}

// selectChunksOf lists the chunks in which the members are, each once.
func selectChunksOf(ctx context.Context, tx pgx.Tx, e domain.Event, members []string) ([]domain.Chunk, error) {
	rows, err := tx.Query(ctx,
		`SELECT DISTINCT c.event_id, c.partition_key, c.first_id, c.last_id FROM unnest($2::text[]) u(id)
		CROSS JOIN LATERAL (SELECT id, partition_key FROM `+pg.Quoted(e.Type.TargetTable())+
			` WHERE event_id = $1 AND member_id = u.id LIMIT 1) t
		CROSS JOIN LATERAL (SELECT * FROM grant_chunks WHERE event_id = $1 AND partition_key = t.partition_key AND first_id <= t.id
		                    ORDER BY first_id DESC LIMIT 1) c
		ORDER BY 2, 3`, e.ID, members)
	if err != nil {
		return nil, fmt.Errorf("read chunks: %w", err)
	}
	chunks, err := pgx.CollectRows(rows, pgx.RowToStructByPos[domain.Chunk])
	if err != nil {
		return nil, fmt.Errorf("read chunks: %w", err)
	}
	return chunks, nil
}
