package ledger

import (
	"context"

	"bestow/app/ledger"
	"bestow/http/api"

	"github.com/danielgtaylor/huma/v2"
)

// DescribeTotals describes the route of Totals.
func (*Handlers) DescribeTotals(o *huma.Operation) {
	o.Description = "The ledger counts once a day, at the moment of its forecast. " + away
}

// TotalsOut is an answer with what became of all that was saved.
type TotalsOut struct{ Body api.LedgerTotals }

// Totals answers with what became of all that was saved, by type, by policy and by the day on which it ran out.
func (h *Handlers) Totals(ctx context.Context, _ *struct{}) (*TotalsOut, error) {
	t, err := h.ledger.Totals(ctx)
	if err != nil {
		return nil, err
	}
	return &TotalsOut{api.LedgerTotals{
		CountedAt: api.UTC(t.CountedAt), All: api.LedgerTotal(t.All), Types: wireTotals(t.Types),
		Policies: wireTotals(t.Policies), Days: wireTotals(t.Days),
		Expiry: api.LedgerExpiry{Until: t.Expiry.Until.UTC(), Waiting: t.Expiry.Waiting},
	}}, nil
}

func wireTotals(all []ledger.Total) []api.LedgerTotal {
	wire := make([]api.LedgerTotal, len(all))
	for n, t := range all {
		wire[n] = api.LedgerTotal(t)
	}
	return wire
}
