package imports

import (
	"context"
	"errors"
	"fmt"
	"time"

	"bestow/app/command"
	"bestow/app/eventrow"
	"bestow/app/memberlist"
	"bestow/app/sheet"
	"bestow/domain"
	"bestow/domain/content"
	"bestow/internal/failpoint"
	"bestow/internal/obs"
	"bestow/internal/pg"
	"bestow/internal/pgcopy"
	"bestow/internal/places"
	"bestow/internal/seal"

	"github.com/jackc/pgx/v5"
)

// Import reads a member list into a PENDING event, all of it or nothing: the upload is staged while it comes, then put
// in order and checked against itself and the event, and in one transaction the targets, their chunks and relay jobs,
// the rejected rows and the event's totals are written. The answer for by's key is kept in the same transaction; the
// body's hash completes the key's fingerprint. Its memory does not grow with the size. A Stored upload is read where it
// is, and removed in the same transaction, unless it was a dry run or was refused.
//
// Errors: domain.NotFound, WrongStatus, ImportRunning, BadFile, UnsupportedFile, TooManyRows, AmountOverflow,
// TotalOverLimit, Unavailable, UploadEnded, MissingKeys, Undone, those of a key, and [RejectedError] with AllRejected,
// RowsRejected or TooManyRejected. What the body's own Read, or Stored, returned is wrapped. (T1)
func (s *Imports) Import(ctx context.Context, by command.Caller, eventID int64, u Upload,
) (command.Answer[Result], error) {
	im := &importing{Imports: s, by: by, upload: u}
	if u.Stored == nil {
		im.body = newBody(u.Body)
		if err := im.body.arrive(); err != nil {
			return command.Answer[Result]{}, err
		}
	}
	leave, err := s.enter(ctx, by.Actor, u.Ending)
	if err != nil {
		return command.Answer[Result]{}, err
	}
	defer leave()
	defer im.cleanUp(ctx) // when the transaction is over, committed or not
	if u.DryRun {
		by.Once = nil // nothing is kept, so nothing can be replayed
	}
	var answer command.Answer[Result]
	whole := false
	err = s.begin(ctx, func(tx pgx.Tx) (err error) {
		answer, err = command.Stream(ctx, tx, by, im.fingerprint,
			func() (Result, error) { return im.run(ctx, tx, eventID) })
		if err == nil && answer.Replayed {
			err = stillThere(ctx, tx, eventID, answer.Value.ImportID)
		}
		if err == nil {
			err = im.stillWanted(ctx, tx, eventID)
		}
		whole = err == nil
		return err
	})
	if err != nil && whole {
		err = s.lostCommit(ctx, eventID, answer.Value, err)
	}
	if err != nil {
		return command.Answer[Result]{}, cancelled(ctx, im.whyEnded(ctx, eventID, err))
	}
	s.learn(ctx, answer.Value)
	return answer, failpoint.Hit(ctx, failpoint.ImportAfterCommit)
}

// fingerprint completes that of the request by the bytes that came with it. A Stored upload stands in the request by
// its id, whose bytes never change, and is gone once it is imported.
func (im *importing) fingerprint() ([]byte, error) {
	if im.upload.Stored != nil {
		return im.by.Once.Fingerprint, nil
	}
	return im.body.fingerprint(im.by.Once.Fingerprint)
}

// connectionWait is the time that an import waits for a connection; from then on it takes as long as its upload does.
const connectionWait = 15 * time.Second

// begin runs fn in a transaction, on a connection that it does not wait for without end.
func (s *Imports) begin(ctx context.Context, fn func(pgx.Tx) error) error {
	waiting, cancel := context.WithTimeout(ctx, connectionWait)
	defer cancel()
	conn, err := s.pool.Acquire(waiting)
	if err != nil {
		return fmt.Errorf("connect for import: %w", err)
	}
	defer conn.Release()
	return pgx.BeginFunc(ctx, conn, fn)
}

// placeWait is the time that an upload waits for a place. A small list takes a fraction of a second, so that hundreds
// have their turn in it, and most clients wait longer for an answer.
const placeWait = 45 * time.Second

// enter takes one of the process's places for imports. Each holds a connection for as long as its upload lasts, which a
// slow client decides, so that they must not be all of them.
func (s *Imports) enter(ctx context.Context, owner string, ending <-chan struct{}) (leave func(), err error) {
	leave, err = s.places.Take(ctx, owner, places.Wait{AtMost: s.wait, Ending: ending})
	const hint = "upload it again in a minute"
	switch {
	case errors.Is(err, places.ErrStopping):
		err = domain.UnavailableError("this process stops", "upload the list again")
	case errors.Is(err, places.ErrShare):
		err = domain.UnavailableError("too many of your lists are being imported", hint)
	case errors.Is(err, places.ErrFull):
		err = domain.UnavailableError("too many lists are being imported", hint)
	case errors.Is(err, places.ErrQueue):
		err = domain.UnavailableError("too many lists wait to be imported", hint)
	}
	return leave, err
}

