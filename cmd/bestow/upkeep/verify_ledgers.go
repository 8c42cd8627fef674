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

	meet    sync.Once
	granter ledgers.Granter
	err     error // why they could not be met
}

// Lookup implements verify.Ledgers.
func (l *otherLedgers) Lookup(ctx context.Context, e domain.Event, grants []domain.Grant) ([]*domain.Outcome, error) {
	if !l.knows(e.Type.Granter) {
		return nil, fmt.Errorf("BESTOW_GRANTERS does not say where it is: give this command the service's %s",
			strings.Join(settings.GranterSettings(e.Type.Granter), " and "))
	}
	l.meet.Do(func() { l.err = l.open(ctx) })
	if l.err != nil {
		return nil, l.err
	}
	return l.granter.Lookup(ctx, e, grants)
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
	if err != nil {
		return err
	}
	l.granter.RecogniseOthers(ctx, processes.NewLedgers(l.pool))
	return nil
}

// Close ends the connections to the ledgers.
func (l *otherLedgers) Close() { l.granter.Close() }
