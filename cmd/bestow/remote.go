package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"bestow/app"
	"bestow/internal/obs"
	"bestow/money/moneyhttp"

	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	// lookEvery is how many probes lie between two looks at a ledger that is as it should be.
	lookEvery = 5
	// silentAfter is how many looks in a row a ledger may leave without an answer before it is not asked any more: it may be
	// another one by now.
	silentAfter = 3
	// lookBudget is how long a look may take.
	lookBudget = 2 * time.Second
)

// remote is who a ledger over HTTP says that it is. It is looked at again and again: what answers at an address today may be
// another ledger tomorrow, and another ledger grants again what was granted.
type remote struct {
	name         string
	client       *moneyhttp.Client
	installation string
	ledgers      func() *app.Ledgers // which is made later
	pool         *pgxpool.Pool
	probe        time.Duration
	log          *slog.Logger

	why     atomic.Pointer[error] // why it must not be asked; nil: it may be
	forgets atomic.Bool           // it does not repeat a voucher's code and PIN
	dates   dates
	silent  int // so many looks in a row were not answered; only look touches it

	nameless atomic.Bool // it has no identity, and was met so: for ever, since the keys of its grants depend on it
}

// errNotMet is the doubt about a ledger that was never looked at.
var errNotMet = errors.New("it has not said yet which ledger it is")

// errSilent is the doubt about a ledger that does not say any more which ledger it is.
var errSilent = errors.New("it does not say any more which ledger it is")

// silence is the error of a look that the ledger did not answer, or not as a ledger does.
type silence struct{ error }

func (s silence) Unwrap() error { return s.error }

func newRemote(at ledgerAddress, installation string, p *process) (*remote, error) {
	r := &remote{name: at.name, installation: installation, pool: p.pool, probe: p.probe(), log: p.log,
		ledgers: func() *app.Ledgers { return p.app.Ledgers }}
	r.why.Store(&errNotMet)
	var err error
	r.client, err = moneyhttp.NewClient(moneyhttp.ClientConfig{URL: at.url, Token: at.token, Installation: installation, Heard: r.heard})
	return r, err
}

// doubt says why the ledger must not be asked, nil if it may be.
func (r *remote) doubt() error {
	if why := r.why.Load(); why != nil {
		return *why
	}
	return nil
}

func (r *remote) forgetsSecrets() bool { return r.forgets.Load() }

// watch looks at the ledger until ctx ends.
func (r *remote) watch(ctx context.Context) {
	for ctx.Err() == nil {
		wait := r.probe
		if r.doubt() == nil && r.silent == 0 {
			wait *= lookEvery
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait):
			r.look(ctx)
		}
	}
}

// look finds out which ledger it is, and whether it may be asked. One that does not say so silentAfter times in a row is away.
func (r *remote) look(ctx context.Context) {
	bounded, cancel := context.WithTimeout(ctx, lookBudget)
	defer cancel()
	before := r.doubt()
	why, err := r.judge(bounded)
	if ctx.Err() != nil {
		return // the process ends
	}
	if _, silent := errors.AsType[silence](err); silent {
		r.silent++
	} else {
		r.silent = 0
	}
	switch {
	case err != nil && errors.Is(before, errNotMet):
		unmet := fmt.Errorf("%w: %w", errNotMet, err)
		r.why.Store(&unmet)
	case r.silent >= silentAfter && (before == nil || errors.Is(before, errSilent)):
		r.forbid(fmt.Errorf("%w: %w", errSilent, err))
	case err != nil:
	case why != nil:
		r.forbid(why)
	default:
		if before != nil {
			r.log.InfoContext(ctx, "the ledger may be asked", obs.Ledger, r.name)
		}
		r.why.Store(nil)
	}
}

// forbid lets the ledger not be asked from now on.
func (r *remote) forbid(why error) {
	if before := r.why.Swap(&why); before == nil || errors.Is(*before, errNotMet) {
		r.log.Error("the ledger is not asked: grants wait, and nothing is counted", obs.Ledger, r.name, obs.Err, why)
	}
}

