package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"time"

	"bestow/internal/harness/testbed"

	"github.com/jackc/pgx/v5"
)

func main() { testbed.Main(name, run) }

// name begins the names of the folder and of the topics.
const name = "load"

// completeWithin is the time that the events may take from the last answer on.
const completeWithin = 5 * time.Minute

// options hold what the command line says.
type options struct {
	clients, members int
	lasts            time.Duration
}

func readOptions(args []string) (o options, err error) {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.IntVar(&o.clients, "clients", 200, "how many clients at the same time")
	flags.IntVar(&o.members, "members", 1000, "members of each event")
	flags.DurationVar(&o.lasts, "for", time.Minute, "how long the clients begin new campaigns")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	switch {
	case flags.NArg() > 0:
		err = fmt.Errorf("read arguments: %q: there are only flags, see -h", flags.Arg(0))
	case o.clients < 1 || o.clients > 5000:
		err = fmt.Errorf("read arguments: -clients is %d: it must be 1 to 5000", o.clients)
	case o.members < 1 || o.members > 1_000_000:
		err = fmt.Errorf("read arguments: -members is %d: it must be 1 to 1000000", o.members)
	case o.lasts <= 0:
		err = fmt.Errorf("read arguments: -for is %s: it must be more than 0", o.lasts)
	}
	return o, err
}

// run works one command line: it installs bestow, loads it, judges what came of it, and tears it down. Where something
// failed, the folder with all logs stays.
func run(ctx context.Context, args []string, out io.Writer) (err error) {
	o, err := readOptions(args)
	if err != nil {
		return err
	}
	b, err := testbed.Install(ctx, testbed.Options{Name: name, Services: []testbed.Service{
		{Name: "api", Roles: "api"},
		{Name: "relay", Roles: "relay,jobs"},
		{Name: "handler", Roles: "handler,jobs"},
	}})
	defer func() {
		keep := err != nil && ctx.Err() == nil
		err = errors.Join(err, b.TearDown(keep))
		if keep {
			testbed.Say(out, "the logs of all processes are in %s\n", b.Dir)
		}
	}()
	if err != nil {
		return err
	}
	testbed.Say(out, "PostgreSQL %s, an embedded broker, and an api, a relay and a handler as processes; "+
		"%d clients for %s, %d members an event\n\n", b.Version, o.clients, o.lasts, o.members)
	keys, err := makeKeys(ctx, b.API, o.clients)
	if err != nil {
		return err
	}
	m := newMeter()
	began := time.Now()
	loadAll(ctx, b.API.URL, keys, o, m)
	if ctx.Err() != nil {
		return errors.New("interrupted")
	}
	lasted := time.Since(began)
	m.print(out, lasted)
	if err := m.failed(); err != nil {
		return err // what is made and not started would be waited for
	}
	return judge(ctx, b, m.events(), o.members, out)
}

// judge waits until every event is complete, and looks whether all is exact.
func judge(ctx context.Context, b *testbed.Testbed, events []int64, members int, out io.Writer) error {
	db, err := pgx.Connect(ctx, b.URL)
	if err != nil {
		return fmt.Errorf("connect to the database: %w", err)
	}
	defer func() { _ = db.Close(context.WithoutCancel(ctx)) }()
	began := time.Now()
	if err := awaitAll(ctx, b, db, len(events)); err != nil {
		return err
	}
	testbed.Say(out, "\n%d events are complete %.1f s after the last answer\n", len(events), time.Since(began).Seconds())
	return errors.Join(noDeadlock(ctx, db, out), verify(ctx, b, out), exact(ctx, db, events, members, out))
}

// awaitAll waits until so many events are COMPLETED, and there is no other.
func awaitAll(ctx context.Context, b *testbed.Testbed, db testbed.Querier, events int) error {
	within, cancel := context.WithTimeout(ctx, completeWithin)
	defer cancel()
	const query = `SELECT count(*) FILTER (WHERE event_status = 'COMPLETED'), count(*) FROM campaign_events`
	var complete, all int
	err := testbed.Poll(within, 10*testbed.Interval, func() (bool, error) {
		if err := db.QueryRow(within, query).Scan(&complete, &all); err != nil {
			return false, err
		}
		return complete == all, b.Ended()
	})
	switch {
	case within.Err() != nil && ctx.Err() == nil:
		return fmt.Errorf("%d of %d events are complete after %s", complete, all, completeWithin)
	case err != nil:
		return fmt.Errorf("wait for the events: %w", err)
	case all != events:
		return fmt.Errorf("there are %d events, and %d were started", all, events)
	}
	return nil
}

func noDeadlock(ctx context.Context, db testbed.Querier, out io.Writer) error {
	var deadlocks int64
	err := db.QueryRow(ctx, `SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()`).Scan(&deadlocks)
	if err != nil {
		return fmt.Errorf("count deadlocks: %w", err)
	}
	testbed.Say(out, "deadlocks that PostgreSQL counted: %d\n", deadlocks)
	if deadlocks > 0 {
		return fmt.Errorf("PostgreSQL ended %d transactions for a deadlock", deadlocks)
	}
	return nil
}

func verify(ctx context.Context, b *testbed.Testbed, out io.Writer) error {
	if err := b.Bestow(ctx, "verify", "verify"); err != nil {
		return err
	}
	testbed.Say(out, "bestow verify: clean\n")
	return nil
}

// exact compares the ledger with the lists: each of them has the same members.
func exact(ctx context.Context, db testbed.Querier, events []int64, members int, out io.Writer) error {
	const query = `SELECT count(*), count(DISTINCT (ref_unique_id, member_id)),
			count(*) FILTER (WHERE ref_unique_id <> ALL ($1::text[]) OR point <> $2
				OR member_id !~ '^M[0-9]{8}$' OR member_id >= $3)
		FROM money.point_member WHERE point_status_code = 'S'`
	var rows, distinct, foreign int
	err := db.QueryRow(ctx, query, texts(events), amount, testbed.MemberID(members)).Scan(&rows, &distinct, &foreign)
	if err != nil {
		return fmt.Errorf("read the ledger: %w", err)
	}
	want := len(events) * members
	if rows != want || distinct != want || foreign > 0 {
		return fmt.Errorf("the ledger has %d grants, %d of them different, %d of no list; it must be %d, %d and 0",
			rows, distinct, foreign, want, want)
	}
	testbed.Say(out, "the ledger has each of the %d members once\n", rows)
	return nil
}
