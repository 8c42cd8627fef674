package ledgers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"bestow/app/grants"
	"bestow/app/processes"
	"bestow/cmd/bestow/settings"
	"bestow/domain"
	"bestow/internal/english"
	"bestow/money"
	"bestow/money/breaker"
	"bestow/money/moneydb"

	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"
)

// Ledger is a ledger that event types may name as their granter.
type Ledger struct {
	name         string
	installation string
	gate         *breaker.Breaker
	remote       *remote         // nil: it is in this process
	own          *moneydb.Ledger // nil: it is asked over HTTP
	calls        calls
}

// InProcess reports whether our ledger is that of this database, in this process.
func (g Granter) InProcess() bool {
	l := g[domain.OurGranter]
	return l != nil && l.own != nil
}

// IsRemote reports whether the ledger is asked over HTTP.
func (l *Ledger) IsRemote() bool { return l.remote != nil }

// keyPrefix begins the keys of the grants. A ledger that is not ours, or that cannot be paired with an installation,
// may grant for others too: there keys name the installation.
func (l *Ledger) keyPrefix() string {
	if l.name == domain.OurGranter && (l.remote == nil || !l.remote.withoutIdentity.Load()) {
		return ""
	}
	return l.installation + ":"
}

// blocked returns why the ledger must not be asked, however well it answers: it is not the one that it was.
func (l *Ledger) blocked() error {
	if l.remote == nil {
		return nil
	}
	return l.remote.blocked()
}

// away says why the ledger should not be asked now, nil if it may be.
func (l *Ledger) away() error {
	if err := l.blocked(); err != nil {
		return err
	}
	return l.gate.Away()
}

// Unavailable returns why the ledger is blocked or away, whether or not a call may look for it just now.
func (l *Ledger) Unavailable() error {
	if err := l.blocked(); err != nil {
		return err
	}
	return l.gate.Unavailable()
}

// Problem says for people why the ledger is not available, "" if it is.
func (l *Ledger) Problem() string {
	switch err := l.blocked(); {
	case errors.Is(err, errUnidentified):
		return "the ledger " + l.name + " does not answer: " + english.OneLine(err.Error())
	case err != nil:
		return "the ledger " + l.name + " is not asked: " + english.OneLine(err.Error())
	}
	if l.gate.Unavailable() != nil {
		return "the ledger " + l.name + " does not answer: " + english.OneLine(l.gate.Cause().Error())
	}
	return ""
}

// forgetsSecrets reports whether the ledger says of itself that it does not repeat a voucher's code and PIN.
func (l *Ledger) forgetsSecrets() bool { return l.remote != nil && l.remote.forgetsSecrets() }

func (l *Ledger) ask(ctx context.Context, t domain.EventType, deadline time.Time,
	items []money.Item,
) ([]money.Answer, error) {
	switch t.Operation {
	case domain.Points:
		return l.gate.GrantPoints(ctx, deadline, items)
	case domain.Vouchers:
		return l.gate.GrantVouchers(ctx, deadline, items)
	}
	return nil, fmt.Errorf("%w: event type %s has operation %q", grants.ErrNotApplied, t.Code, t.Operation)
}

// Config says which ledgers there are.
type Config struct {
	Installation string                              // the id of the installation that asks
	Over         []settings.LedgerAddress            // the ledgers that are asked over HTTP
	Own          *moneydb.Ledger                     // of this database: that of the granter money, if Over has none; nil: not asked
	Before       func(breaker.Ledger) breaker.Ledger // stands before each ledger; nil: nothing does
	Pool         *pgxpool.Pool
	Probe        time.Duration // the pause between two calls of a ledger that is away
	Log          *slog.Logger
}

// breaker returns what leaves the ledger alone while it is away.
func (c Config) breaker(name string, l breaker.Ledger) (*breaker.Breaker, error) {
	return breaker.New(breaker.Config{Name: name, Ledger: c.Before(l), Probe: c.Probe, Log: c.Log})
}

// New returns the ledgers that event types may name. Close them.
func New(c Config) (Granter, error) {
	if c.Before == nil {
		c.Before = func(l breaker.Ledger) breaker.Ledger { return l }
	}
	g := Granter{}
	for _, at := range c.Over {
		l := &Ledger{name: at.Name, installation: c.Installation, calls: callsOf(at.Limits)}
		var err error
		if l.remote, err = newRemote(at, c); err != nil {
			g.Close()
			return nil, fmt.Errorf("%s: %w", at.Setting, err)
		}
		g[at.Name] = l
		if l.gate, err = c.breaker(at.Name, l.remote.client); err != nil {
			g.Close()
			return nil, fmt.Errorf("%s: %w", at.Setting, err)
		}
	}
	if g[domain.OurGranter] == nil && c.Own != nil {
		gate, err := c.breaker(domain.OurGranter, c.Own)
		if err != nil {
			g.Close()
			return nil, err
		}
		g[domain.OurGranter] = &Ledger{name: domain.OurGranter, installation: c.Installation, gate: gate, own: c.Own}
	}
	return g, nil
}

// Close ends the connections to the ledgers.
func (g Granter) Close() {
	for _, l := range g {
		if l.remote != nil {
			l.remote.client.Close()
		}
	}
}

// Watch checks the ledgers that are asked over HTTP until ctx ends.
func (g Granter) Watch(ctx context.Context, group *errgroup.Group) {
	for _, l := range g {
		if l.remote != nil {
			group.Go(func() error {
				l.remote.watch(ctx)
				return nil
			})
		}
	}
}

// Meet finds out which ledgers the names lead to, before anything is granted: a handler asks no ledger that is another
// than it was. It waits for no ledger that does not answer: watch finds out later. The ledger of this database is
// refused at once, since only a person can help.
func (g Granter) Meet(ctx context.Context, known *processes.Ledgers) error {
	g.MeetOthers(ctx, known)
	for _, l := range g {
		if l.remote != nil {
			continue
		}
		if err := l.meetOwn(ctx, known); err != nil {
			return err
		}
	}
	return nil
}

// MeetOthers is Meet for the ledgers that are asked over HTTP.
func (g Granter) MeetOthers(ctx context.Context, known *processes.Ledgers) {
	for _, l := range g {
		if l.remote != nil {
			l.remote.ledgers = known
			l.remote.check(ctx)
		}
	}
}

// meetOwn pairs the ledger of this database with its installation. Keys in another ledger would be unknown to it, so a
// name that has led elsewhere does not lead here.
func (l *Ledger) meetOwn(ctx context.Context, ledgers *processes.Ledgers) error {
	id, err := l.own.Pair(ctx, l.installation)
	if err != nil {
		return fmt.Errorf("meet the ledger of this database: %w: if the database is a copy, "+
			"`bestow installation new` gives it a ledger of its own", err)
	}
	known, err := ledgers.Meet(ctx, l.name, id.ID)
	if err != nil {
		return err
	}
	if known != id.ID {
		return fmt.Errorf("grants went to the ledger %s until now, and the one in this database is %s, "+
			"which does not know them: set BESTOW_MONEY_URL to where that ledger is", known, id.ID)
	}
	return nil
}
