package imports

import (
	"context"

	"bestow/app/eventrow"
	"bestow/app/memberlist"
	"bestow/app/obstacle"
	"bestow/domain"
	"bestow/domain/content"
	"bestow/internal/failpoint"
	"bestow/internal/pg"
	"bestow/outbox"

	"github.com/jackc/pgx/v5"
)

// targetTable returns where the targets go: a table of the event's own, which becomes a partition at the end, or
// through the parent to where the event's targets are.
func (im *importing) targetTable(ctx context.Context, tx pgx.Tx) (string, error) {
	if !im.opensPartition() {
		return im.event.Type.TargetTable(), nil
	}
	now, err := eventrow.Select(ctx, tx, im.event.ID)
	if err != nil {
		return "", err
	}
	if now.Status != domain.Pending { // for which the database makes no partition
		return "", notPending(now.Status)
	}
	return createTargetsPartition(ctx, tx, im.event)
}

// addToEvent makes the targets the event's own: chunks, relay jobs, the partition, the totals.
func (im *importing) addToEvent(ctx context.Context, tx pgx.Tx, importID int64) error {
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
	return domain.ImportRunningError("the event was edited while its member list was read", "upload the list again")
}

// record writes the import itself, the key of its hashes, what it rejected, and a digest of the rows and seals for the
// proof.
func (im *importing) record(ctx context.Context, tx pgx.Tx) (importID int64, err error) {
	if importID, err = insertImport(ctx, tx, im.importRecord()); err != nil {
		return importID, err
	}
	if im.first {
		if err := im.keys.Insert(ctx, tx, im.event.ID, im.key); err != nil {
			return importID, err
		}
	}
	if im.rejected() > 0 {
		if err := copyRepeats(ctx, tx, &im.load.again); err != nil {
			return importID, err
		}
		if err := insertRejected(ctx, tx, im.stage.table, importID); err != nil {
			return importID, err
		}
	}
	digest, err := digestImport(ctx, tx, importID)
	if err != nil {
		return importID, err
	}
	return importID, im.sealList(ctx, tx, importID, digest)
}

// sealList keeps which chunks the import has, and which imports the event has, by hashes under the event's key. There
// is no other import of the event at work.
func (im *importing) sealList(ctx context.Context, tx pgx.Tx, importID int64, digest []byte) error {
	if err := updateImportSeal(ctx, tx, importID,
		content.SealImport(im.key, importID, digest, im.load.chunks)); err != nil {
		return err
	}
	imports, err := selectSealed(ctx, tx, im.event.ID)
	if err != nil {
		return err
	}
	return updateImportsSeal(ctx, tx, im.event.ID, content.SealImports(im.key, imports))
}

func (im *importing) importRecord() Record {
	media, _ := memberlist.MediaType(im.upload.ContentType)
	return Record{
		EventID:     im.event.ID,
		CreatedBy:   im.by.Actor,
		ContentType: media,
		Header:      im.rows.Header(),
		SHA256:      im.body.sum(),
		Bytes:       im.body.bytes,
		Accepted:    im.load.accepted,
		Rejected:    im.rejected(),
		TotalAmount: im.load.amount,
		defaulted:   im.load.defaulted,
		maxAmount:   im.load.amounts.Max(),
		mark:        im.load.mark,
	}
}

// judgeTotals refuses an upload with which the event, with what was imported before, passes a limit of its type.
func (im *importing) judgeTotals() error {
	over := im.event.Type.CheckTotals(im.event.TotalCount+im.load.accepted, im.event.TotalAmount+im.load.amount)
	if over == nil {
		return nil
	}
	return obstacle.OverLimit(domain.TotalOverLimit, im.event.Type, over, "with this list the event")
}
