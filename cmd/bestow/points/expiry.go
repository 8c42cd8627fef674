package points

import (
	"context"
	"fmt"
	"io"

	"bestow/cmd/bestow/terminal"
	"bestow/internal/english"
	"bestow/money"
	"bestow/money/moneyclient"
	"bestow/money/moneyhttp/wire"
)

// ExpiryCmd is `bestow expiry`. It asks the ledger, which may run apart from the rest.
type ExpiryCmd struct {
	terminal.Format

	Days int `default:"7" help:"Show so many days one by one, today among them: 0 to 62."`
}

// Help says what the numbers are.
func (ExpiryCmd) Help() string {
	return `What members have and have not spent, by the last day on which it can be spent: what a company owes its members. It is
counted once a day, soon after midnight of BESTOW_TIME_ZONE. Asks the ledger at BESTOW_MONEY_URL (default
http://127.0.0.1:8081) with BESTOW_MONEY_TOKEN.`
}

// Run shows what will expire.
func (c *ExpiryCmd) Run(ctx context.Context, t *terminal.Terminal) error {
	if c.Days < 0 || c.Days > money.ForecastDays {
		return terminal.Usage("--days is %d: give a number from 0 to %d", c.Days, money.ForecastDays)
	}
	zone, err := t.Zone()
	if err != nil {
		return err
	}
	return withLedger(t, func(ledger *moneyclient.Client) error {
		f, err := ledger.Forecast(ctx, c.Days)
		if err != nil {
			return err
		}
		return c.Print(t, f, func() error {
			if f.CountedAt == nil {
				t.Say("nothing is counted yet: a process with the role jobs counts once a day, " +
					"and within ten minutes of its first start")
				return nil
			}
			t.Say("counted %s", terminal.When(f.CountedAt, zone))
			return printForecast(t, f)
		})
	})
}

func printForecast(t *terminal.Terminal, f wire.Forecast) error {
	return t.Table(func(w io.Writer) {
		fmt.Fprintln(w, "LAST DAY\tLOTS\tPOINTS")
		line := func(period string, s wire.Sum) {
			fmt.Fprintf(w, "%s\t%s\t%s\n", period, english.Number(s.Lots), english.Number(s.Points))
		}
		for _, d := range f.Days {
			line(d.Period, d.Sum)
		}
		for _, m := range f.Months {
			line("all of "+m.Period, m.Sum)
		}
		line("later", f.Later)
		line("no expiry", f.Never)
		line("total", f.Total)
	})
}
