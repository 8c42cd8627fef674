package ledgers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"bestow/app/ledger"
	"bestow/app/processes"
	"bestow/domain"
	"bestow/internal/english"
	"bestow/money"
	"bestow/money/moneyclient"
	"bestow/money/moneydb"
	"bestow/money/moneyhttp/wire"
)

// Book returns the ledger of points for operators: that of this process, or the one at BESTOW_MONEY_URL. It is asked
// whatever the breaker says: a page that shows the ledger may find out that it is back.
func (g Granter) Book(known *processes.Ledgers) ledger.Book {
	l := g[domain.OurGranter]
	switch {
	case l == nil:
		return nil
	case l.remote != nil:
		return remoteBook{l.remote.client, known}
	}
	return ownBook{l.own}
}

// ownBook asks the ledger of this process's database.
type ownBook struct{ *moneydb.Ledger }

// Forecast returns what the ledger has counted last.
func (b ownBook) Forecast(ctx context.Context) (ledger.Forecast, error) {
	f, err := b.Ledger.Forecast(ctx, money.ForecastDays)
	return forecastOf(wire.NewForecast(&f)), ownError(err)
}

// remoteBook asks the ledger at BESTOW_MONEY_URL, and only the one that grants go to.
type remoteBook struct {
	client *moneyclient.Client
	known  *processes.Ledgers
}

// Forecast returns what the ledger has counted last.
func (b remoteBook) Forecast(ctx context.Context) (ledger.Forecast, error) {
	if err := b.expect(ctx); err != nil {
		return ledger.Forecast{}, err
	}
	said, err := b.client.Forecast(ctx, money.ForecastDays)
	if err != nil {
		return ledger.Forecast{}, remoteError(ctx, err)
	}
	f := forecastOf(said)
	return f, checkForecast(f)
}

// Totals returns what the ledger has counted last.
func (b ownBook) Totals(ctx context.Context) (ledger.Totals, error) {
	t, err := b.Ledger.Totals(ctx)
	return totalsOf(wire.NewTotals(&t)), ownError(err)
}

// Totals returns what the ledger has counted last.
func (b remoteBook) Totals(ctx context.Context) (ledger.Totals, error) {
	if err := b.expect(ctx); err != nil {
		return ledger.Totals{}, err
	}
	t, err := b.client.Totals(ctx)
	return totalsOf(t), remoteError(ctx, err)
}

func totalsOf(t wire.Totals) ledger.Totals {
	totals := ledger.Totals{CountedAt: t.CountedAt, All: ledger.Total(t.All), Expiry: ledger.Expiry(t.Expiry)}
	for _, one := range t.Types {
		totals.Types = append(totals.Types, ledger.Total(one))
	}
	for _, one := range t.Policies {
		totals.Policies = append(totals.Policies, ledger.Total(one))
	}
	for _, one := range t.Days {
		totals.Days = append(totals.Days, ledger.Total(one))
	}
	return totals
}

// expect lets another ledger that answers at the address refuse.
func (b remoteBook) expect(ctx context.Context) error {
	id, err := b.known.Known(ctx, domain.OurGranter)
	if err == nil && id != "" && id != noIdentity {
		b.client.Expect(id)
	}
	return err
}

func forecastOf(f wire.Forecast) ledger.Forecast {
	return ledger.Forecast{
		CountedAt: f.CountedAt, Days: periodsOf(f.Days), Months: periodsOf(f.Months),
		Later: ledger.Sum(f.Later), Never: ledger.Sum(f.Never), Total: ledger.Sum(f.Total),
	}
}

func periodsOf(all []wire.ForecastPeriod) []ledger.Period {
	periods := make([]ledger.Period, len(all))
	for n, p := range all {
		periods[n] = ledger.Period{Name: p.Period, Sum: ledger.Sum(p.Sum)}
	}
	return periods
}

// checkForecast returns domain.Unavailable for a forecast whose days or months are none.
func checkForecast(f ledger.Forecast) error {
	for layout, all := range map[string][]ledger.Period{time.DateOnly: f.Days, "2006-01": f.Months} {
		for _, p := range all {
			if _, err := time.Parse(layout, p.Name); err != nil {
				return domain.UnavailableError(fmt.Sprintf("the ledger's forecast has a period %.50q", p.Name),
					"check BESTOW_MONEY_URL: what answers there is no ledger of this version")
			}
		}
	}
	return nil
}

// ownError is an error of the ledger of this database, as the API tells it. Where the database does not answer, it is
// as everywhere.
func ownError(err error) error {
	if fields := wrongFields(err); fields != nil {
		return wrongPolicy(fields)
	}
	if r, ok := errors.AsType[*money.Refusal](err); ok {
		return refusal(r.Code, r.Message)
	}
	return err
}

// remoteError is an error of the ledger at BESTOW_MONEY_URL, as the API tells it. Whatever it answers is no fault of
// ours: operators are told that it does not answer as a ledger does.
func remoteError(ctx context.Context, err error) error {
	if err == nil || errors.Is(ctx.Err(), context.Canceled) {
		return err
	}
	refused, ok := errors.AsType[*moneyclient.RefusedError](err)
	if !ok {
		return domain.UnavailableError("the ledger does not answer: "+english.OneLine(err.Error()),
			"grants wait, and go on by themselves; check BESTOW_MONEY_URL and the process with the role money")
	}
	if fields := wrongFieldsOver(refused.Status, refused.Fields); fields != nil {
		return wrongPolicy(fields)
	}
	switch {
	case refused.Status == http.StatusUnauthorized:
		return domain.UnavailableError("the ledger does not know the token",
			"give BESTOW_MONEY_TOKEN of the ledger to this process")
	case refused.Status == http.StatusNotFound && (refused.Code == "" || refused.Code == wire.CodeNotFound):
		return domain.UnavailableError("the ledger at BESTOW_MONEY_URL does not have this",
			"`bestow serve --roles money` of this version has it; a ledger of another team may not")
	}
	return refusal(refused.Code, refused.Detail)
}

// refusal is a refusal of the ledger.
func refusal(code, detail string) error {
	switch code {
	case money.UnknownPolicy:
		return domain.NotFoundError("there is no such policy", "GET /ledger/policies lists them")
	case money.UnknownMovement:
		return domain.NotFoundError("the ledger has no such save of the member", "GET /members/{member_id}/lots lists them")
	case money.BadMember:
		return domain.NotFoundError("the ledger can have no such member", "a member's ID has 1 to 50 characters")
	case money.BadCursor:
		return domain.InvalidError("the cursor is not one that a page of lots has returned", "begin with the first page",
			domain.Field{Name: "query.cursor", Message: "is not a cursor that this list returned"})
	case money.PolicyExists:
		return domain.PolicyExistsError()
	case money.PolicyChanged:
		return ledger.ErrPolicyChanged
	}
	return domain.UnavailableError("the ledger refuses: "+english.OneLine(detail)+" ("+code+")",
		"the log of the process with the role money may say more")
}
