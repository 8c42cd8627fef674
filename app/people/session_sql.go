package people

import (
	"context"
	"errors"
	"fmt"
	"time"

	"bestow/app/known"
	"bestow/domain"
	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
)

// goesOn is true of a session s of a principal p that may be used. The 30 minutes are [Idle].
const goesOn = `s.ended_at IS NULL AND s.expires_at > now() AND s.seen_at > now() - interval '30 minutes'
	AND p.disabled_at IS NULL`

const sessionColumns = `s.id, p.name, p.role, s.address, s.created_at, s.seen_at, s.fresh_at, s.expires_at`

func insertSession(
	ctx context.Context, tx pgx.Tx, principal int64, address string, sum known.Sum,
) (id int64, err error) {
	const insert = `INSERT INTO sessions (principal_id, sha256, address, network, expires_at)
		VALUES ($1, $2, $3, $4, now() + $5::interval) RETURNING id`
	err = tx.QueryRow(ctx, insert, principal, sum[:], address, Network(address), Lifetime).Scan(&id)
	if err != nil {
		return 0, fmt.Errorf("begin session: %w", err)
	}
	return id, nil
}

// deleteOldSessions deletes the person's sessions that ended long ago. Until then they tell from which networks the
// person signs in.
func deleteOldSessions(ctx context.Context, tx pgx.Tx, principal int64) error {
	const remove = `DELETE FROM sessions WHERE principal_id = $1 AND expires_at < now() - interval '90 days'`
	if _, err := tx.Exec(ctx, remove, principal); err != nil {
		return fmt.Errorf("delete old sessions: %w", err)
	}
	return nil
}

// selectSession reads a session that goes on. Error: domain.NotFound.
func selectSession(ctx context.Context, tx pgx.Tx, id int64) (Session, error) {
	const query = `SELECT ` + sessionColumns + ` FROM sessions s JOIN principals p ON p.id = s.principal_id
		WHERE s.id = $1 AND ` + goesOn
	return oneSession(ctx, tx, query, id)
}

// lockSession reads a session that goes on, and keeps others from ending it. Error: domain.NotFound.
func lockSession(ctx context.Context, tx pgx.Tx, id int64) (Session, error) {
	const query = `SELECT ` + sessionColumns + ` FROM sessions s JOIN principals p ON p.id = s.principal_id
		WHERE s.id = $1 AND ` + goesOn + ` FOR UPDATE OF s`
	return oneSession(ctx, tx, query, id)
}

func oneSession(ctx context.Context, tx pgx.Tx, query string, id int64) (Session, error) {
	rows, err := tx.Query(ctx, query, id)
	if err != nil {
		return Session{}, fmt.Errorf("read session %d: %w", id, err)
	}
	v, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[Session])
	if errors.Is(err, pgx.ErrNoRows) {
		return v, domain.NotFoundError(fmt.Sprintf("no session %d goes on", id), "GET /sessions shows those that do")
	}
	if err != nil {
		return v, fmt.Errorf("read session %d: %w", id, err)
	}
	return v, nil
}

func selectSessions(ctx context.Context, tx pgx.Tx) ([]Session, error) {
	const query = `SELECT ` + sessionColumns + ` FROM sessions s JOIN principals p ON p.id = s.principal_id
		WHERE ` + goesOn + ` ORDER BY s.id DESC`
	rows, err := tx.Query(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("read sessions: %w", err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Session])
	if err != nil {
		return nil, fmt.Errorf("read sessions: %w", err)
	}
	return all, nil
}

// valid is a session that may be used, unless it has ended.
type valid struct {
	hasEnded bool
	id       int64
	name     string
	role     domain.Role
	lasts    time.Duration // until it expires
	freshFor time.Duration // negative: it is not fresh
	touched  bool          // its use was noted within the last minute
}

// selectValid reads the session with the token's hash. Error: pgx.ErrNoRows.
func selectValid(ctx context.Context, tx pgx.Tx, sum known.Sum) (v valid, err error) {
	const query = `SELECT NOT (` + goesOn + `), s.id, p.name, p.role, s.expires_at - now(),
			s.fresh_at + $2::interval - now(), s.seen_at > now() - interval '1 minute'
		FROM sessions s JOIN principals p ON p.id = s.principal_id WHERE s.sha256 = $1`
	err = tx.QueryRow(ctx, query, sum[:], Fresh).Scan(&v.hasEnded, &v.id, &v.name, &v.role, &v.lasts, &v.freshFor,
		&v.touched)
	if err != nil {
		return v, fmt.Errorf("look up session: %w", err)
	}
	return v, nil
}

// touch notes that the session was used. A row that another process holds is left alone.
func touch(ctx context.Context, tx pgx.Tx, id int64) error {
	const update = `UPDATE sessions SET seen_at = now()
		WHERE id = (SELECT id FROM sessions WHERE id = $1 FOR UPDATE SKIP LOCKED)`
	if _, err := tx.Exec(ctx, update, id); err != nil {
		return fmt.Errorf("note use of session %d: %w", id, err)
	}
	return nil
}

// updateFresh gives the person's session, if it goes on, a new token. Error: domain.NotFound.
func updateFresh(ctx context.Context, tx pgx.Tx, id, principal int64, sum known.Sum) error {
	if _, err := lockSession(ctx, tx, id); err != nil {
		return err
	}
	return pg.ExecOne(ctx, tx, `UPDATE sessions SET sha256 = $3, fresh_at = now(), seen_at = now()
		WHERE id = $1 AND principal_id = $2`, id, principal, sum[:])
}

func updateEnded(ctx context.Context, tx pgx.Tx, id int64, actor string) error {
	return pg.ExecOne(ctx, tx, `UPDATE sessions SET ended_at = now(), ended_by = $2 WHERE id = $1`, id, actor)
}

func updateEndedByToken(ctx context.Context, tx pgx.Tx, sum known.Sum, actor string) error {
	const update = `UPDATE sessions SET ended_at = now(), ended_by = $2 WHERE sha256 = $1 AND ended_at IS NULL`
	if _, err := tx.Exec(ctx, update, sum[:], actor); err != nil {
		return fmt.Errorf("end old session: %w", err)
	}
	return nil
}

// updateAllEnded ends all sessions of a person.
func updateAllEnded(ctx context.Context, tx pgx.Tx, principal int64, actor string) error {
	const update = `UPDATE sessions SET ended_at = now(), ended_by = $2 WHERE principal_id = $1 AND ended_at IS NULL`
	if _, err := tx.Exec(ctx, update, principal, actor); err != nil {
		return fmt.Errorf("end sessions: %w", err)
	}
	return nil
}
