package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"bestow/app"
	"bestow/app/command"
	"bestow/app/imports"
	"bestow/app/verify"
	"bestow/domain"
	"bestow/internal/english"
)

// show finishes what an earlier demo left, makes two events, runs them, and proves what came of them. Where it kills,
// it makes more of them until all blows were dealt.
func (d *demo) show(ctx context.Context, members int) error {
	fmt.Fprintln(d.out)
	if err := d.finishEarlier(ctx); err != nil {
		return err
	}
	if d.chaos != nil {
		d.step("", "Kills", "%d, every few seconds; --seed %d repeats them", len(d.chaos.blows), d.chaos.seed)
	}
	events, sum, err := d.play(ctx, members)
	for err == nil && d.chaos != nil && len(d.chaos.blows) > 0 {
		var more []domain.Event
		var of domain.Summary
		d.step("", "Too soon", "for %s: the demo makes two more events", english.Count(len(d.chaos.blows), "more kill"))
		more, of, err = d.play(ctx, members)
		events, sum = append(events, more...), added(sum, of)
	}
	if err != nil {
		return err
	}
	if d.chaos != nil {
		d.step("", "Killed", "%s", d.chaos.tally())
	}
	return d.prove(ctx, events, sum)
}

// play makes two events, runs them, and tells how that went.
func (d *demo) play(ctx context.Context, members int) (events []domain.Event, sum domain.Summary, err error) {
	if events, err = d.makeEvents(ctx, members); err != nil {
		return nil, sum, err
	}
	began := time.Now()
	for _, e := range events {
		if _, _, err := d.process.App.Events.Start(ctx, demoCaller, e.ID); err != nil {
			return nil, sum, err
		}
	}
	s := d.newBar(members+members/10, true)
	var first time.Time
	watch := func(ctx context.Context) (err error) {
		first, err = d.watch(ctx, events, s)
		return err
	}
	if d.chaos == nil {
		err = watch(ctx)
	} else {
		err = d.chaos.during(ctx, s, watch)
	}
	if err != nil {
		return nil, sum, err
	}
	took := first.Sub(began)
	for _, e := range events {
		e, err := d.process.App.Events.Get(ctx, e.ID)
		if err != nil {
			return nil, sum, err
		}
		sum = added(sum, e.Summary)
	}
	granted := sum.Success - sum.RetrySuccess
	d.step("3", "Granted", "%s in %.1f s, which is %s a second: River job → Kafka → ledger → result",
		english.Number(granted), took.Seconds(), english.Number(int(float64(granted)/took.Seconds())))
	d.step("4", "Refused", "%s for now: a retry granted them, the last one %.1f s later; %s for good",
		english.Number(sum.RetrySuccess), time.Since(first).Seconds(), english.Number(sum.Fail))
	return events, sum, nil
}

// added returns how both ended.
func added(a, b domain.Summary) domain.Summary {
	a.Success, a.Fail, a.RetrySuccess = a.Success+b.Success, a.Fail+b.Fail, a.RetrySuccess+b.RetrySuccess
	return a
}

var demoCaller = command.Caller{Actor: "demo"}

// makeEvents makes an event of points and one of vouchers and imports their members.
func (d *demo) makeEvents(ctx context.Context, members int) ([]domain.Event, error) {
	zone, err := d.zone()
	if err != nil {
		return nil, err
	}
	stamp := time.Now().In(zone).Format("20060102-150405.000")
	var events []domain.Event
	imported, began := 0, time.Now()
	for _, want := range []struct {
		kind, reason string
		amount       int64
		members      int
	}{{"POINT", "Spring campaign", 1000, members}, {"VOUCHER", "Spring voucher", 5000, members / 10}} {
		e, err := d.process.App.Events.Create(ctx, demoCaller, app.NewEvent{
			CampaignID: demoCampaign + want.kind + "-" + stamp, EventType: want.kind, DefaultReason: want.reason,
			DefaultAmount: &want.amount,
		})
		if err != nil {
			return nil, err
		}
		accepted, err := d.importMembers(ctx, e.Value.ID, want.members)
		if err != nil {
			return nil, err
		}
		imported += accepted
		events = append(events, e.Value)
	}
	d.step("1", "Made", "two campaign events: %s (id %d) and %s (id %d)", events[0].CampaignID, events[0].ID,
		events[1].CampaignID, events[1].ID)
	d.step("2", "Imported", "%s members from two CSV streams in %.1f s, with a River job for every 5,000 of them",
		english.Number(imported), time.Since(began).Seconds())
	if d.link != nil {
		watch := d.screen.Aside("Watch it in a browser on this machine; the link signs in once:")
		fmt.Fprintf(d.out, "     %s\n     %s\n", watch, d.link.URL(d.cfg.Addr))
	}
	return events, nil
}

