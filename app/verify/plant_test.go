package verify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"bestow/app/imports"
	"bestow/domain"
	"bestow/domain/content"
	"bestow/internal/keys"
	"bestow/internal/seal"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
)

// plantedStore holds the keys of the planted lists.
var plantedStore = keys.Store{Table: keys.Content, Master: plantedMaster}

// plantedVerifier returns what verifies the planted world with the master key of it.
func plantedVerifier(pool *pgxpool.Pool) *Verifier {
	return &Verifier{Config{Pool: pool, Keys: plantedStore, Unsealer: plantedUnsealer{}, Zone: defaultZone}}
}

// poorVerifier is one without a master key.
func poorVerifier(pool *pgxpool.Pool) *Verifier {
	return &Verifier{Config{Pool: pool, Keys: keys.Store{Table: keys.Content}, Zone: defaultZone}}
}

// eventOf returns one event as the proof reads it.
func eventOf(ctx context.Context, tx pgx.Tx, id int64) (domain.Event, error) {
	events, err := readEvents(ctx, tx, &id)
	if err == nil && len(events) != 1 {
		err = fmt.Errorf("%d events with the id %d", len(events), id)
	}
	if err != nil {
		return domain.Event{}, err
	}
	return events[0], nil
}

// hashPlanted makes the hashes of an event's chunks, as its import would have, and its root, as its start would have.
func hashPlanted(ctx context.Context, tx pgx.Tx, store keys.Store, id int64) error {
	key, err := seal.NewKey()
	if err != nil {
		return err
	}
	if err := store.Insert(ctx, tx, id, key); err != nil {
		return err
	}
	e, err := eventOf(ctx, tx, id)
	if err != nil {
		return err
	}
	list, err := listOf(ctx, tx, id)
	if err != nil {
		return err
	}
	hasher := content.NewHasher(key.NewHMAC())
	for _, c := range list.Chunks {
		if err := hashTargets(ctx, tx, e, c.Chunk.Chunk, hasher); err != nil {
			return err
		}
		sum := hasher.Sum()
		const update = `UPDATE grant_chunks SET content_hash = $3 WHERE event_id = $1 AND first_id = $2`
		if _, err := tx.Exec(ctx, update, id, c.First, sum[:]); err != nil {
			return err
		}
	}
	if _, err := tx.Exec(ctx, `UPDATE imports SET hashed = true, seal = NULL WHERE event_id = $1`, id); err != nil ||
		e.Status == domain.Pending {
		return err
	}
	return startPlanted(ctx, tx, store, id)
}

func hashTargets(ctx context.Context, tx pgx.Tx, e domain.Event, c domain.Chunk, hasher *content.Hasher) error {
	rows, err := tx.Query(ctx, `SELECT id, amount, member_id, reason FROM `+e.Type.TargetTable()+`
		WHERE event_id = $1 AND partition_key = $2 AND id BETWEEN $3 AND $4 ORDER BY id`, c.EventID, c.PartitionKey,
		c.First, c.Last)
	if err != nil {
		return err
	}
	var id, amount int64
	var member, reason pgtype.DriverBytes
	_, err = pgx.ForEachRow(rows, []any{&id, &amount, &member, &reason}, func() error {
		hasher.Add(id, amount, member, reason)
		return nil
	})
	return err
}

// listOf reads what the event's imports have left, in the order of the root.
func listOf(ctx context.Context, tx pgx.Tx, id int64) (l content.List, err error) {
	rows, err := tx.Query(ctx,
		`SELECT partition_key, first_id, last_id, target_count, content_hash, import_id FROM grant_chunks
		WHERE event_id = $1 ORDER BY partition_key, first_id`, id)
	if err != nil {
		return l, err
	}
	c := content.ListChunk{Chunk: content.Chunk{Chunk: domain.Chunk{EventID: id}}}
	_, err = pgx.ForEachRow(rows,
		[]any{&c.PartitionKey, &c.First, &c.Last, &c.Count, &c.Kept, &c.ImportID}, func() error {
			l.Chunks = append(l.Chunks, c.WithHash())
			return nil
		})
	return l, err
}

// sealPlanted seals an event's imports, as they would have done it themselves.
func sealPlanted(ctx context.Context, tx pgx.Tx, store keys.Store, id int64) error {
	key, err := store.Key(ctx, tx, id)
	if err != nil {
		return err
	}
	list, err := listOf(ctx, tx, id)
	if err != nil {
		return err
	}
	byImport := map[int64][]content.Chunk{}
	for _, c := range list.Chunks {
		byImport[c.ImportID] = append(byImport[c.ImportID], c.Chunk)
	}
	rows, err := tx.Query(ctx, `UPDATE imports SET digest = import_digest(id) WHERE event_id = $1 RETURNING id, digest`,
		id)
	if err != nil {
		return err
	}
	type digested struct {
		ID     int64
		Digest []byte
	}
	imports, err := pgx.CollectRows(rows, pgx.RowToStructByPos[digested])
	if err != nil {
		return err
	}
	slices.SortFunc(imports, func(a, b digested) int { return cmp.Compare(a.ID, b.ID) })
	var sealed []content.Sealed
	for _, p := range imports {
		made := content.SealImport(key, p.ID, p.Digest, byImport[p.ID])
		if _, err := tx.Exec(ctx, `UPDATE imports SET seal = $2 WHERE id = $1`, p.ID, made[:]); err != nil {
			return err
		}
		sealed = append(sealed, content.Sealed{ImportID: p.ID, Seal: made[:]})
	}
	all := content.SealImports(key, sealed)
	_, err = tx.Exec(ctx, `UPDATE event_keys SET imports_seal = $2 WHERE event_id = $1`, id, all[:])
	return err
}

// startPlanted keeps the root of an event as it is now.
func startPlanted(ctx context.Context, tx pgx.Tx, store keys.Store, id int64) error {
	e, err := eventOf(ctx, tx, id)
	if err != nil {
		return err
	}
	list, err := listOf(ctx, tx, id)
	if err != nil {
		return err
	}
	var key content.Key
	kept, err := store.Key(ctx, tx, id)
	if err == nil {
		key = kept
	}
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return err
	}
	start, err := content.Keep(e, content.Start{At: *e.Summary.StartedAt, By: "test"}, list.ForRoot(), key)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO starts (event_id, at, by, root, definition) VALUES ($1, $2, $3, $4, $5)`,
		id, start.At, start.By, start.Root, start.Definition)
	return err
}

// importsOf lists what the answers to an event's imports say.
func importsOf(ctx context.Context, tx pgx.Tx, id int64) (all []imports.Result, err error) {
	rows, err := tx.Query(ctx, `SELECT event_id, id, accepted, rejected, total_amount FROM imports WHERE event_id = $1`,
		id)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (r imports.Result, err error) {
		return r, row.Scan(&r.EventID, &r.ImportID, &r.Accepted, &r.Rejected, &r.TotalAmount)
	})
}
