package upkeep

import (
	"context"
	"fmt"
	"time"

	"bestow/app/verify"
	"bestow/cmd/bestow/terminal"
	"bestow/domain"
	"bestow/http/client"

	"github.com/go-json-experiment/json"
)

// reportPoll is the time between two looks for a report that is being made.
const reportPoll = time.Second

// runRemote asks the service for a report on the event, waits until it is made, and prints it.
func (c *VerifyCmd) runRemote(ctx context.Context, t *terminal.Terminal) error {
	if c.Event == nil || c.Repair {
		return terminal.Usage("--remote makes a report on one event, and repairs nothing: bestow verify --remote EVENT")
	}
	if c.AuditHead != "" {
		return terminal.Usage("--audit-head needs the database: set DATABASE_URL, and leave --remote out")
	}
	if c.AskFor != nil {
		return terminal.Usage("--ask-ledgers-for is of a report that this command makes: " +
			"set DATABASE_URL, and leave --remote out")
	}
	server, e, err := terminal.EventArg{Event: *c.Event}.Find(ctx, t)
	if err != nil {
		return err
	}
	asked, err := server.VerifyEvent(ctx, e.ID)
	if err != nil {
		return err
	}
	end := t.Await(fmt.Sprintf("the service compares the rows of event %d", e.ID))
	v, document, err := awaitReport(ctx, server, e.ID, asked.AskedAt)
	end()
	if err != nil {
		return err
	}
	return c.conclude(t, v, document)
}

// runWithoutDatabase has the service make the report where DATABASE_URL is not set, and says so.
func (c *VerifyCmd) runWithoutDatabase(ctx context.Context, t *terminal.Terminal) error {
	if c.Repair {
		return domain.InvalidError("DATABASE_URL is not set, and --repair changes the counters in the database",
			"set DATABASE_URL to the database of the service")
	}
	if c.Event == nil {
		return domain.InvalidError(
			"DATABASE_URL is not set, and without it verify can only have the service make a report "+
				"on one event",
			"name the event: `bestow verify EVENT`; `bestow event list` shows the events",
		)
	}
	t.Say("DATABASE_URL is not set: the service at BESTOW_URL makes the report, as with --remote")
	return c.runRemote(ctx, t)
}

// awaitReport waits for a report on the event of what it was after a moment, by the database's clock. Errors:
// domain.NoReport, or that the last report is older, where the one that was asked for came to nothing.
func awaitReport(
	ctx context.Context, server *client.Client, id int64, after time.Time,
) (v verify.Report, document []byte, err error) {
	for {
		r, err := server.LastReport(ctx, id)
		first := domain.IsCode(err, domain.ReportUnderWay)
		if err != nil && !first {
			return v, nil, err
		}
		if !first {
			v = verify.Report{}
			if err := json.Unmarshal(r.Document, &v); err != nil {
				return v, nil, fmt.Errorf("read report: %w", err)
			}
			if !v.CheckedAt.Before(after) {
				return v, r.Document, nil
			}
			if r.UnderWay == nil {
				return v, nil, fmt.Errorf("event %d: the verification ended without a report, the last one is of %s: "+
					"see the job in River UI",
					id, v.CheckedAt.Format(time.RFC3339))
			}
		}
		select {
		case <-ctx.Done():
			return v, nil, ctx.Err()
		case <-time.After(reportPoll):
		}
	}
}
