package imports

import (
	"context"
	"fmt"

	"bestow/app/command"
	"bestow/app/eventrow"
	"bestow/domain"
	"bestow/domain/content"
	"bestow/internal/pg"
	"bestow/outbox"

	"github.com/jackc/pgx/v5"
)

// TakeBack removes an import from a PENDING event, with its targets, its jobs and its rejected rows: what is left is
// the event as the other imports made it. It takes as long as the targets take. Errors: domain.NotFound for the event
// and the import, WrongStatus once the event has started, ImportRunning, ContentChanged, MissingKeys, and those of a
// key.
func (s *Imports) TakeBack(ctx context.Context, by command.Caller, eventID, importID int64) error {
	_, err := command.Run(ctx, s.pool, by, command.Command[struct{}]{
		Do: func(tx pgx.Tx) (struct{}, error) { return struct{}{}, s.takeBack(ctx, tx, by, eventID, importID) },
	})
	return err
}

func (s *Imports) takeBack(ctx context.Context, tx pgx.Tx, by command.Caller, eventID, importID int64) error {
	if _, err := tx.Exec(ctx, `SET LOCAL statement_timeout = 0`); err != nil { // a million targets take seconds
		return fmt.Errorf("set up: %w", err)
	}
	e, err := s.lockPending(ctx, tx, eventID)
	if err != nil {
		return err
	}
	r, err := selectImport(ctx, tx, eventID, importID)
	if err != nil {
		return err
	}
	if err := outbox.DiscardImport(ctx, tx, eventID, importID); err != nil {
		return err
	}
	if err := deleteImport(ctx, tx, e, importID); err != nil {
		return err
	}
	if err := subtractTotals(ctx, tx, e.ID, r); err != nil {
		return err
	}
	if err := s.sealRest(ctx, tx, eventID); err != nil {
		return err
	}
	if err := recordDeleted(ctx, tx, r, by.Actor); err != nil {
		return err
	}
	return command.Record(ctx, tx, by, command.Change{
		Action: "import.take_back", EventID: eventID, Object: fmt.Sprintf("import %d of event %d", importID, eventID),
		Before: importFacts{r.ID, r.Accepted, r.Rejected, r.TotalAmount},
	})
}

// lockPending excludes imports, enters the gate, and refuses an event that has started.
func (s *Imports) lockPending(ctx context.Context, tx pgx.Tx, eventID int64) (domain.Event, error) {
	free, err := pg.TryLock(ctx, tx, pg.Import, eventID)
	if err != nil {
		return domain.Event{}, err
	}
	if err := pg.Lock(ctx, tx, pg.Gate, eventID); err != nil {
		return domain.Event{}, err
	}
	e, err := eventrow.Select(ctx, tx, eventID)
	switch {
	case err != nil:
		return e, err
	case e.Status != domain.Pending || e.Summary.StartedAt != nil:
		return e, domain.WrongStatusError(e.Status,
			"the event is "+string(e.Status)+", so its imports cannot be taken back any more",
			"only a PENDING event lets an import be taken back")
	case !free:
		return e, domain.ImportRunningError("an import of this event is under way", "wait until it is done, or end it")
	}
	return e, nil
}

// sealRest keeps which imports the event still has. An event without any import has no key either: the next one makes a
// new one.
func (s *Imports) sealRest(ctx context.Context, tx pgx.Tx, eventID int64) error {
	left, keyed, err := countImports(ctx, tx, eventID)
	if err != nil || !keyed {
		return err
	}
	if left == 0 {
		return deleteKey(ctx, tx, eventID)
	}
	sealed, err := selectSealed(ctx, tx, eventID)
	if err != nil || len(sealed) == 0 {
		return err
	}
	key, err := s.keys.Key(ctx, tx, eventID)
	if err != nil {
		return err
	}
	return updateImportsSeal(ctx, tx, eventID, content.SealImports(key, sealed))
}

// stillThere returns domain.Undone for an import that a person took back, alone or with its event.
func stillThere(ctx context.Context, tx pgx.Tx, eventID, importID int64) error {
	_, err := selectImport(ctx, tx, eventID, importID)
	return command.StillThere(err, fmt.Sprintf("import %d", importID))
}
