package campaign

import (
	"context"
	"fmt"
	"io"
	"time"

	"bestow/cmd/bestow/terminal"
	"bestow/domain"
	"bestow/http/api"
	"bestow/internal/english"
)

type targetsShowCmd struct {
	terminal.Format
	terminal.EventArg

	Import int64 `placeholder:"ID" help:"The import. Default: the last one."`
}

// Run shows what an import found.
func (c *targetsShowCmd) Run(ctx context.Context, t *terminal.Terminal) error {
	zone, err := t.Zone()
	if err != nil {
		return err
	}
	server, e, err := c.Find(ctx, t)
	if err != nil {
		return err
	}
	id := c.Import
	if id == 0 {
		list, err := server.Imports(ctx, e.ID)
		if err != nil {
			return err
		}
		if len(list.Items) == 0 {
			return domain.NotFoundError(fmt.Sprintf("event %d has no imports", e.ID),
				fmt.Sprintf("upload a member list: bestow targets import %d FILE", e.ID))
		}
		id = list.Items[0].ImportID // newest first
	}
	i, err := server.Import(ctx, e.ID, id)
	if err != nil {
		return err
	}
	return c.Print(t, i, func() error { return printImport(t, e, i, zone) })
}

func printImport(t *terminal.Terminal, e api.Event, i api.ImportDetails, zone *time.Location) error {
	return t.Table(func(w io.Writer) {
		for _, row := range [][2]string{
			{"import_id", fmt.Sprint(i.ImportID)},
			{"file_name", terminal.OrDash(i.FileName)},
			{"created", terminal.When(&i.CreatedAt, zone) + " by " + i.CreatedBy},
			{"sha256", i.SHA256},
			{"accepted", english.Number(i.Accepted)},
			{"rejected", english.Number(i.Rejected)},
			{"total_amount", quantity(i.TotalAmount, e.Unit)},
		} {
			fmt.Fprintf(w, "%s\t%s\n", row[0], row[1])
		}
		if i.Preflight == nil {
			fmt.Fprintln(w, "amounts\tnot computed: an older version imported the list")
			return
		}
		printPreflight(w, e, *i.Preflight)
	})
}

func printPreflight(w io.Writer, e api.Event, p api.Preflight) {
	distinct := "more than 65,536 different ones"
	if p.Amounts.Distinct != nil {
		distinct = english.Count(*p.Amounts.Distinct, "different one")
	}
	fmt.Fprintf(w, "amounts\t%s to %s, %s on average, %s\n", quantity(p.Amounts.Min, e.Unit),
		quantity(p.Amounts.Max, e.Unit), quantity(p.Amounts.Mean, e.Unit), distinct)
	for _, a := range p.Amounts.Commonest {
		fmt.Fprintf(w, "\t%s: %s\n", quantity(a.Amount, e.Unit), english.Count(a.Rows, "row"))
	}
	for _, c := range p.RejectedByCode {
		fmt.Fprintf(w, "rejected\t%s: %s\n", c.ErrorCode, english.Count(c.Rows, "row"))
	}
}
