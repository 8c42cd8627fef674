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

// insertPerson makes a person, an admin if role is "", unless there is a principal of the name. Error: domain.Invalid
// for a name that is new and may be taken for another one.
func insertPerson(ctx context.Context, tx pgx.Tx, actor, name string, role domain.Role) error {
	const insert = `INSERT INTO principals (name, kind, role, created_by)
		VALUES ($1, 'person', coalesce(nullif($2, ''), 'admin'), $3) ON CONFLICT (name) DO NOTHING`
	made, err := tx.Exec(ctx, insert, name, string(role), actor)
	if err != nil {
		return fmt.Errorf("make person %s: %w", name, err)
	}
	if made.RowsAffected() == 0 {
		return nil
	}
	return domain.CheckNewPrincipal(name)
}

// lockPerson reads a principal that is to be invited, so that one invite is made at a time.
func lockPerson(ctx context.Context, tx pgx.Tx, name string) (p person, err error) {
	const query = `SELECT id, name, role, kind = 'service', disabled_at IS NOT NULL,
			EXISTS (SELECT FROM passwords w WHERE w.principal_id = p.id),
			EXISTS (SELECT FROM identities i WHERE i.principal_id = p.id)
		FROM principals p WHERE name = $1 FOR UPDATE OF p`
	err = tx.QueryRow(ctx, query, name).Scan(&p.id, &p.name, &p.role, &p.isService, &p.isDisabled, &p.hasPassword,
		&p.hasIdentity)
	if err != nil {
		return p, fmt.Errorf("read principal %s: %w", name, err)
	}
	return p, nil
}

// deleteOpenInvites ends the invites of the principal that are not used.
func deleteOpenInvites(ctx context.Context, tx pgx.Tx, principal int64) error {
	const remove = `DELETE FROM invites WHERE principal_id = $1 AND used_at IS NULL`
	if _, err := tx.Exec(ctx, remove, principal); err != nil {
		return fmt.Errorf("end invites: %w", err)
	}
	return nil
}

// insertInvite makes an invite in the place of the person's others that are not used.
func insertInvite(ctx context.Context, tx pgx.Tx, p person, actor string, sum known.Sum) (MadeInvite, error) {
	if err := deleteOpenInvites(ctx, tx, p.id); err != nil {
		return MadeInvite{}, err
	}
	made := MadeInvite{Name: p.name, Role: p.role}
	const insert = `INSERT INTO invites (principal_id, sha256, created_by, expires_at)
		VALUES ($1, $2, $3, now() + $4::interval) RETURNING id, expires_at`
	if err := tx.QueryRow(ctx, insert, p.id, sum[:], actor, InviteLasts).Scan(&made.ID, &made.ExpiresAt); err != nil {
		return MadeInvite{}, fmt.Errorf("make invite: %w", err)
	}
	return made, nil
}

// openInvite is an invite that may be used.
type openInvite struct {
	id, principal int64
	name          string
	role          domain.Role
	createdBy     string
	wrapped       []byte // nil: the link was not opened
	expiresAt     time.Time
}

// lockInvite reads the invite with the token's hash, and keeps others from using it. Error: domain.NotFound.
func lockInvite(ctx context.Context, tx pgx.Tx, sum known.Sum) (v openInvite, err error) {
	const query = `SELECT i.id, p.id, p.name, p.role, i.created_by, i.wrapped, i.expires_at
		FROM invites i JOIN principals p ON p.id = i.principal_id
		WHERE i.sha256 = $1 AND i.used_at IS NULL AND i.expires_at > now() AND p.disabled_at IS NULL FOR UPDATE OF i`
	err = tx.QueryRow(ctx, query, sum[:]).Scan(&v.id, &v.principal, &v.name, &v.role, &v.createdBy, &v.wrapped,
		&v.expiresAt)
	if errors.Is(err, pgx.ErrNoRows) {
		return v, domain.NotFoundError("the link is unknown, was used, or is older than 15 minutes",
			"ask the person who gave it to you for another one")
	}
	if err != nil {
		return v, fmt.Errorf("read invite: %w", err)
	}
	return v, nil
}

func updateWrapped(ctx context.Context, tx pgx.Tx, id int64, wrapped []byte) error {
	return pg.ExecOne(ctx, tx, `UPDATE invites SET wrapped = $2 WHERE id = $1`, id, wrapped)
}

// updateUsed uses the invite up. The person's key lies with the password from now on.
func updateUsed(ctx context.Context, tx pgx.Tx, id int64) error {
	return pg.ExecOne(ctx, tx, `UPDATE invites SET used_at = now(), wrapped = NULL WHERE id = $1 AND used_at IS NULL`, id)
}

func upsertPassword(ctx context.Context, tx pgx.Tx, v openInvite, hash string, step int64) error {
	return pg.ExecOne(ctx, tx, `INSERT INTO passwords (principal_id, hash, wrapped, last_step, invited_by)
		VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (principal_id) DO UPDATE SET hash = $2, wrapped = $3, last_step = $4, invited_by = $5, set_at = now(),
			failures = 0, failed_at = NULL, wrong_codes = 0, wrong_code_at = NULL`,
		v.principal, hash, v.wrapped, step, v.createdBy)
}
