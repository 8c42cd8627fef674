package ledgers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"bestow/app/processes"
	"bestow/cmd/bestow/settings"
	"bestow/internal/obs"
	"bestow/money/moneyclient"
	"bestow/money/moneyhttp/wire"

	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	// checkEvery says how many probes lie between two checks of a ledger that may be asked.
	checkEvery = 5
	// maxFailures is after how many checks in a row without an answer the ledger is not asked any more: it may be
	// another one by now.
	maxFailures = 3
	// checkTimeout is the time that a check may take.
	checkTimeout = 2 * time.Second
)

// remote is a ledger over HTTP, whose identity is checked again and again: another ledger may answer at its address
// tomorrow, and would grant again what was granted.
type remote struct {
	name         string
	client       *moneyclient.Client
	installation string
	ledgers      *processes.Ledgers // nil until it is met
	pool         *pgxpool.Pool
	probe        time.Duration
	log          *slog.Logger

	reason   atomic.Pointer[error] // why it must not be asked; nil: it may be
	forgets  atomic.Bool           // it does not repeat a voucher's code and PIN
	dates    dates
	failures int // of the last checks in a row that it did not answer; only check touches it

	withoutIdentity atomic.Bool // it has no identity, and was met so: for ever, since the keys of its grants depend on it
}

// errUnchecked blocks a ledger until the first check.
var errUnchecked = errors.New("it has not said yet which ledger it is")

// errUnidentified blocks a ledger that does not say any more which ledger it is.
var errUnidentified = errors.New("it does not say any more which ledger it is")

// checkError is the error of a check that the ledger did not answer, or not as a ledger does.
type checkError struct{ error }

func (e checkError) Unwrap() error { return e.error }

func newRemote(at settings.LedgerAddress, c Config) (*remote, error) {
	r := &remote{name: at.Name, installation: c.Installation, pool: c.Pool, probe: c.Probe, log: c.Log}
	r.reason.Store(&errUnchecked)
	var err error
	r.client, err = moneyclient.New(moneyclient.Config{
		URL: at.URL, Token: at.Token, Installation: c.Installation,
		OnDate: r.checkDate,
	})
	return r, err
}

// blocked returns why the ledger must not be asked, nil if it may be.
func (r *remote) blocked() error {
	if why := r.reason.Load(); why != nil {
		return *why
	}
	return nil
}

func (r *remote) forgetsSecrets() bool { return r.forgets.Load() }

// watch checks the ledger until ctx ends.
func (r *remote) watch(ctx context.Context) {
	for ctx.Err() == nil {
		wait := r.probe
		if r.blocked() == nil && r.failures == 0 {
			wait *= checkEvery
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait):
			r.check(ctx)
		}
	}
}

// check finds out which ledger it is, and whether it may be asked. After maxFailures checks without an answer it counts
// as away.
func (r *remote) check(ctx context.Context) {
	bounded, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	before := r.blocked()
	why, err := r.identify(bounded)
	if ctx.Err() != nil {
		return // the process ends
	}
	if _, unanswered := errors.AsType[checkError](err); unanswered {
		r.failures++
	} else {
		r.failures = 0
	}
	switch {
	case err != nil && errors.Is(before, errUnchecked):
		unmet := fmt.Errorf("%w: %w", errUnchecked, err)
		r.reason.Store(&unmet)
	case r.failures >= maxFailures && (before == nil || errors.Is(before, errUnidentified)):
		r.block(fmt.Errorf("%w: %w", errUnidentified, err))
	case err != nil:
	case why != nil:
		r.block(why)
	default:
		if before != nil {
			r.log.InfoContext(ctx, "the ledger may be asked", obs.Ledger, r.name)
		}
		r.reason.Store(nil)
	}
}

// block lets the ledger not be asked until a check ends well.
func (r *remote) block(why error) {
	if before := r.reason.Swap(&why); before == nil || errors.Is(*before, errUnchecked) {
		r.log.Error("the ledger is not asked: grants wait, and nothing is counted", obs.Ledger, r.name, obs.Err, why)
	}
}

