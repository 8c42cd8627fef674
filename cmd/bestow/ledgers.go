package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"bestow/app"
	"bestow/cmd/bestow/settings"
	"bestow/domain"
	"bestow/internal/english"
	"bestow/money"
	"bestow/money/breaker"
	"bestow/money/moneyhttp"
	"bestow/outbox"

	"golang.org/x/sync/errgroup"
)

// namedLedger is a ledger that event types may name as their granter.
type namedLedger struct {
	name         string
	installation string
	gate         *breaker.Breaker
	remote       *remote // nil: it is in this process
}

// keyPrefix begins the keys of the grants. A ledger that is not ours, or that cannot be paired with an installation, may grant
// for others too: there keys name the installation.
func (l *namedLedger) keyPrefix() string {
	if l.name == settings.OurLedger && (l.remote == nil || !l.remote.withoutIdentity.Load()) {
		return ""
	}
	return l.installation + ":"
}

// blocked returns why the ledger must not be asked, however well it answers: it is not the one that it was.
func (l *namedLedger) blocked() error {
	if l.remote == nil {
		return nil
	}
	return l.remote.blocked()
}

// away says why the ledger should not be asked now, nil if it may be.
func (l *namedLedger) away() error {
	if err := l.blocked(); err != nil {
		return err
	}
	return l.gate.Away()
}

// unavailable returns why the ledger is blocked or away, whether or not a call may look for it just now.
func (l *namedLedger) unavailable() error {
	if err := l.blocked(); err != nil {
		return err
	}
	return l.gate.Unavailable()
}

// problem says for people why the ledger is not available, "" if it is.
func (l *namedLedger) problem() string {
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
func (l *namedLedger) forgetsSecrets() bool { return l.remote != nil && l.remote.forgetsSecrets() }

func (l *namedLedger) ask(ctx context.Context, t domain.EventType, deadline time.Time, items []money.Item) ([]money.Answer, error) {
	switch t.Operation {
	case domain.Points:
		return l.gate.GrantPoints(ctx, deadline, items)
	case domain.Vouchers:
		return l.gate.GrantVouchers(ctx, deadline, items)
	}
	return nil, fmt.Errorf("%w: event type %s has operation %q", app.ErrNotApplied, t.Code, t.Operation)
}

// wireLedgers makes the ledgers that event types may name: ours, in process or at BESTOW_MONEY_URL, and those of
// BESTOW_GRANTERS.
func (p *process) wireLedgers(ctx context.Context) (granter, error) {
	installation, err := outbox.ReadInstallation(ctx, p.pool)
	if err != nil {
		return nil, err
	}
	g := granter{}
	for _, at := range p.cfg.Ledgers() {
		l := &namedLedger{name: at.Name, installation: installation.ID}
		if l.remote, err = newRemote(at, installation.ID, p); err != nil {
			return nil, fmt.Errorf("%s: %w", at.Setting, err)
		}
		l.gate = breaker.New(at.Name, p.ledger(l.remote.client), p.probe(), p.log)
		g[at.Name] = l
	}
	if g[settings.OurLedger] == nil {
		g[settings.OurLedger] = &namedLedger{name: settings.OurLedger, gate: breaker.New(settings.OurLedger, p.ledger(p.money), p.probe(), p.log)}
	}
	return g, nil
}

// watchLedgers looks again and again at the ledgers that are asked over HTTP.
func (p *process) watchLedgers(ctx context.Context, g *errgroup.Group) {
	for _, l := range p.granter {
		if l.remote != nil {
			g.Go(func() error {
				l.remote.watch(ctx)
				return nil
			})
		}
	}
}

// wireService makes the ledger's own service, if there is a token for it. A process that would do nothing else is refused
// without one.
func (p *process) wireService() (err error) {
	switch {
	case !p.has(roleMoney):
		return nil
	case p.cfg.MoneyToken == "" && len(p.roles) == 1:
		return errors.New("BESTOW_MONEY_TOKEN is not set: the role money does nothing without it; `openssl rand -hex 24` makes a good token")
	case p.cfg.MoneyToken == "":
		return nil
	}
	p.service, err = moneyhttp.New(moneyhttp.Config{Ledger: p.money, Token: p.cfg.MoneyToken, Log: p.log})
	return err
}

// ledgerRule is the rule of our ledger, where it is in this process: nothing is known of one elsewhere before it is asked.
func (p *process) ledgerRule() app.LedgerRule {
	if p.cfg.MoneyURL != "" {
		return nil
	}
	return ledgerRule(p.money)
}

// probe is the pause between two calls of a ledger that is away.
func (p *process) probe() time.Duration { return cmp.Or(p.with.probe, breaker.Probe) }

// meetLedgers finds out which ledgers the names lead to, before anything is granted: a handler asks no ledger that is
// another than it was. A ledger that does not answer is waited for by itself; the ledger of this database is refused at once,
// since only a person can help.
func (p *process) meetLedgers(ctx context.Context) error {
	for _, l := range p.granter {
		if l.remote != nil {
			l.remote.check(ctx)
			continue
		}
		if err := p.meetOwnLedger(ctx); err != nil {
			return err
		}
	}
	return nil
}

// meetOwnLedger pairs the ledger of this database with its installation. Keys in another ledger would be unknown to it, so
// that a name that has led elsewhere does not lead here.
func (p *process) meetOwnLedger(ctx context.Context) error {
	installation, err := outbox.ReadInstallation(ctx, p.pool)
	if err != nil {
		return err
	}
	id, err := p.money.Pair(ctx, installation.ID)
	if err != nil {
		return fmt.Errorf("meet the ledger of this database: %w: if the database is a copy, `bestow installation new` gives it a ledger of its own", err)
	}
	known, err := p.app.Ledgers.Meet(ctx, settings.OurLedger, id.ID)
	if err != nil {
		return err
	}
	if known != id.ID {
		return fmt.Errorf("grants went to the ledger %s until now, and the one in this database is %s, which does not know them: "+
			"set BESTOW_MONEY_URL to where that ledger is", known, id.ID)
	}
	return nil
}
