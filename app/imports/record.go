package imports

import (
	"context"

	"bestow/app/memberlist"
	"bestow/domain/content"

	"github.com/jackc/pgx/v5"
)

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
		CreatedBy:   im.actor,
		ContentType: media,
		Header:      im.rows.Header(),
		SHA256:      im.body.sum(),
		Bytes:       im.body.bytes,
		Accepted:    im.load.accepted,
		Rejected:    im.rejected(),
		TotalAmount: im.load.amount,
		Defaulted:   im.load.defaulted,
		MaxAmount:   im.load.maxAmount,
		mark:        im.load.mark,
	}
}