// learnFrom is the number of targets that an import adds before the planner is told: to statistics that do not know an
// event, every index that begins with it looks the same, and a wrong one reads the whole event for each chunk.
const learnFrom = 5000

// learn has the default partition analyzed after a large import into it. The import is committed: what goes wrong here
// costs time later, until autovacuum's analyze runs.
func (s *Imports) learn(ctx context.Context, r Result) {
	if r.ImportID == 0 || r.Accepted < learnFrom {
		return
	}
	if err := analyzeDefault(ctx, s.pool, r.ImportID); err != nil {
		s.log.WarnContext(ctx, "statistics of the targets are old", obs.Err, err)
	}
}

// lostCommit finds out whether an import was committed whose COMMIT got no answer: as long as the server is at work on
// it, it holds the import lock.
func (s *Imports) lostCommit(ctx context.Context, eventID int64, result Result, lost error) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	err := pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		if err := pg.Lock(ctx, tx, pg.Import, eventID); err != nil {
			return err
		}
		_, err := selectImport(ctx, tx, eventID, result.ImportID)
		return err
	})
	if err != nil {
		return fmt.Errorf("commit import: %w", lost)
	}
	return nil
}

// importing is one import at work.
type importing struct {
	*Imports
	by     command.Caller
	upload Upload
	body   *body
	said   []byte // the hash of the bytes as their sender says; nil for none

	event domain.Event
	began time.Time // by the database's clock; zero before its transaction began
	own   *bool     // whether the event's targets live in a partition of their own; nil before its first import
	rows  memberlist.Reader
	stage *stage
	read  stageCounts
	load  *load
	key   *seal.Key // of the chunks' hashes
	first bool      // the key was made by this import, and is to be kept
}

// cleanUp leaves a stage that cannot be dropped now to the next import.
func (im *importing) cleanUp(ctx context.Context) {
	if im.stage == nil {
		return
	}
	if err := im.stage.close(ctx, im.pool); err != nil {
		im.log.WarnContext(ctx, "stage not dropped", obs.EventID, im.event.ID, obs.Err, err)
	}
}

func (im *importing) run(ctx context.Context, tx pgx.Tx, eventID int64) (Result, error) {
	if err := setUpImport(ctx, tx); err != nil {
		return Result{}, err
	}
	var err error
	if im.began, err = pg.Now(ctx, tx); err != nil { // before the lock, with which it can be ended
		return Result{}, err
	}
	if err := im.lockEvent(ctx, tx, eventID); err != nil {
		return Result{}, err
	}
	if err := im.openStored(ctx); err != nil {
		return Result{}, err
	}
	if err := im.guarded(ctx, tx, im.readUpload); err != nil {
		return Result{}, err
	}
	if err := im.writeTargets(ctx, tx); err != nil {
		return Result{}, err
	}
	if err := im.judge(ctx, tx); err != nil {
		return Result{}, err
	}
	result := Result{
		Accepted: im.load.accepted, Rejected: im.rejected(), TotalAmount: im.load.amount,
		Unit: im.event.Type.Unit,
	}
	if result.Warnings, err = im.listsBefore(ctx, tx); err != nil {
		return result, err
	}
	if !im.upload.DryRun {
		if err := im.keep(ctx, tx, &result); err != nil {
			return result, err
		}
	}
	return im.finish(ctx, tx, result)
}

// keep writes the import and what belongs to it.
func (im *importing) keep(ctx context.Context, tx pgx.Tx, result *Result) (err error) {
	result.EventID = im.event.ID
	if im.upload.Stored != nil { // before the gate, since it may be large
		if err := im.upload.Stored.Remove(ctx, tx); err != nil {
			return fmt.Errorf("remove upload: %w", err)
		}
	}
	if result.ImportID, err = im.record(ctx, tx); err != nil {
		return err
	}
	if err := im.addToEvent(ctx, tx, result.ImportID); err != nil {
		return err
	}
	return command.Record(ctx, tx, im.by, command.Change{
		Action: "import.add", EventID: im.event.ID,
		Object: fmt.Sprintf("import %d of event %d", result.ImportID, im.event.ID),
		After:  importFacts{result.ImportID, result.Accepted, result.Rejected, result.TotalAmount},
	})
}

