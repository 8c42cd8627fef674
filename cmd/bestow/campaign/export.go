package campaign

import (
	"context"
	"errors"
	"io"

	"bestow/cmd/bestow/terminal"
	"bestow/http/client"
)

// exporting is what each export may say.
type exporting struct {
	terminal.EventArg

	Output string `short:"o" enum:"csv,ndjson" default:"csv" help:"csv for spreadsheets, ndjson for programs."`
	Reason string `placeholder:"TEXT" help:"Why the list is taken away: the audit keeps it."`
}

func (e exporting) format() string {
	if e.Output == "ndjson" {
		return client.NDJSON
	}
	return client.CSV
}

type targetsExportCmd struct {
	exporting

	Pending bool `help:"Only members who were not published yet."`
}

// Run writes the whole list of an event to the output.
func (c *targetsExportCmd) Run(ctx context.Context, t *terminal.Terminal) error {
	server, e, err := c.Find(ctx, t)
	if err != nil {
		return err
	}
	f := client.TargetFilter{}
	if c.Pending {
		f.PublishStatus = "PENDING"
	}
	return visibly(t, func(w io.Writer) error {
		return server.ExportTargets(ctx, e.ID, f, c.format(), c.Reason, w)
	})
}

type resultsExportCmd struct {
	exporting

	Status    string `enum:",PENDING,SUCCESS,FAILED,PERMANENTLY_FAILED" default:"" help:"Only results in this status: PENDING, SUCCESS, FAILED or PERMANENTLY_FAILED."`
	ErrorCode string `placeholder:"CODE" help:"Only results with this error code."`
}

// Run writes all results of an event to the output.
func (c *resultsExportCmd) Run(ctx context.Context, t *terminal.Terminal) error {
	server, e, err := c.Find(ctx, t)
	if err != nil {
		return err
	}
	f := client.ResultFilter{Status: c.Status, ErrorCode: c.ErrorCode}
	return visibly(t, func(w io.Writer) error {
		return server.ExportResults(ctx, e.ID, f, c.format(), c.Reason, w)
	})
}

// visibly writes the text of a list to the output, so that what others wrote into it cannot change a terminal.
func visibly(t *terminal.Terminal, write func(w io.Writer) error) error {
	w, flush := t.Visible()
	return errors.Join(write(w), flush())
}
