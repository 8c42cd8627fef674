package bench

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"bestow/domain"
)

// work takes runs until there are no more.
func (f *floor) work(ctx context.Context, todo <-chan domain.Run) error {
	for run := range todo {
		chunks, err := f.publish(ctx, run)
		if err != nil {
			return fmt.Errorf("publish %s: %w", run, err)
		}
		for _, c := range chunks {
			if err := f.handle(ctx, c); err != nil {
				return fmt.Errorf("handle %s: %w", c.chunk, err)
			}
		}
	}
	return nil
}

// floorChunk is a chunk with its members, column by column.
type floorChunk struct {
	chunk                  domain.Chunk
	members, keys, reasons []string
	amounts                []int64
	txIDs                  []string
	token                  [16]byte
}

// publish is T3: it reads the targets of a run and marks them.
func (f *floor) publish(ctx context.Context, run domain.Run) (chunks []*floorChunk, err error) {
	where := []any{run.EventID, run.PartitionKey, run.First, run.Last}
	err = f.tx(ctx, func(tx *floorTx) {
		tx.row(sqlRelayed, run.EventID)
		var c domain.Chunk
		tx.rows(sqlChunks, []any{&c.EventID, &c.PartitionKey, &c.First, &c.Last}, func() error {
			chunks = append(chunks, &floorChunk{chunk: c})
			return nil
		}, where...)
		f.readGrants(tx, chunks, append(where, defaultReason))
	})
	if err != nil {
		return nil, err
	}
	return chunks, f.tx(ctx, func(tx *floorTx) {
		tx.exec(sqlLockShared, f.gate())
		tx.row(sqlRelayed, run.EventID)
		tx.exec(sqlMark, where...)
		tx.exec(sqlMarkChunks, where...)
		tx.exec(sqlPublished, run.EventID, run.Size())
	})
}

func (f *floor) readGrants(tx *floorTx, chunks []*floorChunk, args []any) {
	var g domain.Grant
	at, prefix := 0, "grant:"+strconv.FormatInt(f.event.ID, 10)+":"
	tx.rows(sqlGrants, []any{&g.TargetID, &g.MemberID, &g.Amount, &g.Reason, &g.Try, &g.Redrive}, func() error {
		if g.TargetID > chunks[at].chunk.Last {
			at++
		}
		c := chunks[at]
		c.members, c.amounts = append(c.members, g.MemberID), append(c.amounts, g.Amount)
		c.keys, c.reasons = append(c.keys, prefix+g.MemberID), append(c.reasons, g.Reason)
		return nil
	}, args...)
}

// handle is T4, T5 and T6 of one chunk.
func (f *floor) handle(ctx context.Context, c *floorChunk) error {
	for _, step := range []func(*floorTx, *floorChunk){f.claim, f.save, f.settle} {
		if err := f.tx(ctx, func(tx *floorTx) { step(tx, c) }); err != nil {
			return err
		}
	}
	return nil
}

func (c *floorChunk) where(more ...any) []any {
	return append([]any{c.chunk.EventID, c.chunk.PartitionKey, c.chunk.First, c.chunk.Last}, more...)
}

func (f *floor) claim(tx *floorTx, c *floorChunk) {
	tx.exec(sqlLockClaim, f.gate(), brakeClaims)
	tx.row(sqlClaimed, c.chunk.EventID)
	tx.row(sqlLockChunk, c.where()...)
	tx.row(sqlTargets, c.where()...)
	tx.exec(sqlOpenClaim, c.where(c.token, 15*time.Second, "bench.point", int32(0), c.chunk.First)...)
}

func (f *floor) save(tx *floorTx, c *floorChunk) {
	var id int64
	var key string
	tx.rows(sqlSave, []any{&id, &key}, func() error {
		c.txIDs = append(c.txIDs, "P"+strconv.FormatInt(id, 10))
		return nil
	}, "Asia/Seoul", c.members, c.amounts, c.keys, c.reasons, "CM", strconv.FormatInt(f.event.ID, 10),
		(*time.Time)(nil), "99991231")
	tx.row(sqlDeadline, time.Now().Add(10*time.Second))
}

func (f *floor) settle(tx *floorTx, c *floorChunk) {
	n := len(c.members)
	tx.exec(sqlResults, c.chunk.EventID, c.members, c.amounts, c.txIDs)
	tx.exec(sqlCloseClaim, c.where(n, c.token)...)
	tx.row(sqlCount, c.chunk.EventID, n, 0, 0)
}
