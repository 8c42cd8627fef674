package upkeep

import (
	"context"

	"bestow/app/processes"
	"bestow/app/reports"
	"bestow/cmd/bestow/terminal"
	"bestow/domain"
	"bestow/http/api"
	"bestow/http/client"
)

// runRemote examines as much as the service at BESTOW_URL shows.
func (c *DoctorCmd) runRemote(ctx context.Context, t *terminal.Terminal) error {
	server, err := t.Client()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, patienceOfADoctor)
	defer cancel()
	d := &doctor{}
	if err := d.ask(ctx, server); err != nil {
		return err
	}
	return c.show(t, d.diagnosis())
}

// ask looks at an installation through its service.
func (d *doctor) ask(ctx context.Context, server *client.Client) error {
	sys, err := server.System(ctx)
	if err != nil {
		return err
	}
	failed, err := server.Events(ctx, client.Filter{Status: string(domain.Failed), Limit: shownFailed + 1})
	if err != nil {
		return err
	}
	d.say("service", Fine, "answers at BESTOW_URL")
	d.say("database", Skipped, "DATABASE_URL is not set: "+
		"schema, rights, clock, stuck jobs, expiry and Kafka are not checked")
	d.installed(readSystem(sys))
	for i, e := range failed.Items {
		d.sayFailed(i, failedEvent{e.ID, orEmpty(e.FailureCode), orEmpty(e.Summary.StoppedMemo)})
	}
	return nil
}

// readSystem reads what the service says of the installation.
func readSystem(wire api.System) reports.System {
	sys := reports.System{
		At: wire.At, ReadOnly: wire.ReadOnly,
		River: reports.River{Leader: orEmpty(wire.River.Leader), Paused: wire.River.PausedQueues},
	}
	for _, p := range wire.Processes {
		read := processes.Process{
			ID: p.ID, Roles: p.Roles, Version: p.Version, Host: p.Host, PID: p.PID,
			StartedAt: p.StartedAt, SeenAt: p.SeenAt,
		}
		for _, r := range p.Reports {
			read.Reports = append(read.Reports, processes.Report{Code: r.Code, Text: r.Text, Topic: r.Topic})
		}
		sys.Processes = append(sys.Processes, read)
	}
	for _, l := range wire.Breaker {
		sys.Ledgers = append(sys.Ledgers, reports.Ledger{Name: l.Name, Away: l.Text})
	}
	for _, s := range wire.WaitingFor {
		sys.Standing = append(sys.Standing,
			reports.Standing{Reason: reports.Reason{Code: s.Code, Text: s.Text}, Events: s.Events})
	}
	return sys
}

func orEmpty(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}