// identify asks the ledger for its identity. why says why it must not be asked; err, that it could not be found out.
func (r *remote) identify(ctx context.Context) (why, err error) {
	earliest, err := r.databaseTime(ctx)
	if err != nil {
		return nil, err
	}
	id, err := r.client.Identity(ctx)
	if refused, ok := errors.AsType[*moneyclient.RefusedError](err); ok && refused.Status == http.StatusNotFound {
		return r.checkWithoutIdentity(ctx)
	}
	if err != nil {
		return nil, checkError{err}
	}
	latest, err := r.databaseTime(ctx)
	if err != nil {
		return nil, err
	}
	r.dates.count.Store(false)
	if why := skewOf(id.Time, id.Time, earliest, latest); why != nil {
		return why, nil
	}
	return r.checkIdentity(ctx, id)
}

// noIdentity is noted as the id of a ledger without GET /identity.
const noIdentity = "(no identity)"

// checkWithoutIdentity checks a ledger without GET /identity: one that never had it may be asked. The keys of its
// grants name the installation, which keeps two installations apart there.
func (r *remote) checkWithoutIdentity(ctx context.Context) (why, err error) {
	if err := r.canLookUp(ctx); err != nil {
		return nil, checkError{err}
	}
	known, err := r.ledgers.Meet(ctx, r.name, noIdentity)
	if err != nil {
		return nil, err
	}
	if known != noIdentity {
		return lostIdentity(known), nil
	}
	r.withoutIdentity.Store(true)
	r.dates.count.Store(true)
	return r.dates.skew(), nil
}

// canLookUp returns why something without GET /identity is no ledger: a proxy that says 404 of everything cannot look
// up a key.
func (r *remote) canLookUp(ctx context.Context) error {
	if _, err := r.client.LookupPoints(ctx, []string{"hello:" + r.installation}); err != nil {
		return fmt.Errorf("it has no GET /money/v1/identity, and no lookup: %w", err)
	}
	return nil
}

// checkIdentity checks what a ledger says of itself, and pairs it with this installation if it can be paired.
func (r *remote) checkIdentity(ctx context.Context, id wire.Identity) (why, err error) {
	if id.LedgerID == "" || len(id.LedgerID) > maxLedgerID || id.LedgerID == noIdentity {
		return errors.New("its answer to GET /money/v1/identity has no ledger_id of 1 to 100 bytes"), nil
	}
	known, err := r.ledgers.Known(ctx, r.name)
	if err != nil {
		return nil, err
	}
	if known != "" && known != id.LedgerID {
		return anotherLedger(id.LedgerID, known), nil
	}
	if why, err := r.pair(ctx, id); why != nil || err != nil {
		return why, err
	}
	known, err = r.ledgers.Meet(ctx, r.name, id.LedgerID)
	if err == nil && known != id.LedgerID {
		err = errUnchecked // another process met another one in this moment: the next check says which
	}
	if err != nil {
		return nil, err
	}
	r.client.Expect(id.LedgerID)
	r.forgets.Store(!slices.Contains(id.Capabilities, wire.RepeatsSecrets))
	return nil, nil
}

// pair makes the ledger the one of this installation, if it can be paired and is not yet. why says that it is
// another's.
func (r *remote) pair(ctx context.Context, id wire.Identity) (why, err error) {
	if id.InstallationID == "" && slices.Contains(id.Capabilities, wire.Pairs) {
		if id, err = r.client.Pair(ctx); err != nil {
			return nil, checkError{err}
		}
	}
	if id.InstallationID != "" && id.InstallationID != r.installation {
		return r.anothers(id.InstallationID), nil
	}
	return nil, nil
}

// maxLedgerID is the most bytes of a ledger's id.
const maxLedgerID = 100

// databaseTime returns the time of this database, by which deadlines are told.
func (r *remote) databaseTime(ctx context.Context) (now time.Time, err error) {
	asked := time.Now()
	if err := r.pool.QueryRow(ctx, `SELECT clock_timestamp()`).Scan(&now); err != nil {
		return now, fmt.Errorf("read the database's clock: %w", err)
	}
	r.dates.anchor.Store(&anchor{now, asked, time.Now()})
	return now, nil
}
