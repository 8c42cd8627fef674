package upkeep

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"

	"bestow/app/processes"
	"bestow/app/verify"
	"bestow/cmd/bestow/ledgers"
	"bestow/cmd/bestow/settings"
	"bestow/domain"
	"bestow/money/breaker"
	"bestow/outbox"

	"github.com/jackc/pgx/v5/pgxpool"
)

var _ verify.Ledgers = (*otherLedgers)(nil)

// otherLedgers are the ledgers of BESTOW_GRANTERS, which a report asks what they granted. They are met when the first
// of them is asked, since a report reads no table before it has looked at the schema.
type otherLedgers struct {
	cfg  settings.Config
	pool *pgxpool.Pool

	mu      sync.Mutex
	granter ledgers.Granter  // nil before the first question
	tried   map[string]int64 // the granters that may not be asked, with the event for which they were met last
}

// Lookup implements verify.Ledgers. A ledger that may not be asked is met anew for another event: it may be back.
func (l *otherLedgers) Lookup(ctx context.Context, e domain.Event, grants []domain.Grant) ([]*domain.Outcome, error) {
	if !l.knows(e.Type.Granter) {
		return nil, fmt.Errorf("BESTOW_GRANTERS does not say where it is: give this command the service's %s",
			strings.Join(settings.GranterSettings(e.Type.Granter), " and "))
	}
	granter, err := l.meet(ctx, e)
	if err != nil {
		return nil, err
	}
	return granter.Lookup(ctx, e, grants)
}

// meet returns the ledgers, after it has met that of the event, if that is still to be done.
func (l *otherLedgers) meet(ctx context.Context, e domain.Event) (ledgers.Granter, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.granter == nil {
		if err := l.open(ctx); err != nil {
			return nil, err
		}
		l.tried = map[string]int64{}
	}
	name := e.Type.Granter
	if last, failed := l.tried[name]; failed && last == e.ID || l.granter.Away(e) == nil {
		return l.granter, nil
	}
	l.granter.Recognise(ctx, name, processes.NewLedgers(l.pool))
	l.tried[name] = e.ID
	return l.granter, nil
}

func (l *otherLedgers) knows(granter string) bool {
	for _, at := range l.cfg.Others {
		if at.Name == granter {
			return true
		}
	}
	return false
}

func (l *otherLedgers) open(ctx context.Context) error {
	installation, err := outbox.ReadInstallation(ctx, l.pool)
	if err != nil {
		return err
	}
	l.granter, err = ledgers.New(ledgers.Config{
		Installation: installation.ID, Over: l.cfg.Others, Pool: l.pool, Probe: breaker.Probe,
		Log: slog.New(slog.DiscardHandler), // the report says what could not be asked
	})
	return err
}

// Close ends the connections to the ledgers.
func (l *otherLedgers) Close() { l.granter.Close() }
