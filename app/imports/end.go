package imports

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"bestow/app/command"
	"bestow/app/eventrow"
	"bestow/domain"
	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
)

const (
	// endWait is the time that EndImport waits until the event is free, and endPoll how often it looks.
	endWait = 5 * time.Second
	endPoll = 50 * time.Millisecond
	// guardPause says how often an upload that is read looks after the transaction that it is read for.
	guardPause = time.Second
)

// EndImport ends the import of an event that is under way in any process: its transaction is rolled back, and its
// sender gets domain.UploadEnded. It returns when the event is free for another import. Errors: domain.NotFound for the
// event, and where no import of it is under way, or where it is done by then.
func (s *Imports) EndImport(ctx context.Context, by command.Caller, eventID int64) error {
	backend, err := pg.ValueWithin(ctx, s.pool, endWait, func(tx pgx.Tx) (int, error) {
		// An import that has this lock commits. Each other one sees what is written here, and does not.
		if err := pg.Lock(ctx, tx, pg.End, eventID); err != nil {
			return 0, err
		}
		if _, err := eventrow.Select(ctx, tx, eventID); err != nil {
			return 0, err
		}
		backend, err := selectImporter(ctx, tx, eventID)
		if err != nil || backend == 0 {
			return 0, errors.Join(err, noImport(eventID))
		}
		// committed first: the sender reads it when its transaction breaks
		if err := upsertEnded(ctx, tx, eventID, by.Actor); err != nil {
			return 0, err
		}
		return backend, command.Record(ctx, tx, by, command.Change{Action: "import.end", EventID: eventID})
	})
	if err != nil {
		return err
	}
	return s.endBackend(ctx, eventID, backend)
}

// stillWanted is the last step of an import before it commits. Error: domain.UploadEnded if a person has ended it. From
// here on EndImport waits for the commit, and finds the import done.
func (im *importing) stillWanted(ctx context.Context, tx pgx.Tx, eventID int64) error {
	if im.began.IsZero() || im.upload.DryRun {
		return nil // it adds nothing
	}
	if err := pg.Lock(ctx, tx, pg.End, eventID); err != nil {
		return err
	}
	by, err := selectEnded(ctx, tx, eventID, im.began)
	if err == nil && by != "" {
		err = domain.UploadEndedError(by)
	}
	return err
}

func noImport(eventID int64) error {
	return domain.NotFoundError(fmt.Sprintf("no import of event %d is under way", eventID),
		fmt.Sprintf("it may have ended: `bestow targets list %d` lists the imports of the event; an upload that waits "+
			"for its turn begins within 45 seconds, and can be ended then", eventID))
}

// endBackend ends the backend as long as it works on the event's import, and waits until it does no more.
func (s *Imports) endBackend(ctx context.Context, eventID int64, backend int) error {
	deadline := time.Now().Add(endWait)
	for {
		ended, err := pg.Value(ctx, s.pool,
			func(tx pgx.Tx) (bool, error) { return terminateImporter(ctx, tx, eventID, backend) })
		if err != nil || ended {
			return err
		}
		if time.Now().After(deadline) {
			return domain.UnavailableError("the import was told to end, and is still at work",
				"ask again in a few seconds")
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(endPoll):
		}
	}
}

// guarded runs read, and looks meanwhile whether the import's transaction is still there: without it all that the
// client sends is of no use. tx is not used by read.
func (im *importing) guarded(ctx context.Context, tx pgx.Tx, read func(context.Context) error) error {
	if im.upload.Interrupt == nil {
		return read(ctx)
	}
	reading, cancel := context.WithCancel(ctx) // a spreadsheet that is here is still to be read
	defer cancel()
	var wg sync.WaitGroup
	done := make(chan struct{})
	var broken error
	wg.Go(func() {
		for tick := time.NewTicker(guardPause); ; {
			select {
			case <-done:
				tick.Stop()
				return
			case <-tick.C:
			}
			if broken = pingQuickly(ctx, tx); broken != nil {
				im.upload.Interrupt()
				cancel()
				return
			}
		}
	})
	err := read(reading)
	close(done)
	wg.Wait()
	if broken != nil {
		return fmt.Errorf("hold transaction of import: %w", broken)
	}
	return err
}

// pingQuickly fails where the connection is gone, or does not answer within endWait.
func pingQuickly(ctx context.Context, tx pgx.Tx) error {
	ctx, cancel := context.WithTimeout(ctx, endWait)
	defer cancel()
	return tx.Conn().Ping(ctx)
}

// cancelled returns err as the end of ctx where that is the cause: a connection that ctx has closed under a COPY may
// say only that it is closed.
func cancelled(ctx context.Context, err error) error {
	_, told := errors.AsType[*domain.Error](err)
	if cause := ctx.Err(); cause != nil && !told && !errors.Is(err, cause) {
		return fmt.Errorf("%w: %w", cause, err)
	}
	return err
}

// whyEnded returns domain.UploadEnded if EndImport ended the import, and err itself otherwise.
func (im *importing) whyEnded(ctx context.Context, eventID int64, err error) error {
	if _, told := errors.AsType[*domain.Error](err); told || im.began.IsZero() {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endWait) // an interrupted request is cancelled
	defer cancel()
	by, readErr := pg.Value(ctx, im.pool,
		func(tx pgx.Tx) (string, error) { return selectEnded(ctx, tx, eventID, im.began) })
	if readErr != nil || by == "" {
		return err
	}
	return domain.UploadEndedError(by)
}
