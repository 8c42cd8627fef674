package people

import (
	"context"
	"errors"
	"fmt"

	"bestow/domain"

	"github.com/jackc/pgx/v5"
)

// selectCredential reads what is kept of the name. Its hash is "" if there is nothing.
func selectCredential(ctx context.Context, tx pgx.Tx, name, network string) (c credential, err error) {
	const query = `SELECT now(), coalesce(p.id, 0), n.name, coalesce(w.invited_by, ''), p.disabled_at IS NOT NULL, coalesce(w.hash, ''), w.wrapped,
			coalesce(w.last_step, 0), coalesce(w.wrong_codes, 0), w.wrong_code_at,
			EXISTS (SELECT FROM sessions s WHERE s.principal_id = p.id AND s.network = $2)
		FROM (SELECT $1::varchar AS name) n LEFT JOIN principals p ON p.name = n.name
		LEFT JOIN passwords w ON w.principal_id = p.id`
	err = tx.QueryRow(ctx, query, name, network).Scan(&c.now, &c.principal, &c.name, &c.invitedBy, &c.disabled,
		&c.hash, &c.wrapped, &c.lastStep, &c.wrongCodes, &c.wrongCodeAt, &c.knownNetwork)
	if err != nil {
		return c, fmt.Errorf("read password: %w", err)
	}
	return c, nil
}

// takeCode uses up the code of the step, and returns how many failures came before it. Error: domain.NoSignIn if the
// code, or a later one, was used meanwhile, or the password was changed.
func takeCode(ctx context.Context, tx pgx.Tx, c credential, step int64) (failures int, err error) {
	const update = `UPDATE passwords w SET last_step = $2, failures = 0, wrong_codes = 0
		FROM (SELECT failures FROM passwords WHERE principal_id = $1 FOR UPDATE) before
		WHERE w.principal_id = $1 AND w.last_step < $2 AND w.hash = $3 RETURNING before.failures`
	err = tx.QueryRow(ctx, update, c.principal, step, c.hash).Scan(&failures)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, domain.NoSignInError()
	}
	if err != nil {
		return 0, fmt.Errorf("use code: %w", err)
	}
	return failures, nil
}

// updateFailure counts a failure, and reports whether the audit is to be told.
func updateFailure(
	ctx context.Context, tx pgx.Tx, principal int64, right bool,
) (failures int, tell bool, err error) {
	const update = `UPDATE passwords w SET failures = w.failures + 1,
			failed_at = CASE WHEN before.tell THEN now() ELSE w.failed_at END,
			wrong_codes = w.wrong_codes + CASE WHEN $2 THEN 1 ELSE 0 END,
			wrong_code_at = CASE WHEN $2 THEN now() ELSE w.wrong_code_at END
		FROM (SELECT failed_at IS NULL OR failed_at < now() - $3::interval AS tell FROM passwords WHERE principal_id = $1
			FOR UPDATE) before
		WHERE w.principal_id = $1 RETURNING w.failures, before.tell`
	err = tx.QueryRow(ctx, update, principal, right, auditFailures).Scan(&failures, &tell)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, fmt.Errorf("count failure: %w", err)
	}
	return failures, tell, nil
}
