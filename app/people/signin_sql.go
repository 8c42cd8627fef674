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

// locked says of a row of passwords that its password opens nothing now: $3 is maxWrongCodes, $4 codesWait.
const locked = `(wrong_codes >= $3 AND wrong_code_at > now() - $4::interval) IS TRUE`

// takeCode uses up the code of the step, and returns how many failures came before it. Error: domain.NoSignIn if the
// code, or a later one, was used meanwhile, the password was changed, or wrong codes have shut it.
func takeCode(ctx context.Context, tx pgx.Tx, c credential, step int64) (failures int, err error) {
	const update = `UPDATE passwords w SET last_step = $2, failures = 0, wrong_codes = 0
		FROM (SELECT failures, ` + locked + ` AS locked FROM passwords WHERE principal_id = $1 FOR UPDATE) before
		WHERE w.principal_id = $1 AND w.last_step < $2 AND w.hash = $5 AND NOT before.locked RETURNING before.failures`
	err = tx.QueryRow(ctx, update, c.principal, step, maxWrongCodes, codesWait, c.hash).Scan(&failures)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, domain.NoSignInError()
	}
	if err != nil {
		return 0, fmt.Errorf("use code: %w", err)
	}
	return failures, nil
}

// updateFailure counts a failure, and reports whether the audit is to be told. A failure with the right password
// counts among those that shut the password, unless they have shut it already; after the wait the count begins anew.
func updateFailure(
	ctx context.Context, tx pgx.Tx, principal int64, right bool,
) (failures int, tell bool, err error) {
	const update = `UPDATE passwords w SET failures = w.failures + 1,
			failed_at = CASE WHEN before.tell THEN now() ELSE w.failed_at END,
			wrong_codes = CASE WHEN NOT $2 OR before.locked THEN w.wrong_codes WHEN w.wrong_codes >= $3 THEN 1
				ELSE w.wrong_codes + 1 END,
			wrong_code_at = CASE WHEN $2 AND NOT before.locked THEN now() ELSE w.wrong_code_at END
		FROM (SELECT failed_at IS NULL OR failed_at < now() - $5::interval AS tell, ` + locked + ` AS locked
			FROM passwords WHERE principal_id = $1 FOR UPDATE) before
		WHERE w.principal_id = $1 RETURNING w.failures, before.tell`
	err = tx.QueryRow(ctx, update, principal, right, maxWrongCodes, codesWait, auditFailures).Scan(&failures, &tell)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, fmt.Errorf("count failure: %w", err)
	}
	return failures, tell, nil
}
