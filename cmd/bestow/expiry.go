package main

import (
	"context"
	"fmt"
	"io"

	"bestow/internal/english"
	"bestow/money"
	"bestow/money/moneyclient"
	"bestow/money/moneyhttp/wire"
)

// expiryCmd is `bestow expiry`. It asks the ledger, which may run apart from the rest.
type expiryCmd struct {
	format

	Days int `default:"7" help:"Show so many days one by one, today among them: 0 to 62."`
}

// Help says what the numbers are.
func (expiryCmd) Help() string {
	return `What members have and have not spent, by the last day on which it can be spent: what a company owes its members. It is
counted once a day, soon after midnight of BESTOW_TIME_ZONE. Asks the ledger at BESTOW_MONEY_URL (default
http://127.0.0.1:8081) with BESTOW_MONEY_TOKEN.`
}

// Run shows what will expire.
func (c *expiryCmd) Run(ctx context.Context, t *terminal) error {
	if c.Days < 0 || c.Days > money.ForecastDays {
		return usage("--days is %d: give a number from 0 to %d", c.Days, money.ForecastDays)
	}
	zone, err := t.zone()
	if err != nil {
		return err
	}
	return t.withLedger(func(ledger *moneyclient.Client) error {
		f, err := ledger.Forecast(ctx, c.Days)
		if err != nil {
			return err
		}
		return c.print(t, f, func() error {
			if f.CountedAt == nil {
				t.say("nothing is counted yet: a process with the role jobs counts once a day, and within ten minutes of its first start")
				return nil
			}
			t.say("counted %s", when(f.CountedAt, zone))
			return printForecast(t.out, f)
		})
	})
}

func printForecast(out io.Writer, f wire.Forecast) error {
	return table(out, func(w io.Writer) {
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
