package main

import (
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"bestow/app"
	"bestow/cmd/bestow/daemon"
	"bestow/cmd/bestow/settings"
	"bestow/cmd/bestow/terminal"
	"bestow/internal/embedpg"
	"bestow/internal/harness/bench"
	"bestow/internal/harness/bench/rig"
	"bestow/internal/kafkatest"

	"github.com/caarlos0/env/v11"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// extra holds what the product executes beside the floor, and why the floor does without.
var extra = map[string]string{
	"select id::text, coalesce(installation::text, ''), clock_timestamp() from money.ledger":                           "a handler meets its ledger once, at its start",
	"update money.ledger set installation = $1, paired_at = now() where installation is null":                          "and is paired with it once, for ever",
	"select coalesce(max(ledger_id), '') from granter_ledgers where granter = $1":                                      "and looks once which ledger that was before",
	"insert into granter_ledgers (granter, ledger_id) values ($1, $2) on conflict do nothing":                          "and notes it once, for ever",
	"select code, label, granter, operation, topic from event_types where state in ('ready', 'retired') order by code": "the router looks for new types once a second",
	"select code, label, granter, operation, topic, coalesce(unit, ''), coalesce(max_per_member, 0), " +
		"coalesce(max_per_event, 0), coalesce(max_count, 0), limits_seeded, state from event_types order by code": "the " +
		"timetable looks for types to make every 30 s",
	"select current_setting('fsync')::bool and current_setting('synchronous_commit') <> 'off' and " +
		"current_setting('full_page_writes')::bool": "asked once, when a process starts",
	"select e.id from campaign_events e join campaign_event_summary s on s.event_id = e.id where e.event_status = " +
		"'running' and s.published_count = e.total_count and s.success_count + s.fail_count = e.total_count " +
		"order by e.id": "the timetable looks for events to close every 5 s",
	"select e.id, e.reservation_at from campaign_events e where e.event_status = 'pending' and e.reservation_at <= " +
		"now() and e.total_count > 0 and not e.reservation_missed order by e.reservation_at, " +
		"e.reservation_priority nulls last, e.id": "the timetable looks for events to start every 5 s",
	"select event_id, coalesce(max(max_amount), 0), bool_or(max_amount is null) from imports where event_id = any " +
		"($1) group by event_id": "a start compares the largest amount with the type's limit, once an event",
	"update event_types set max_per_member = 10000000, max_per_event = 1000000000000, max_count = 100000000, " +
		"limits_seeded = true where code in ('point', 'voucher') and coalesce(max_per_member, max_per_event, " +
		"max_count) is null": "a process outside production gives types limits, once",
	"insert into audit_log (actor, key_id, action, event_id, object, before, after, reason, request_id, session_id) " +
		"values ($1, nullif($2::bigint, 0), $3, nullif($4::bigint, 0), $5, $6, $7, nullif($8, ''), nullif($9, ''), " +
		"nullif($10::bigint, 0))": "an act of a person is kept, once an act",
	"select id::text, unnamed_are_ours from installation": "a process asks once to which installation it belongs",
	"delete from processes where id = $1::uuid":           "a process takes its row away when it ends",
	"select set_config('lock_timeout', $1, true)": "a start, a completion and a look of the timetable bound " +
		"their waits, once an event or every 5 s",
	"select pg_has_role(relowner, 'usage') from pg_class where oid = 'river.river_job'::regclass": "a process asks once " +
		"whether it may build River's indexes anew",
	"select clock_timestamp()": "a process compares its clock once a second",
	"select 1":                 "River asks whether the server is there",
	"-- ping":                  "the pool asks whether a connection is still there",
}

// often holds what the product executes more often, and why.
var often = map[string]string{
	"begin":  "River's transactions, the bench's own look at the event, and starts of processes",
	"commit": "as begin",
	"select wrapped from event_keys where event_id = $1":                    "a process that grants reads an event's key once",
	"select scope, by, memo, at from brakes order by scope <> 'all', scope": "the timetable looks for events that run under a brake",
	"savepoint sp_1":         "a process looks every 5 s what stands still",
	"release savepoint sp_1": "as savepoint sp_1",
	"select now()":           "an import looks whether its event has expired",
	eventQuery:               "the bench itself asks until the event is COMPLETED",
}

// The floor returns what the product's own statements cost: the server is sent the same ones by both, as often, but for
// River's and those of the lists above.
func TestBenchFloorIsTheSameSQL(t *testing.T) {
	t.Parallel()
	sent := sentBy(t, 3000)
	for sql, n := range sent[bench.Floor] {
		if often[sql] == "" && !perProcess.MatchString(sql) {
			assert.Equal(t, n, sent[bench.Pipeline][sql], "the floor executes it %d times: %s", n, sql)
		}
	}
	for sql := range sent[bench.Pipeline] {
		if extra[sql] == "" && !besides(sql) {
			assert.Positive(t, sent[bench.Floor][sql], "the floor does without: %s", sql)
		}
	}
}

// eventQuery stands for the long list of columns of an event.
const eventQuery = "select an event"

var (
	rivers = regexp.MustCompile(`river|pg_notify|^(un)?listen|pggetproductandversion`)
	// A session sets itself up once, with its own pid in the statement; a process tells every few seconds that it
	// lives.
	perProcess = regexp.MustCompile(`^(set local work_mem = '4mb'; )?select own, (pg_catalog\.)?current_setting\('transaction_read_only'\)|^insert into processes as mine `)
	// Each session holds the lock of its process's life, and a process looks once a second whose is free.
	lives = regexp.MustCompile(`^select pg_catalog\.pg_advisory_lock_shared\(|^with lives as materialized `)
	// A process looks every few seconds what stands still: events with members that are tried again, too.
	standing = regexp.MustCompile(`^select distinct event_id from \w+_results where redrive - redrive_done > 0 |^select code, label, granter, operation, topic, coalesce\(unit`)
	// An import looks whether the same list was imported before, and keeps a row of what the list holds.
	listMarks = regexp.MustCompile(`^(insert into event_facts |select i\.event_id, e\.campaign_id, i\.created_at, i\.|with own as \(select coalesce\(sum\(list_sum\), 0\))`)
	// The timetable lets points expire each minute, collects what is owed every ten, and counts once a day what will
	// expire.
	ledgerJobs = regexp.MustCompile(`money\.point_(due|sweep|account) |money\.point_(forecast|total)|^set local enable_`)
	migrated   = regexp.MustCompile(`goose|pg_advisory_(un)?lock\(`) // asked whether a migration is missing, when a process starts
)

// besides reports whether the product executes sql beside the road of a grant.
func besides(sql string) bool {
	return slices.ContainsFunc([]*regexp.Regexp{
		rivers, migrated, perProcess, lives, standing, listMarks,
		ledgerJobs,
	}, func(kind *regexp.Regexp) bool {
		return kind.MatchString(sql)
	})
}

// sentBy runs a bench and returns how often the server was sent each statement by either kind of run, as its log says:
// no tracer sees what goes over the wire below pgx, where COPY does.
func sentBy(t *testing.T, members int) map[string]map[string]int {
	t.Helper()
	c := testBench(t, os.Args[0], members, map[string]string{"log_statement": "all", "log_line_prefix": "@%d@%a@ "})
	c.Connections, c.Rows = 2, []string{bench.RowRounds}
	report, err := bench.Measure(t.Context(), c)
	require.NoError(t, err)
	require.Len(t, report.Runs, 4)
	log, err := os.Open(filepath.Join(filepath.Dir(c.Dir), "postgres", "postgres.log"))
	require.NoError(t, err)
	defer func() { _ = log.Close() }()
	return statements(t, log)
}

// testBench is a bench of few members on a server of its own. The row money runs program as its ledger.
func testBench(t *testing.T, program string, members int, options map[string]string) bench.Config {
	t.Helper()
	dir, err := os.MkdirTemp("", "bestow-bench-*")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	require.NoError(t, os.Chmod(dir, 0o711)) // PostgreSQL, which does not run as root, passes through
	all := map[string]string{"fsync": "off"}
	maps.Copy(all, options)
	pg, err := embedpg.Start(t.Context(), embedpg.Options{Dir: filepath.Join(dir, "postgres"), Settings: all})
	require.NoError(t, err)
	t.Cleanup(pg.Kill)
	cfg := benchTestConfig(t, pg.URL)
	cfg.DataDir = dir
	r, err := rig.Start(t.Context(), rig.Options{
		Settings: cfg, Program: program,
		Overrides: daemon.Overrides{Limits: func(l *app.Limits) { l.OwnPartition = members }},
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.Stop()) })
	return r.Config(members, 1)
}