// judge asks the ledger who it is. why says what of that forbids to ask it; err, that it could not be found out.
func (r *remote) judge(ctx context.Context) (why, err error) {
	earliest, err := r.now(ctx)
	if err != nil {
		return nil, err
	}
	id, err := r.client.Identity(ctx)
	if refused, ok := errors.AsType[*moneyhttp.RefusedError](err); ok && refused.Status == http.StatusNotFound {
		return r.judgeNameless(ctx)
	}
	if err != nil {
		return nil, silence{err}
	}
	latest, err := r.now(ctx)
	if err != nil {
		return nil, err
	}
	r.dates.count.Store(false)
	if why := clockOf(id.Time, id.Time, earliest, latest); why != nil {
		return why, nil
	}
	return r.judgeIdentity(ctx, id)
}

// noIdentity is noted as the id of a ledger without GET /identity.
const noIdentity = "(no identity)"

// judgeNameless judges a ledger without GET /identity: one that never had it may be asked. The keys of its grants name the
// installation, which is what keeps two installations apart there. A proxy that says 404 of everything is no ledger: it
// cannot look up a key.
func (r *remote) judgeNameless(ctx context.Context) (why, err error) {
	if _, err := r.client.LookupPoints(ctx, []string{"hello:" + r.installation}); err != nil {
		return nil, silence{fmt.Errorf("it has no GET /money/v1/identity, and no lookup: %w", err)}
	}
	known, err := r.ledgers().Meet(ctx, r.name, noIdentity)
	if err != nil {
		return nil, err
	}
	if known != noIdentity {
		return fmt.Errorf("it has no GET /money/v1/identity, where the ledger %s answered before", known), nil
	}
	r.nameless.Store(true)
	r.dates.count.Store(true)
	return r.dates.wrong(), nil
}

// judgeIdentity judges what a ledger says of itself, and is paired with it if it can be.
func (r *remote) judgeIdentity(ctx context.Context, id moneyhttp.Identity) (why, err error) {
	if id.LedgerID == "" || len(id.LedgerID) > maxLedgerID || id.LedgerID == noIdentity {
		return errors.New("its answer to GET /money/v1/identity has no ledger_id of 1 to 100 bytes"), nil
	}
	known, err := r.ledgers().Known(ctx, r.name)
	if err != nil {
		return nil, err
	}
	if known != "" && known != id.LedgerID {
		return fmt.Errorf("it is the ledger %s, and grants went to %s until now: let its address lead to that one again", id.LedgerID, known), nil
	}
	if why, err := r.pair(ctx, id); why != nil || err != nil {
		return why, err
	}
	known, err = r.ledgers().Meet(ctx, r.name, id.LedgerID)
	if err == nil && known != id.LedgerID {
		err = errNotMet // another process met another one in this moment: the next look judges
	}
	if err != nil {
		return nil, err
	}
	r.client.Mean(id.LedgerID)
	r.forgets.Store(!slices.Contains(id.Capabilities, moneyhttp.RepeatsSecrets))
	return nil, nil
}

// pair makes the ledger the one of this installation, if it can be paired and is not yet. why says that it is another's.
func (r *remote) pair(ctx context.Context, id moneyhttp.Identity) (why, err error) {
	if id.InstallationID == "" && slices.Contains(id.Capabilities, moneyhttp.Pairs) {
		if id, err = r.client.Pair(ctx); err != nil {
			return nil, silence{err}
		}
	}
	if id.InstallationID != "" && id.InstallationID != r.installation {
		return fmt.Errorf("it takes the grants of the installation %s, and this one is %s: give each installation a ledger of its own",
			id.InstallationID, r.installation), nil
	}
	return nil, nil
}

// maxLedgerID is the most bytes of a ledger's id.
const maxLedgerID = 100

// now is the time of this database, by which deadlines are told.
func (r *remote) now(ctx context.Context) (now time.Time, err error) {
	asked := time.Now()
	if err := r.pool.QueryRow(ctx, `SELECT clock_timestamp()`).Scan(&now); err != nil {
		return now, fmt.Errorf("read the database's clock: %w", err)
	}
	r.dates.anchor.Store(&anchor{now, asked, time.Now()})
	return now, nil
}
