package ledger

import (
	"context"

	"bestow/app/ledger"
	"bestow/http/api"

	"github.com/danielgtaylor/huma/v2"
)

// away says what becomes of a request while the ledger is away.
const away = "503 with Retry-After: the ledger does not answer now. Grants wait for it, and go on by themselves."

// DescribeForecast describes the route of Forecast.
func (*Handlers) DescribeForecast(o *huma.Operation) {
	o.Description = "The ledger counts once a day, so what was granted or spent since is not in it. " + away
}

// ForecastOut is an answer with what expires.
type ForecastOut struct{ Body api.LedgerForecast }

// Forecast answers with what members have, and when it expires.
func (h *Handlers) Forecast(ctx context.Context, _ *struct{}) (*ForecastOut, error) {
	f, err := h.ledger.Forecast(ctx)
	if err != nil {
		return nil, err
	}
	return &ForecastOut{api.LedgerForecast{
		CountedAt: api.UTC(f.CountedAt), Days: wirePeriods(f.Days), Months: wirePeriods(f.Months),
		Later: api.LotSum(f.Later), Never: api.LotSum(f.Never), Total: api.LotSum(f.Total),
	}}, nil
}

func wirePeriods(all []ledger.Period) []api.ForecastPeriod {
	wire := make([]api.ForecastPeriod, len(all))
	for n, p := range all {
		wire[n] = api.ForecastPeriod{Period: p.Name, LotSum: api.LotSum(p.Sum)}
	}
	return wire
}