// zone is the time zone of the demo's screen.
func (d *demo) zone() (*time.Location, error) {
	zone, err := time.LoadLocation(d.cfg.TimeZone)
	if err != nil {
		return nil, fmt.Errorf("read BESTOW_TIME_ZONE: %w", err)
	}
	return zone, nil
}

// importMembers imports a list of n members into an event, and returns how many were accepted.
func (d *demo) importMembers(ctx context.Context, eventID int64, n int) (int, error) {
	list := demoMembers(n)
	defer func() { _ = list.Close() }() // a pipe's end: an import that is refused early leaves no writer behind
	res, err := d.process.App.Targets.Import(ctx, demoCaller, eventID,
		imports.Upload{Body: list, ContentType: "text/csv"})
	return res.Value.Accepted, err
}

// demoMembers is a CSV of n members in no order, with amounts for some of them, written while it is read. Its writer
// ends at the end of the list, or when the reader is closed.
func demoMembers(n int) *io.PipeReader {
	r, w := io.Pipe()
	go func() {
		buf := []byte("member_id,amount,reason\n")
		for i := range n {
			buf = append(buf, 'M')
			buf = strconv.AppendInt(buf, 10_000_000+int64(i)*7919%10_000_019, 10)
			buf = append(buf, ',')
			if i%3 == 0 {
				buf = strconv.AppendInt(buf, int64(100*(1+i%25)), 10)
			}
			buf = append(buf, ",\n"...)
			if len(buf) > 60_000 || i == n-1 {
				if _, err := w.Write(buf); err != nil {
					return // the reader is gone
				}
				buf = buf[:0]
			}
		}
		_ = w.Close() // a pipe's end
	}()
	return r
}

// prove runs verify over both events and says in plain words what it means.
func (d *demo) prove(ctx context.Context, events []domain.Event, sum domain.Summary) error {
	d.step("5", "Proof", "compares every row of targets, results, counters and ledger:")
	fmt.Fprintln(d.out)
	reports := make([]verify.Report, len(events))
	for i, e := range events {
		var err error
		if reports[i], err = d.compare(ctx, e); err != nil {
			return err
		}
		if !reports[i].OK {
			return errors.Join(errors.New("the proof does not hold: this is a fault of bestow, "+
				"please report it with the lines above"), reports[i].Write(d.out))
		}
	}
	d.listInvariants(reports[0].Invariants)
	for i, e := range events {
		head := d.screen.Heading(fmt.Sprintf("%-8s id %-4d", e.Type.Code, e.ID))
		conclusion := d.fold(24, "%s", strings.TrimPrefix(reports[i].Conclusion(), held))
		fmt.Fprintln(d.out, "     "+head+" "+d.screen.Good(held)+conclusion)
	}
	d.explain(events[0], sum)
	return nil
}