// Sixteen handlers, a ledger that runs apart, many small events, a topic that is delivered once more, and pages of a
// list: each row ends exact, and the redelivery brings every grant and no row.
func TestBenchRows(t *testing.T) {
	t.Parallel()
	const members = 2500
	c := testBench(t, build(t), members, nil)
	c.Rows = []string{bench.RowHandlers, bench.RowMoney, bench.RowUse, bench.RowSmall, bench.RowAgain, bench.RowPage}
	c.UseFor = 100 * time.Millisecond
	report, err := bench.Measure(t.Context(), c)
	require.NoError(t, err)
	require.Len(t, report.Runs, 6)
	for i, row := range c.Rows {
		run := report.Runs[i]
		require.Equal(t, row, run.Row)
		require.True(t, run.Exact, "%s: %v", row, run.Wrong)
		if row != bench.RowPage {
			require.Equal(t, members, run.Targets)
		}
	}
	require.Positive(t, report.Runs[2].Uses.Expiring.Uses)
	require.Positive(t, report.Runs[5].Pages.First)
	require.Positive(t, report.Runs[5].Pages.Last)
	require.Len(t, report.Compare(), 4)
}

// What cannot be measured is refused before anything starts.
func TestBenchRefuses(t *testing.T) {
	t.Parallel()
	for args, says := range map[string]string{
		"--members 99999":                         "--members is 99999",
		"--rounds 0":                              "--rounds is 0",
		"--rival-members 0":                       "--rival-members is 0",
		"--rows=":                                 `--rows names nothing to measure`,
		"--rows rounds,nothing":                   `there is no row "nothing"`,
		"--members 2000000 --rows rounds,x10":     "with --rows x10 it must be at most 1000001",
		"--members 100000 --rival-members 100001": "--rival-members is 100001",
	} {
		var errs strings.Builder
		code := run(t.Context(), append([]string{"bench"}, strings.Fields(args)...),
			&terminal.Terminal{Out: io.Discard, Err: &errs, Env: os.Getenv})
		require.Equal(t, terminal.ExitUsage, code, args)
		require.Contains(t, errs.String(), says)
	}
}

