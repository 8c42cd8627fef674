package verify

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"bestow/internal/english"

	"github.com/jackc/pgx/v5"
)

// compareAudit makes the chain of the audit anew, link by link, and compares it with the one that is kept and with the
// heads that were given out (I28).
func compareAudit(ctx context.Context, tx pgx.Tx, v *verification, f *finding) error {
	anchors, err := selectAnchors(ctx, tx)
	if err != nil {
		return err
	}
	heads := int64(len(anchors))
	if err := compareAuditMoments(ctx, tx, f); err != nil {
		return err
	}
	chain := auditChain{anchors: anchors, kept: v.auditHead, f: f}
	if err := chain.read(ctx, tx); err != nil {
		return err
	}
	for position := range chain.anchors {
		f.differ("the head at position %d was given out, and the chain ends at %d", position, chain.position)
	}
	if k := chain.kept; k != nil {
		f.differ("the head %d:%s, which was kept elsewhere, is not in the chain", k.Position,
			hex.EncodeToString(k.Hash))
	}
	if err := f.measures.add("changes", chain.rows); err != nil {
		return err
	}
	if err := f.measures.add("heads", heads); err != nil {
		return err
	}
	return f.measures.add("unlinked", chain.unlinked)
}

// linkedWithin is the time in which a row of the audit is linked while a process has the role jobs: some seconds, and
// more after a long transaction.
const linkedWithin = 10 * time.Minute

// unlinkedChanges says that rows of the audit have no link though a process has had the role jobs for long enough:
// until they are linked, a change of them is not seen.
func unlinkedChanges(ctx context.Context, tx pgx.Tx, _ *verification) ([]Gap, error) {
	const query = `SELECT count(*) FROM public.audit_log l WHERE at < now() - $1::interval
		AND NOT EXISTS (SELECT FROM public.audit_chain c WHERE c.audit_id = l.id)
		AND EXISTS (SELECT FROM public.processes WHERE 'jobs' = ANY (roles) AND started_at < now() - $1::interval
			AND seen_at > now() - interval '30 s')`
	var n int
	if err := tx.QueryRow(ctx, query, linkedWithin).Scan(&n); err != nil {
		return nil, fmt.Errorf("read audit: %w", err)
	}
	if n == 0 {
		return nil, nil
	}
	return []Gap{{Why: english.Count(n, "change") + " in the audit, older than ten minutes, not linked, though a " +
		"process has the role jobs: until they are, nobody sees whether they were changed"}}, nil
}

// auditChain is the chain while it is read.
type auditChain struct {
	anchors        map[int64][]byte // those that are not reached yet, by position
	f              *finding
	position       int64  // of the last link
	hash           []byte // of the last link, made anew
	rows, unlinked int64
	kept           *Head // that an auditor kept elsewhere; nil: none, or its position is reached
}

// read compares each row of the audit with its link. A row without a link was written a moment ago, or no process has
// the role jobs.
func (c *auditChain) read(ctx context.Context, tx pgx.Tx) error {
	const query = `SELECT c.position, coalesce(c.audit_id, l.id), c.hash, l.id IS NOT NULL, convert_to(ROW(l.id,
			(extract(epoch FROM l.at) * 1000000)::bigint, l.actor, l.key_id, l.action, l.event_id, l.object, l.before::text,
			l.after::text, l.reason, l.request_id)::text || coalesce(' session ' || l.session_id, ''), 'UTF8')
		FROM public.audit_chain c FULL JOIN public.audit_log l ON l.id = c.audit_id ORDER BY c.position NULLS LAST`
	rows, err := tx.Query(ctx, query)
	if err != nil {
		return fmt.Errorf("read audit: %w", err)
	}
	var position *int64
	var id int64
	var hash, text []byte
	var there bool
	_, err = pgx.ForEachRow(rows, []any{&position, &id, &hash, &there, &text}, func() error {
		c.rows++
		if position == nil {
			c.unlinked++
			return nil
		}
		c.link(*position, id, hash, there, text)
		return nil
	})
	if err != nil {
		return fmt.Errorf("read audit: %w", err)
	}
	return nil
}

// link compares the next link with the row that it is of. After a difference it goes on from the hash that is kept, so
// that each difference is told once.
func (c *auditChain) link(position, id int64, hash []byte, there bool, text []byte) {
	if position != c.position+1 {
		c.f.differ("positions %d to %d of the audit chain are gone", c.position+1, position-1)
	}
	sum := sha256.New()
	_, _ = sum.Write(c.hash) // a hash returns no error
	_, _ = sum.Write(text)
	switch {
	case !there:
		c.f.differ("row %d of the audit is gone: its link at position %d is there", id, position)
	case !bytes.Equal(sum.Sum(nil), hash):
		c.f.differ("row %d of the audit, or the chain before it, is not what was linked at position %d", id, position)
	}
	c.position, c.hash = position, bytes.Clone(hash)
	if c.kept != nil && c.kept.Position == position && bytes.Equal(c.kept.Hash, hash) {
		c.kept = nil
	}
	if given, ok := c.anchors[position]; ok {
		if !bytes.Equal(given, hash) {
			c.f.differ("the head at position %d was given out as %s, and is %s", position, hex.EncodeToString(given),
				hex.EncodeToString(hash))
		}
		delete(c.anchors, position)
	}
}

// selectAnchors reads the heads that were given out, by their positions.
func selectAnchors(ctx context.Context, tx pgx.Tx) (map[int64][]byte, error) {
	rows, err := tx.Query(ctx, `SELECT position, hash FROM public.audit_anchors`)
	if err != nil {
		return nil, fmt.Errorf("read heads of the audit: %w", err)
	}
	anchors := map[int64][]byte{}
	var position int64
	var hash []byte
	_, err = pgx.ForEachRow(rows, []any{&position, &hash}, func() error {
		anchors[position] = bytes.Clone(hash)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read heads of the audit: %w", err)
	}
	return anchors, nil
}
