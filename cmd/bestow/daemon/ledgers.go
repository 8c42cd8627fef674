package daemon

import (
	"cmp"
	"context"
	"errors"

	"bestow/app/obstacle"
	"bestow/cmd/bestow/ledgers"
	"bestow/domain"
	"bestow/money/breaker"
	"bestow/money/moneyhttp"
	"bestow/outbox"
)

// wireLedgers makes the ledgers that event types may name: ours, in process or at BESTOW_MONEY_URL, and those of
// BESTOW_GRANTERS.
func (p *Process) wireLedgers(ctx context.Context) (granter ledgers.Granter, err error) {
	if p.installation, err = outbox.ReadInstallation(ctx, p.Pool); err != nil {
		return nil, err
	}
	return ledgers.New(ledgers.Config{
		Installation: p.installation.ID, Over: p.cfg.Ledgers(), Own: p.Money,
		Before: p.with.Ledger,
		Pool:   p.Pool, Probe: cmp.Or(p.with.Probe, breaker.Probe), Log: p.log,
	})
}

// meetLedgers finds out which ledgers there are. A process with the role jobs asks them in reports only.
func (p *Process) meetLedgers(ctx context.Context) error {
	switch {
	case p.has(RoleHandler):
		return p.Granter.Meet(ctx, p.App.Ledgers)
	case p.has(RoleJobs):
		p.Granter.MeetOthers(ctx, p.App.Ledgers)
	}
	return nil
}

// wireService makes the ledger's own service, if there is a token for it. A process that would do nothing else is
// refused without one.
func (p *Process) wireService() (err error) {
	switch {
	case !p.has(RoleMoney):
		return nil
	case p.cfg.MoneyToken == "" && len(p.roles) == 1:
		return errors.New("BESTOW_MONEY_TOKEN is not set: the role money does nothing without it; " +
			"`openssl rand -hex 24` makes a good token")
	case p.cfg.MoneyToken == "":
		return nil
	}
	p.Service, err = moneyhttp.New(moneyhttp.Config{Ledger: p.Money, Token: p.cfg.MoneyToken, Log: p.log})
	return err
}

// ledgerRule is the rule of our ledger, where it is in this process: nothing is known of one elsewhere before it is
// asked.
func (p *Process) ledgerRule() obstacle.LedgerRule {
	if p.cfg.MoneyURL != "" {
		return nil
	}
	return ledgers.Rule(p.Money)
}

// claimMark is [grants.Config.Mark]: our ledger in this process is asked in sessions of the process, so nothing is
// under way there when none of them is left. Of a ledger elsewhere nobody knows.
func (p *Process) claimMark(e domain.Event, life int64) (mark [8]byte, ends bool) {
	if p.presence == nil || e.Type.Granter != domain.OurGranter || !p.Granter.InProcess() {
		return mark, false
	}
	return p.presence.Mark(life), true
}
