package imports

import (
	"context"

	"bestow/app/eventrow"
	"bestow/domain"
	"bestow/domain/content"
	"bestow/internal/failpoint"
	"bestow/internal/pg"
	"bestow/outbox"

	"github.com/jackc/pgx/v5"
)

// publish makes the targets the event's own: chunks, relay jobs, the partition, the totals.
func (im *importing) publish(ctx context.Context, tx pgx.Tx, importID int64) error {
	if err := copyChunks(ctx, tx, importID, im.load.chunks); err != nil {
		return err
	}
	if err := failpoint.Hit(ctx, failpoint.ImportChunks); err != nil {
		return err
	}
	if err := outbox.Enqueue(ctx, tx, im.river,
		domain.Runs(content.Bounds(im.load.chunks), im.sizes.RelayChunks)); err != nil {
		return err
	}
	if err := failpoint.Hit(ctx, failpoint.ImportJobs); err != nil {
		return err
	}
	if err := im.join(ctx, tx); err != nil {
		return err
	}
	return failpoint.Hit(ctx, failpoint.ImportBeforeCommit)
}

// join adds the targets to the event, if it is still PENDING. Everything behind the gate is short.
func (im *importing) join(ctx context.Context, tx pgx.Tx) error {
	if err := im.enterGate(ctx, tx); err != nil {
		return err
	}
	added, err := addTotals(ctx, tx, im.event, im.load.accepted, im.load.amount, im.opensPartition())
	if err != nil || added {
		return err
	}
	return im.overtaken(ctx, tx)
}

// enterGate also attaches the event's own partition.
func (im *importing) enterGate(ctx context.Context, tx pgx.Tx) error {
	if !im.opensPartition() {
		return pg.Lock(ctx, tx, pg.Gate, im.event.ID)
	}
	if err := indexTargetsPartition(ctx, tx, im.event); err != nil {
		return err
	}
	return attachTargetsPartition(ctx, tx, im.event, attachTries)
}

// overtaken says why the event does not take the targets any more.
func (im *importing) overtaken(ctx context.Context, tx pgx.Tx) error {
	now, err := eventrow.Select(ctx, tx, im.event.ID)
	if err != nil {
		return err
	}
	if now.Status != domain.Pending {
		return notPending(now.Status)
	}
	return &domain.Error{Code: domain.ImportRunning, Message: "the event was edited while its member list was read",
		Hint: "upload the list again"}
}
