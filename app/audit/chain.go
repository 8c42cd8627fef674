package audit

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"time"

	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
)

// linkBatch is how many rows one transaction links.
const linkBatch = 1000

const (
	// linkWindow is how far below the last linked id a row may stand that is linked at once: one whose transaction
	// ended late. Others are linked by the next sweep.
	linkWindow = 10_000
	// sweepEvery is the time between two looks at all rows.
	sweepEvery = time.Hour
)

// Link adds every row of the record that is not in the chain yet, in the order of their ids: hash = SHA-256 of the hash
// before and the row. A row whose transaction is not over yet is linked by a later call, after rows with greater ids.
// It may run twice, even at the same time.
func (s *Audit) Link(ctx context.Context) error {
	window := s.window
	s.mu.Lock()
	sweep := s.swept.IsZero() || time.Since(s.swept) >= sweepEvery
	s.mu.Unlock()
	if sweep {
		window = math.MaxInt64
	}
	for {
		n, err := s.linkSome(ctx, window)
		if err != nil {
			return err
		}
		if n < linkBatch {
			break
		}
	}
	if sweep {
		s.mu.Lock()
		s.swept = time.Now()
		s.mu.Unlock()
	}
	return nil
}

func (s *Audit) linkSome(ctx context.Context, window int64) (n int, err error) {
	err = pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		if err := pg.Lock(ctx, tx, pg.Chain, 0); err != nil {
			return err
		}
		head, err := selectHead(ctx, tx)
		if err != nil {
			return err
		}
		rows, err := selectUnlinked(ctx, tx, window)
		if err != nil {
			return err
		}
		n = len(rows)
		return insertLinks(ctx, tx, head, rows)
	})
	return n, err
}

// head is the last link of the chain. Of an empty one the position is 0 and the hash is empty.
type head struct {
	Position int64
	Hash     []byte
}

func selectHead(ctx context.Context, tx pgx.Tx) (h head, err error) {
	const query = `SELECT position, hash FROM audit_chain ORDER BY position DESC LIMIT 1`
	err = tx.QueryRow(ctx, query).Scan(&h.Position, &h.Hash)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return h, fmt.Errorf("read head of audit chain: %w", err)
	}
	return h, nil
}

// unlinked is a row of the record as the chain hashes it.
type unlinked struct {
	ID   int64
	Text []byte
}

// selectUnlinked reads the next rows that are not in the chain, of those above the last linked one or at most window
// ids below it. Their text does not depend on the session's settings. That of a row without a session_id is what it was
// before the column was added.
func selectUnlinked(ctx context.Context, tx pgx.Tx, window int64) ([]unlinked, error) {
	const query = `SELECT id, convert_to(ROW(id, (extract(epoch FROM at) * 1000000)::bigint, actor, key_id, action, event_id, object,
			before::text, after::text, reason, request_id)::text || coalesce(' session ' || session_id, ''), 'UTF8')
		FROM audit_log l
		WHERE l.id > (SELECT coalesce(max(audit_id), 0) FROM audit_chain) - $2::bigint
		  AND NOT EXISTS (SELECT FROM audit_chain c WHERE c.audit_id = l.id) ORDER BY id LIMIT $1`
	rows, err := tx.Query(ctx, query, linkBatch, window)
	if err != nil {
		return nil, fmt.Errorf("read what is to be linked: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[unlinked])
	if err != nil {
		return nil, fmt.Errorf("read what is to be linked: %w", err)
	}
	return list, nil
}

func insertLinks(ctx context.Context, tx pgx.Tx, after head, rows []unlinked) error {
	positions, ids, hashes := make([]int64, len(rows)), make([]int64, len(rows)), make([][]byte, len(rows))
	for i, r := range rows {
		sum := sha256.New()
		_, _ = sum.Write(after.Hash) // a hash returns no error
		_, _ = sum.Write(r.Text)
		after = head{after.Position + 1, sum.Sum(nil)}
		positions[i], ids[i], hashes[i] = after.Position, r.ID, after.Hash
	}
	const insert = `INSERT INTO audit_chain (position, audit_id, hash)
		SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bytea[])`
	if _, err := tx.Exec(ctx, insert, positions, ids, hashes); err != nil {
		return fmt.Errorf("link audit: %w", err)
	}
	return nil
}

// anchorAfter is the time between two anchors. The chain does not show who rewrites changes that are younger.
const anchorAfter = time.Minute

// Anchor writes the head of the chain to the log, outside of the database, once a minute if it has moved. An auditor
// who compares it with the chain later sees whether the whole chain was made anew.
func (s *Audit) Anchor(ctx context.Context) error {
	var h head
	// The newest by its position, so that none is read but that. One of the future, which was written by hand or by a
	// wrong clock, silences nothing.
	const insert = `INSERT INTO audit_anchors (position, hash)
		SELECT position, hash FROM audit_chain
		WHERE NOT coalesce((SELECT anchored_at FROM audit_anchors ORDER BY position DESC LIMIT 1)
			BETWEEN now() - $1::interval AND now(), false)
		ORDER BY position DESC LIMIT 1
		ON CONFLICT (position) DO NOTHING RETURNING position, hash`
	err := s.pool.QueryRow(ctx, insert, anchorAfter).Scan(&h.Position, &h.Hash)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("anchor audit chain: %w", err)
	}
	s.log.InfoContext(ctx, "head of the audit chain; keep this line: `bestow verify --audit-head` compares it",
		"head", fmt.Sprintf("%d:%s", h.Position, hex.EncodeToString(h.Hash)))
	return nil
}
