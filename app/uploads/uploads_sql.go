package uploads

import (
	"context"
	"errors"
	"fmt"

	"bestow/domain"

	"github.com/jackc/pgx/v5"
)

const columns = `id, owner, size, received, content_type, name, metadata, sha256, created_at, expires_at`

// lockBegin lets one request at a time begin an upload, so that their number and their space hold.
func lockBegin(ctx context.Context, tx pgx.Tx) error {
	const lock = `SELECT pg_advisory_xact_lock(hashtextextended('upload' || chr(31), 0))`
	if _, err := tx.Exec(ctx, lock); err != nil {
		return fmt.Errorf("lock uploads: %w", err)
	}
	return nil
}

// sumSizes returns the bytes of all uploads, also of those that have expired and are still there.
func sumSizes(ctx context.Context, tx pgx.Tx) (sum int64, err error) {
	const query = `SELECT coalesce(sum(size), 0)::bigint FROM uploads`
	if err := tx.QueryRow(ctx, query).Scan(&sum); err != nil {
		return 0, fmt.Errorf("add up uploads: %w", err)
	}
	return sum, nil
}

func countOpen(ctx context.Context, tx pgx.Tx, owner string) (n int, err error) {
	const query = `SELECT count(*) FROM uploads WHERE owner = $1 AND expires_at > now()`
	if err := tx.QueryRow(ctx, query, owner).Scan(&n); err != nil {
		return 0, fmt.Errorf("count uploads: %w", err)
	}
	return n, nil
}

func selectShares(ctx context.Context, tx pgx.Tx) ([]Share, error) {
	const query = `SELECT owner, count(*), sum(size)::bigint, sum(received)::bigint FROM uploads
		GROUP BY owner ORDER BY sum(size) DESC, owner`
	rows, err := tx.Query(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("read who has uploads: %w", err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Share])
	if err != nil {
		return nil, fmt.Errorf("read who has uploads: %w", err)
	}
	return all, nil
}

func insertUpload(ctx context.Context, tx pgx.Tx, u Upload) (Upload, error) {
	const insert = `INSERT INTO uploads (owner, size, content_type, name, metadata, sha256, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6, now() + $7::interval) RETURNING ` + columns
	rows, err := tx.Query(ctx, insert, u.Owner, u.Size, u.ContentType, u.Name, u.Metadata, u.SHA256, Lifetime)
	return oneUpload(rows, err, u.ID)
}

func selectUploads(ctx context.Context, tx pgx.Tx, owner string) ([]Upload, error) {
	const query = `SELECT ` + columns + ` FROM uploads WHERE owner = $1 AND expires_at > now() ORDER BY id DESC`
	rows, err := tx.Query(ctx, query, owner)
	if err != nil {
		return nil, fmt.Errorf("list uploads: %w", err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Upload])
	if err != nil {
		return nil, fmt.Errorf("list uploads: %w", err)
	}
	return all, nil
}

func selectUpload(ctx context.Context, tx pgx.Tx, owner string, id int64) (Upload, error) {
	const query = `SELECT ` + columns + ` FROM uploads WHERE id = $1 AND owner = $2 AND expires_at > now()`
	rows, err := tx.Query(ctx, query, id, owner)
	return oneUpload(rows, err, id)
}

// lockUpload reads an upload of anyone, also one that has expired, and locks it. Error: domain.NotFound.
func lockUpload(ctx context.Context, tx pgx.Tx, id int64) (Upload, error) {
	const query = `SELECT ` + columns + ` FROM uploads WHERE id = $1 FOR UPDATE`
	rows, err := tx.Query(ctx, query, id)
	return oneUpload(rows, err, id)
}

// useUpload is selectUpload, and lets the upload live on from now.
func useUpload(ctx context.Context, tx pgx.Tx, owner string, id int64) (Upload, error) {
	const update = `UPDATE uploads SET expires_at = now() + $3::interval
		WHERE id = $1 AND owner = $2 AND expires_at > now() RETURNING ` + columns
	rows, err := tx.Query(ctx, update, id, owner, Lifetime)
	return oneUpload(rows, err, id)
}