// explain says what the proof means, and what became of those who were refused.
func (d *demo) explain(e domain.Event, sum domain.Summary) {
	fmt.Fprintln(d.out)
	fmt.Fprintln(d.out, "  "+d.screen.Heading(
		d.fold(2, "What you just saw: %s granted, each exactly once.", english.Count(sum.Success, "member"))))
	for _, point := range []string{
		"No member is lost: one transaction stores the members and the jobs that publish them.",
		"No member is granted twice: the ledger keeps one key per event and member.",
		"The numbers are right: the counters equal a recount of the rows.",
	} {
		fmt.Fprintln(d.out, "  - "+d.fold(4, "%s", point))
	}
	d.say("Kill the program with -9 while it grants, and start it again: it finishes the events, and the proof holds.")
	fmt.Fprintln(d.out)
	d.say("Refused at first (account_busy), and granted by a retry: %s. The service retries these by itself.",
		english.Count(sum.RetrySuccess, "member"))
	d.say("Refused for good (account_closed): %s. The service does not retry these by itself. They got nothing, and "+
		"each counts as failed.", english.Count(sum.Fail, "member"))
	d.askAgain(e)
	d.say("The demo's ledger refuses these members on purpose; a real ledger has its own rules.")
	if d.chaos != nil {
		fmt.Fprintln(d.out)
		d.say("Killed meanwhile: %s. They were started again, nothing else was repaired, and the numbers are right.",
			d.chaos.tally())
	}
}

// compare runs verify over an event. On a terminal it shows that it is at work: every row takes its time.
func (d *demo) compare(ctx context.Context, e domain.Event) (verify.Report, error) {
	defer d.working(fmt.Sprintf("comparing %s (id %d)", e.Type.Code, e.ID))()
	return d.process.App.Verify.Verify(ctx, verify.Query{Event: strconv.FormatInt(e.ID, 10)})
}

// askAgain goes on about the members who were refused for good. The commands need a demo that stays up.
func (d *demo) askAgain(e domain.Event) {
	if !d.stays {
		d.say("With --stay the demo stays up, and you can list the reasons and ask again.")
		return
	}
	d.say("The reasons:")
	fmt.Fprintf(d.out, "    %s results list %d --failed\n", ownName(), e.ID)
	d.say("A person can ask again: by now the demo's ledger has reopened about half of these accounts.")
	fmt.Fprintf(d.out, "    %s retry %d\n", ownName(), e.ID)
}

// held is the mark that a conclusion begins with if every invariant holds.
const held = "✓ "

// listInvariants names the first of them, as many as fit on a screen.
func (d *demo) listInvariants(all []verify.Invariant) {
	const shown = 15
	mark := "     " + d.screen.Good(held)
	for _, invariant := range all[:min(shown, len(all))] {
		fmt.Fprintf(d.out, "%s%-4s %s\n", mark, invariant.ID, d.fold(12, "%s", invariant.Statement))
	}
	fmt.Fprintln(d.out, mark+d.screen.Aside(d.fold(7, "and %d more: docs/verify.md says what each compares",
		len(all)-min(shown, len(all)))))
	fmt.Fprintln(d.out)
}

// lookAround says where the running installation can be looked at.
func (d *demo) lookAround() {
	what, path := d.logs()
	fmt.Fprintln(d.out)
	d.say("It stays up until you press Ctrl-C:")
	fmt.Fprintf(d.out, `
    Console  http://%s/console    (sign in with the key)
    Jobs     http://%s/river      (user: any, password: the key)
    API      curl -H 'Authorization: Bearer %s' \
               http://%s/api/v1/events
    Shell    export BESTOW_URL=http://%s
             export BESTOW_KEY=%s
             %s event list
`, d.cfg.Addr, d.cfg.Addr, d.cfg.AdminKey, d.cfg.Addr, d.cfg.Addr, d.cfg.AdminKey, ownName())
	fmt.Fprintf(d.out, `    Points   export BESTOW_MONEY_URL=http://%s
             export BESTOW_MONEY_TOKEN=%s
             %s member balance %s
    %-8s %s
`, d.cfg.MoneyAddr, d.cfg.MoneyToken, ownName(), demoMember, what, path)
}

// logs returns where the logs are: with --chaos each process of the service has one.
func (d *demo) logs() (what, path string) {
	if d.chaos != nil {
		return "Logs", filepath.Join(d.dir, "*.log")
	}
	return "Log", filepath.Join(d.dir, logName)
}

// demoMember is a member of [demoMembers] that the demo's ledger does not refuse for good.
const demoMember = "M10007919"

// ownName returns what a person types for this program: as it was typed, and for `go run` that.
func ownName() string {
	if strings.Contains(os.Args[0], "/go-build") {
		return "go run ./cmd/bestow"
	}
	return os.Args[0]
}
