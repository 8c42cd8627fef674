package access

import (
	"context"
	"errors"
	"fmt"
	"time"

	"bestow/domain"

	"github.com/jackc/pgx/v5"
)

// insertService makes a service, unless there is a principal of the name. Error: domain.Invalid for a name that is new
// and may be taken for another one.
func insertService(ctx context.Context, tx pgx.Tx, actor, name string, role domain.Role) error {
	const insert = `INSERT INTO principals (name, kind, role, created_by) VALUES ($1, 'service', $2, $3)
		ON CONFLICT (name) DO NOTHING`
	made, err := tx.Exec(ctx, insert, name, role, actor)
	if err != nil {
		return fmt.Errorf("make principal %s: %w", name, err)
	}
	if made.RowsAffected() == 0 {
		return nil
	}
	return domain.CheckNewPrincipal(name)
}

// principal is one that a key is asked for.
type principal struct {
	id                   int64
	role                 domain.Role
	isPerson, isDisabled bool
}

func selectPrincipal(ctx context.Context, tx pgx.Tx, name string) (p principal, err error) {
	const query = `SELECT id, role, kind = 'person', disabled_at IS NOT NULL FROM principals WHERE name = $1`
	if err := tx.QueryRow(ctx, query, name).Scan(&p.id, &p.role, &p.isPerson, &p.isDisabled); err != nil {
		return p, fmt.Errorf("read principal %s: %w", name, err)
	}
	return p, nil
}

func insertKey(
	ctx context.Context, tx pgx.Tx, principal int64, s secret, actor string, expires time.Time,
) (id int64, err error) {
	sum := hashOf(s.text)
	const insert = `INSERT INTO api_keys (principal_id, prefix, sha256, created_by, expires_at)
		VALUES ($1, $2, $3, $4, $5) RETURNING id`
	if err := tx.QueryRow(ctx, insert, principal, s.prefix, sum[:], actor, expires).Scan(&id); err != nil {
		return 0, fmt.Errorf("make key: %w", err)
	}
	return id, nil
}

const keyColumns = `k.id, p.name, p.role, k.prefix, k.created_by, k.created_at, k.expires_at,
	k.last_used_at, k.revoked_at, k.revoked_by`

func selectKeys(ctx context.Context, tx pgx.Tx) ([]Key, error) {
	const query = `SELECT ` + keyColumns + ` FROM api_keys k JOIN principals p ON p.id = k.principal_id ORDER BY k.id DESC`
	rows, err := tx.Query(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("read keys: %w", err)
	}
	keys, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Key])
	if err != nil {
		return nil, fmt.Errorf("read keys: %w", err)
	}
	return keys, nil
}

// selectKey reads one key. Error: domain.NotFound.
func selectKey(ctx context.Context, tx pgx.Tx, id int64) (Key, error) {
	const query = `SELECT ` + keyColumns + ` FROM api_keys k JOIN principals p ON p.id = k.principal_id WHERE k.id = $1`
	return oneKey(ctx, tx, query, id)
}

// lockKey reads one key, and keeps others from revoking it. Error: domain.NotFound.
func lockKey(ctx context.Context, tx pgx.Tx, id int64) (Key, error) {
	const query = `SELECT ` + keyColumns + ` FROM api_keys k JOIN principals p ON p.id = k.principal_id WHERE k.id = $1
		FOR UPDATE OF k`
	return oneKey(ctx, tx, query, id)
}

func oneKey(ctx context.Context, tx pgx.Tx, query string, id int64) (Key, error) {
	rows, err := tx.Query(ctx, query, id)
	if err != nil {
		return Key{}, fmt.Errorf("read key %d: %w", id, err)
	}
	k, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[Key])
	if errors.Is(err, pgx.ErrNoRows) {
		return k, domain.NotFoundError(fmt.Sprintf("there is no key %d", id), "`bestow key list` or GET /keys shows them")
	}
	if err != nil {
		return k, fmt.Errorf("read key %d: %w", id, err)
	}
	return k, nil
}

func updateRevoked(ctx context.Context, tx pgx.Tx, id int64, actor string) error {
	const update = `UPDATE api_keys SET revoked_at = now(), revoked_by = $2 WHERE id = $1`
	if _, err := tx.Exec(ctx, update, id, actor); err != nil {
		return fmt.Errorf("revoke key %d: %w", id, err)
	}
	return nil
}

// valid is a key that may be used, as the database has it.
type valid struct {
	id      int64
	sum     []byte
	name    string
	role    domain.Role
	lasts   time.Duration // until it expires
	touched bool          // its use was noted within the last minute
}

// selectValid reads the key with the prefix, if it is neither revoked nor expired and its principal may act. Error:
// pgx.ErrNoRows.
func selectValid(ctx context.Context, tx pgx.Tx, prefix string) (v valid, err error) {
	const query = `SELECT k.id, k.sha256, p.name, p.role, k.expires_at - now(), coalesce(k.last_used_at > now() - interval '1 minute', false)
		FROM api_keys k JOIN principals p ON p.id = k.principal_id
		WHERE k.prefix = $1 AND k.revoked_at IS NULL AND k.expires_at > now() AND p.disabled_at IS NULL`
	err = tx.QueryRow(ctx, query, prefix).Scan(&v.id, &v.sum, &v.name, &v.role, &v.lasts, &v.touched)
	if err != nil {
		return v, fmt.Errorf("look up key: %w", err)
	}
	return v, nil
}

// touch notes that the key was used. A row that another session holds is left alone.
func touch(ctx context.Context, tx pgx.Tx, id int64) error {
	const update = `UPDATE api_keys SET last_used_at = date_trunc('minute', now())
		WHERE id = (SELECT id FROM api_keys WHERE id = $1 FOR UPDATE SKIP LOCKED)`
	if _, err := tx.Exec(ctx, update, id); err != nil {
		return fmt.Errorf("note use of key %d: %w", id, err)
	}
	return nil
}