// appendPiece stores the piece if it follows the last one and does not pass the upload's size. The row's lock makes a
// second sender wait for the first one's commit, after which its piece does not follow any more.
func appendPiece(
	ctx context.Context, tx pgx.Tx, owner string, id, at int64, piece []byte,
) (u Upload, stored bool, err error) {
	const update = `UPDATE uploads SET received = received + $4, expires_at = now() + $5::interval
		WHERE id = $1 AND owner = $2 AND received = $3 AND received + $4 <= size AND expires_at > now()
		RETURNING ` + columns
	rows, err := tx.Query(ctx, update, id, owner, at, int64(len(piece)), Lifetime)
	if u, err = oneUpload(rows, err, id); err != nil {
		if domain.IsCode(err, domain.NotFound) {
			err = nil
		}
		return u, false, err
	}
	const insert = `INSERT INTO upload_pieces (upload_id, at, bytes) VALUES ($1, $2, $3)`
	if _, err := tx.Exec(ctx, insert, id, at, piece); err != nil {
		return u, false, fmt.Errorf("store piece of upload %d: %w", id, err)
	}
	return u, true, nil
}

// selectPiece returns the piece that begins at a byte of the upload. Errors: domain.NotFound, or BadFile for an upload
// that is there and lacks the piece.
func selectPiece(ctx context.Context, tx pgx.Tx, id, at int64) (piece []byte, err error) {
	const query = `SELECT bytes FROM upload_pieces WHERE upload_id = $1 AND at = $2`
	err = tx.QueryRow(ctx, query, id, at).Scan(&piece)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, noPiece(ctx, tx, id, at)
	}
	if err != nil {
		return nil, fmt.Errorf("read upload %d: %w", id, err)
	}
	return piece, nil
}

// noPiece says why there is no piece.
func noPiece(ctx context.Context, tx pgx.Tx, id, at int64) error {
	var there bool
	err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM uploads WHERE id = $1)`, id).Scan(&there)
	switch {
	case err != nil:
		return fmt.Errorf("read upload %d: %w", id, err)
	case there:
		return domain.BadFileError(fmt.Sprintf("upload %d has lost its bytes from %d on", id, at),
			"delete it, and send the file anew")
	}
	return domain.NoUploadError(id)
}

// deleteUpload removes the upload, and its pieces by their foreign key. Error: domain.NotFound.
func deleteUpload(ctx context.Context, tx pgx.Tx, owner string, id int64) error {
	const remove = `DELETE FROM uploads WHERE id = $1 AND owner = $2`
	tag, err := tx.Exec(ctx, remove, id, owner)
	if err != nil {
		return fmt.Errorf("delete upload %d: %w", id, err)
	}
	if tag.RowsAffected() == 0 {
		return domain.NoUploadError(id)
	}
	return nil
}

// deleteExpired removes one upload that has expired, and reports whether there was one. Each takes a transaction of its
// own, since it may be large. An upload that just got a byte is left alone: the row's lock lets the condition be asked
// again.
func deleteExpired(ctx context.Context, tx pgx.Tx) (bool, error) {
	const remove = `DELETE FROM uploads WHERE expires_at <= now()
		AND id = (SELECT id FROM uploads WHERE expires_at <= now() ORDER BY expires_at LIMIT 1)`
	tag, err := tx.Exec(ctx, remove)
	if err != nil {
		return false, fmt.Errorf("delete expired upload: %w", err)
	}
	return tag.RowsAffected() > 0, nil
}

func oneUpload(rows pgx.Rows, err error, id int64) (Upload, error) {
	if err != nil {
		return Upload{}, fmt.Errorf("read upload %d: %w", id, err)
	}
	u, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[Upload])
	if errors.Is(err, pgx.ErrNoRows) {
		return u, domain.NoUploadError(id)
	}
	if err != nil {
		return u, fmt.Errorf("read upload %d: %w", id, err)
	}
	return u, nil
}