func benchTestConfig(t *testing.T, url string) settings.Config {
	t.Helper()
	cfg, err := env.ParseAsWithOptions[settings.Config](env.Options{Environment: map[string]string{
		"DATABASE_URL": url, "KAFKA_BROKERS": strings.Join(kafkatest.Brokers(t), ","), "BESTOW_MESSAGE_TARGETS": "100",
		"BESTOW_ADDR": "127.0.0.1:0", "BESTOW_OPS_ADDR": "127.0.0.1:0", "BESTOW_ADMIN_KEY": "test",
	}})
	require.NoError(t, err)
	return cfg
}

var (
	logged = regexp.MustCompile(`(?s)^@bestow_bench_(floor|pipeline)_(\d+)@(bestow[^@]*)@ LOG:  (?:statement|execute [^:]+): (.*)$`)
	spaces = regexp.MustCompile(`\s+`)
	stages = regexp.MustCompile(`import_stage_\w+`)
)

// statements counts the statements of a server's log by the kind of run.
func statements(t *testing.T, log io.Reader) map[string]map[string]int {
	t.Helper()
	body, err := io.ReadAll(log)
	require.NoError(t, err)
	sent := map[string]map[string]int{bench.Floor: {}, bench.Pipeline: {}}
	for _, entry := range strings.Split("\n"+string(body), "\n@") {
		m := logged.FindStringSubmatch("@" + strings.TrimSpace(entry))
		if m == nil {
			continue
		}
		sent[m[1]][normal(m[4])]++
	}
	return sent
}

func normal(sql string) string {
	sql = stages.ReplaceAllString(strings.ReplaceAll(strings.ToLower(sql), `"`, ""), "stage")
	sql = strings.TrimSpace(spaces.ReplaceAllString(sql, " "))
	if strings.HasPrefix(sql, "select e.id, e.campaign_id") {
		return eventQuery
	}
	return sql
}