// importFacts holds what the audit shows of an import.
type importFacts struct {
	ImportID    int64 `json:"import_id"`
	Accepted    int   `json:"accepted"`
	Rejected    int   `json:"rejected"`
	TotalAmount int64 `json:"total_amount"`
}

// lockEvent makes this the event's only import until the transaction ends. A start that meets the lock is refused.
func (im *importing) lockEvent(ctx context.Context, tx pgx.Tx, eventID int64) error {
	free, err := pg.TryLock(ctx, tx, pg.Import, eventID)
	if err != nil {
		return err
	}
	if im.event, err = eventrow.Select(ctx, tx, eventID); err != nil {
		return err
	}
	if im.event.Status != domain.Pending {
		return notPending(im.event.Status)
	}
	if !free {
		return domain.ImportRunningError("another import of this event, or its start, is under way",
			"wait until it is done, then import this list")
	}
	if im.own, err = selectOwnPartition(ctx, tx, eventID); err != nil {
		return err
	}
	im.key, im.first, err = im.keys.ForImport(ctx, tx, eventID)
	return err
}

// notPending refuses an import into an event that has begun.
func notPending(status domain.Status) error {
	return domain.WrongStatusError(
		status,
		"the event is "+string(status)+", so its members are settled",
		"make a new event for further members",
	)
}

// readUpload reads the whole upload into a stage.
func (im *importing) readUpload(ctx context.Context) (err error) {
	list, done, err := im.openList(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	im.rows = list
	if im.stage, err = openStage(ctx, im.pool, im.event.ID); err != nil {
		return err
	}
	if err := failpoint.Hit(ctx, failpoint.ImportStageMade); err != nil {
		return err
	}
	if im.read, err = im.stage.fill(ctx, im.rows, im.event, im.sizes); err != nil {
		return err
	}
	if im.read.staged+im.read.rejected == 0 {
		return memberlist.Empty("the file has no rows")
	}
	if err := im.checkSum(); err != nil {
		return err
	}
	return failpoint.Hit(ctx, failpoint.ImportStaged)
}

// openList begins to read the upload in its format. done ends it.
func (im *importing) openList(ctx context.Context) (list memberlist.Reader, done func() error, err error) {
	if err := im.settleType(); err != nil {
		return nil, nil, err
	}
	media, _ := memberlist.MediaType(im.upload.ContentType)
	if media != sheet.MediaType {
		list, err = memberlist.Open(im.upload.ContentType, im.body, im.event.DefaultAmount, im.event.Type.CheckAmount)
		return list, func() error { return nil }, err
	}
	s, err := sheet.Open(ctx, im.body, im.upload.Sheet, sheet.DefaultLimits(), im.event.DefaultAmount,
		im.event.Type.CheckAmount)
	if err != nil {
		return nil, nil, err
	}
	return s, s.Close, nil
}

// writeTargets copies the stage in order to where the event's targets live.
func (im *importing) writeTargets(ctx context.Context, tx pgx.Tx) (err error) {
	first := int64(1)
	keeps := im.keeps()
	if keeps {
		if first, err = im.reserve(ctx); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var hasher *content.Hasher
	if keeps {
		hasher = content.NewHasher(im.key.NewHMAC())
	}
	if im.load, err = im.openLoad(ctx, im.stage, im.event, im.own, im.read, first, hasher); err != nil {
		return err
	}
	if !keeps {
		return im.load.discard()
	}
	into, err := im.targetTable(ctx, tx)
	if err != nil {
		return err
	}
	if err := pgcopy.CopyIn(ctx, tx.Conn(), copyTargets(into), im.load.next); err != nil {
		return err
	}
	return failpoint.Hit(ctx, failpoint.ImportTargets)
}

// reserve takes an id for each row of the stage, for good: even if the import fails, no other import gets them.
func (im *importing) reserve(ctx context.Context) (first int64, err error) {
	if first, err = reserveIDs(ctx, im.stage.conn, im.event.Type, im.read.staged); err != nil {
		return 0, err
	}
	return first, failpoint.Hit(ctx, failpoint.ImportIDsReserved)
}

// keeps reports whether there is anything left to be written.
func (im *importing) keeps() bool {
	refused := im.upload.OnReject == Abort && im.read.rejected > 0 || im.read.rejected >= im.sizes.MaxRejected
	return im.read.staged > 0 && !im.upload.DryRun && !refused
}

// opensPartition reports whether this is the event's first import, and large. It is decided once in an event's life:
// rows never move from one partition to another.
func (im *importing) opensPartition() bool {
	return im.own == nil && im.read.staged >= im.sizes.OwnPartition
}
