package main

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"bestow/app"
	"bestow/cmd/bestow/terminal"
	bestowhttp "bestow/http"
	"bestow/http/api"
	"bestow/internal/apitest"
	"bestow/internal/pgtest"
	"bestow/jobs"

	"github.com/go-json-experiment/json"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
)

// shell is a person at the command line of a server.
type shell struct {
	testing.TB
	env         map[string]string
	in          string
	interactive bool
	columns     int // of the screen; 0: a pipe
	pool        *pgxpool.Pool
	dir         string
}

func newShell(t *testing.T) *shell {
	t.Helper()
	pool := pgtest.New(t)
	inserter, err := jobs.NewInserter(pool)
	require.NoError(t, err)
	log := slog.New(slog.DiscardHandler)
	a, err := app.New(app.Deps{Pool: pool, River: inserter, Log: log})
	require.NoError(t, err)
	s := &shell{TB: t, pool: pool, dir: t.TempDir()}
	s.serve(apitest.Handler(t, bestowhttp.Config{App: a, AdminKey: "key", Log: log}))
	return s
}

func (s *shell) serve(h http.Handler) {
	server := httptest.NewServer(h)
	s.Cleanup(server.Close)
	s.env = map[string]string{"BESTOW_URL": server.URL, "BESTOW_KEY": "key"}
}

// run works a command line, whose words are separated by blanks.
func (s *shell) run(line string) (code int, out, errs string) {
	s.Helper()
	var o, e bytes.Buffer
	term := &terminal.Terminal{
		In: strings.NewReader(s.in), Out: &o, Err: &e,
		Env: func(name string) string { return s.env[name] }, Interactive: s.interactive,
		Screen: terminal.Screen{Columns: s.columns},
	}
	code = run(s.Context(), strings.Fields(line), term)
	return code, o.String(), e.String()
}

// done requires success, and returns what was printed.
func (s *shell) done(line string) (out, errs string) {
	s.Helper()
	code, out, errs := s.run(line)
	require.Equal(s, terminal.ExitDone, code, errs)
	return out, errs
}

func (s *shell) file(name, content string) string {
	s.Helper()
	path := filepath.Join(s.dir, name)
	require.NoError(s, os.WriteFile(path, []byte(content), 0o600))
	return path
}

func (s *shell) sql(change string) {
	s.Helper()
	_, err := s.pool.Exec(s.Context(), change)
	require.NoError(s, err)
}

var moment = regexp.MustCompile(`20[0-9]{2}-[0-9]{2}-[0-9]{2} [0-9:]{8} KST`)

func timeless(s string) string { return moment.ReplaceAllString(s, "NOW") }

const created = `id                    1
campaign_id           spring
name                  -
event_type            POINT
event_status          PENDING
failure_code          -
targets               0, 0 P in all
published             0
success               0, 0 of them after a refusal
fail                  0
default_amount        500 P
default_reason        -
expiry_at             2999-12-31 23:59:59 KST
partition_count       4
reservation_at        -
reservation_priority  -
created               NOW by admin
started_at            -
completed_at          -
stopped_at            -
stopped_memo          -
`

// The way of an operator, line by line.
func TestCommandLine(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	out, errs := s.done("event create --campaign-id spring --event-type POINT --default-amount 500 --expiry-at " +
		"2999-12-31T23:59:59")
	require.Equal(t, created, timeless(out))
	require.Equal(t, "next: bestow targets import 1 FILE\n", errs)
	list := s.file("list.csv", "member_id,amount,reason\nm1,100,\nm2,,=1+1\nm3,1000원,=1\n")
	out, errs = s.done("targets import spring " + list + " --dry-run")
	require.Equal(t, "2 targets would be imported, 600 P in all; 1 row rejected\n", out)
	require.Equal(t, "nothing was kept: it was a dry run\n", errs)
	out, errs = s.done("targets import spring " + list)
	require.Equal(t, "2 targets imported, 600 P in all; 1 row rejected\n", out)
	require.Equal(t, "see them: bestow targets rejected 1 --import 1\n", errs)
	out, _ = s.done("targets rejected spring")
	require.Regexp(t, "^\uFEFFline,error_code,reason,raw\n4,bad_amount,.*,\"m3,1000원,=1\"\n$", out)
	out, _ = s.done("targets rejected 1 --import 1 --original")
	require.Equal(t, "\uFEFFmember_id,amount,reason\nm3,1000원,=1\n", out)
	s.in = "member_id\nm9\n"
	out, errs = s.done("targets import 1 -")
	require.Equal(t, "1 target imported, 500 P in all; 0 rows rejected\n", out)
	require.Equal(t, "next: bestow event start 1\n", errs)
	out, _ = s.done("targets list spring")
	require.Equal(t,
		"IMPORT  ACCEPTED  REJECTED  AMOUNT  CREATED                  BY     FILE\n2       1         0         500 P   NOW  "+
			"admin  -\n1       2         1         600 P   NOW  admin  list.csv\n", timeless(out))
	out, errs = s.done("targets rejected spring --import 2")
	require.Empty(t, out)
	require.Equal(t, "import 2 of event 1 has no rejected rows\n", errs)
	out, errs = s.done("event start spring")
	require.Equal(t, "next: bestow event watch 1\n", errs)
	require.Contains(t, out, "event_status          RUNNING\n")
	require.Contains(t, out, "targets               3, 1,100 P in all\n")
	out, errs = s.done("event list")
	require.Equal(t,
		"ID  CAMPAIGN  TYPE   STATUS   TARGETS  SUCCESS  FAIL  CREATED                  WAITING FOR\n1   spring    "+
			"POINT  RUNNING  3        0        0     NOW  relay\n", timeless(out))
	require.Empty(t, errs)
	s.sql(`UPDATE campaign_event_summary SET success_count = 2, fail_count = 1, completed_at = now()`)
	s.sql(`UPDATE campaign_events SET event_status = 'COMPLETED'`)
	s.sql(`INSERT INTO point_results (event_id, member_id, amount, status, error_code, error_message)
		VALUES (1, 'm9', 500, 'PERMANENTLY_FAILED', 'account_closed', E'closed\t\n\x1bby the member')`)
	out, _ = s.done("event show spring")
	require.Contains(t, out, "fail                  1 (account_closed 1)\n")
	out, errs = s.done("results list spring --failed")
	require.Equal(t,
		"MEMBER  AMOUNT  STATUS              REFUSED  LEDGER ENTRY  CHANGED                  REASON\nm9      500 P   "+
			"PERMANENTLY_FAILED  0        -             NOW  account_closed: closed   by the member\n", timeless(out))
	require.Empty(t, errs)
	out, errs = s.done("results list spring --member m1")
	require.Equal(t, 1, strings.Count(out, "\n"), out)
	require.Equal(t, "m1: the member is in the list of the event, and the ledger was not asked for it yet\n", errs)
	_, errs = s.done("results list spring --member m3")
	require.Equal(t, "m3: a row with the member was rejected (bad_amount): line 4 of import 1\nsee it: "+
		"bestow targets rejected 1 --import 1\n", errs)
	out, _ = s.done("event watch spring")
	require.Equal(t, "COMPLETED 100%  2 of 3 granted, 1 failed (account_closed 1)\n", out)
}

// With -o json a machine gets what the API says.
func TestCommandLineJSON(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	out, errs := s.done("event create -o json --campaign-id a --event-type POINT")
	require.Empty(t, errs)
	var e api.Event
	require.NoError(t, json.Unmarshal([]byte(out), &e))
	require.Equal(t, "a", e.CampaignID)
	s.done("event create --campaign-id b --event-type POINT")
	var page api.Events
	out, _ = s.done("event list -o json --limit 1")
	require.NoError(t, json.Unmarshal([]byte(out), &page))
	require.Equal(t, "b", page.Items[0].CampaignID)
	out, errs = s.done("event list --limit 1")
	require.Contains(t, out, "b ")
	require.Equal(t, "there are more: --cursor "+*page.NextCursor+"\n", errs)
	out, _ = s.done("event list --cursor " + *page.NextCursor)
	require.Contains(t, out, "\n1   a ")
	var r api.ImportResult
	out, _ = s.done("targets import -o json a " + s.file("l.NDJSON", `{"member_id": "m", "amount": 5}`))
	require.NoError(t, json.Unmarshal([]byte(out), &r))
	require.Equal(t, int64(5), r.TotalAmount)
	code, out, errs := s.run("targets import -o json b " + s.file("bad.csv", "member_id,amount\nm1,x\n"))
	require.Equal(t, terminal.ExitFailed, code)
	require.Empty(t, out)
	var refused api.Problem
	require.NoError(t, json.Unmarshal([]byte(errs), &refused))
	require.Equal(t, "all_rejected", refused.Code)
	require.Equal(t, "m1,x", refused.RejectedRows[0].Raw)
	s.sql(`UPDATE campaign_events SET event_status = 'STOPPED'`)
	code, out, errs = s.run("event watch -o json a")
	require.Equal(t, terminal.ExitFailed, code)
	require.JSONEq(t, `{"detail": "event 1 is STOPPED", "code": "wrong_status", "hint": "`+
		"`bestow event resume 1` continues it"+`"}`, errs)
	var p api.Progress
	require.NoError(t, json.Unmarshal([]byte(out), &p))
	require.Equal(t, "STOPPED", p.EventStatus)
	for _, line := range []string{"version", "version -o json"} {
		out, _ = s.done(line)
		require.Contains(t, out, "go1.")
	}
	for line, path := range map[string]string{"openapi": "/events/{id}", "openapi --money": "/points/grants"} {
		out, _ = s.done(line)
		var doc struct {
			OpenAPI string         `json:"openapi"`
			Paths   map[string]any `json:"paths"`
		}
		require.NoError(t, json.Unmarshal([]byte(out), &doc), line)
		require.Equal(t, "3.1.0", doc.OpenAPI, line)
		require.Contains(t, doc.Paths, path, line)
	}
}

// What is wrong, what to do, and the exit code: 1 for what failed, 2 for what cannot be asked like this.
func TestCommandLineRefusals(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.done("event create --campaign-id a --event-type POINT")
	list := s.file("bad.csv", "member_id,amount\n"+strings.Repeat("m,x\n", 12))
	for line, want := range map[string]struct {
		code int
		errs string
	}{
		"":                         {terminal.ExitUsage, ""},
		"nonsense":                 {terminal.ExitUsage, "unexpected argument nonsense"},
		"event":                    {terminal.ExitUsage, `expected one of "create"`},
		"event show":               {terminal.ExitUsage, `expected "<event>"`},
		"event show a b":           {terminal.ExitUsage, "unexpected argument b"},
		"event create":             {terminal.ExitUsage, "missing flags: --campaign-id=ID, --event-type=TYPE"},
		"event list --limit 0":     {terminal.ExitUsage, "--limit is 0: it must be 1 to 1000"},
		"event list --status GONE": {terminal.ExitUsage, `--status: "GONE" is none of PENDING, RUNNING, COMPLETED, STOPPED, FAILED` + "\n"},
		"results list a --failed --status SUCCESS":                             {terminal.ExitUsage, "--failed is --status PERMANENTLY_FAILED"},
		"event show a -o yaml":                                                 {terminal.ExitUsage, `--output: "yaml" is none of text, json`},
		"targets import a list.xls":                                            {terminal.ExitUsage, "list.xls is neither .csv, .xlsx nor .ndjson"},
		"event create --campaign-id b --event-type POINT --expiry-at tomorrow": {terminal.ExitUsage, `--expiry-at is "tomorrow"`},
		"event create --campaign-id a --event-type COUPON --partition-count 0": {
			terminal.ExitFailed,
			"bestow: the event cannot be like this\n  event_type: must be one of POINT, " +
				"VOUCHER\n  partition_count: must be 1 to 64\n  correct the fields that are named\n",
		},
		"event create --campaign-id a --event-type POINT": {terminal.ExitFailed, "bestow: the campaign_id belongs to event 1\n  use that event, or take another campaign_id\n"},
		"event show nothing":                              {terminal.ExitFailed, "bestow: there is no event \"nothing\"\n  `bestow event list` shows the ids and the campaign_ids\n"},
		"event start a":                                   {terminal.ExitFailed, "bestow: the event has no targets\n  import a member list first\n"},
		"targets rejected a":                              {terminal.ExitFailed, "bestow: no upload of event 1 has rejected rows\n"},
		"targets rejected a --import 9":                   {terminal.ExitFailed, "bestow: event 1 has no import 9\n  `bestow targets list 1` lists the imports of the event\n"},
		"targets import a none.csv":                       {terminal.ExitFailed, "bestow: read member list: open none.csv: no such file or directory\n"},
		"targets import a " + list:                        {terminal.ExitFailed, "  line 11: "},
		"targets import --abort a " + list:                {terminal.ExitFailed, "  and 2 more\n"},
	} {
		code, out, errs := s.run(line)
		require.Equal(t, want.code, code, "%s: %s", line, errs)
		require.Contains(t, errs, want.errs, line)
		if line != "" {
			require.Empty(t, out, line)
		}
	}
	code, out, errs := s.run("--help")
	require.Equal(t, terminal.ExitDone, code)
	require.Empty(t, errs)
	for _, name := range []string{"BESTOW_URL", "BESTOW_KEY", "BESTOW_MONEY_URL", "BESTOW_MONEY_TOKEN", "DATABASE_URL"} {
		require.Contains(t, out, name)
	}
	code, out, errs = s.run("event create --help")
	require.Equal(t, terminal.ExitDone, code)
	require.Contains(t, out, "--reservation-at=TIME")
	require.Empty(t, errs)
}

// A missing key or server is named, with the way to get it.
func TestCommandLineWithoutServer(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	delete(s.env, "BESTOW_KEY")
	code, _, errs := s.run("event list")
	require.Equal(t, terminal.ExitFailed, code)
	require.Contains(t, errs, "BESTOW_KEY is not set\n")
	require.Contains(t, errs, "BESTOW_ADMIN_KEY")
	s.env["BESTOW_KEY"] = "wrong"
	code, _, errs = s.run("event list")
	require.Equal(t, terminal.ExitFailed, code)
	require.Contains(t, errs, "the API key is not valid")
	s.env["BESTOW_URL"] = "http://127.0.0.1:1"
	code, _, errs = s.run("event list")
	require.Equal(t, terminal.ExitFailed, code)
	require.Contains(t, errs, "no answer from http://127.0.0.1:1")
	require.Contains(t, errs, "`bestow serve`")
	s.env["BESTOW_URL"] = "here"
	code, _, errs = s.run("event list")
	require.Equal(t, terminal.ExitFailed, code)
	require.Contains(t, errs, `BESTOW_URL is not the address of a server`)
	s.env["BESTOW_TIME_ZONE"] = "Mars"
	code, _, errs = s.run("event list")
	require.Equal(t, terminal.ExitUsage, code)
	require.Contains(t, errs, `BESTOW_TIME_ZONE is "Mars"`)
}

// On a person's screen one line is written over and over.
func TestInteractive(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.interactive = true
	s.done("event create --campaign-id a --event-type POINT --default-amount 1")
	_, errs := s.done("targets import a " + s.file("list.csv", "member_id\nm\n"))
	require.True(t, strings.HasSuffix(errs, "next: bestow event start 1\n"), "%q", errs)
	s.sql(`UPDATE campaign_event_summary SET success_count = 1`)
	s.sql(`UPDATE campaign_events SET event_status = 'COMPLETED'`)
	out, _ := s.done("event watch a")
	require.Equal(t, "\r\x1b[KCOMPLETED 100%  1 of 1 granted, 0 failed\n", out)
}

// The queue, as an operator sees it.
func TestCommandLineQueue(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	out, errs := s.done("queue")
	require.Empty(t, out)
	require.Equal(t, "nothing is reserved: an event enters a lane by its reservation_at\n", errs)
	list := s.file("list.csv", "member_id,amount\nm1,100\n")
	for _, e := range []string{"last", "first --reservation-priority 1", "empty --reservation-priority 0"} {
		s.done("event create --event-type POINT --reservation-at 2999-12-31T23:59:59 --campaign-id " + e)
	}
	s.done("targets import last " + list)
	s.done("targets import first " + list)
	out, _ = s.done("queue")
	require.Equal(t,
		`LANE                     TURN  ID  CAMPAIGN  TYPE   PRIORITY  TARGETS  STATUS   STARTS                   WAITING FOR
2999-12-31 23:59:59 KST  1     3   empty     POINT  0         0        PENDING  -                        no_targets: the event has no targets: import a member list first
2999-12-31 23:59:59 KST  2     2   first     POINT  1         1        PENDING  2999-12-31 23:59:59 KST  -
2999-12-31 23:59:59 KST  3     1   last      POINT  -         1        PENDING  when the lane is free    lane_busy: other events of the same second come first
`, out)
	s.done("event start last --now")
	out, _ = s.done("queue")
	require.Regexp(t, `KST  1     1   last      POINT  -         1        RUNNING  began 20`, out)
	var q api.Queue
	out, _ = s.done("queue -o json")
	require.NoError(t, json.Unmarshal([]byte(out), &q))
	require.True(t, q.Lanes[0].Busy)
	require.Equal(t, "lane_busy", *q.Lanes[0].Events[2].WaitsFor)
}

// Parked messages, as an operator sees them and sends them again.
func TestCommandLineParked(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	for i, cause := range []string{"newer_version", "undecodable", "newer_version"} {
		s.sql(
			fmt.Sprintf(`INSERT INTO parked_messages (cause, detail, topic, kafka_partition, kafka_offset, payload) VALUES ('%s', 'odd', 'grants.point', 0, %d, 'x')`, cause, i))
	}
	out, errs := s.done("parked list --limit 2")
	require.Equal(t,
		`ID  CAUSE          TOPIC         PARTITION  OFFSET  BYTES  PARKED                   REPLAYED  DETAIL
3   newer_version  grants.point  0          2       1      NOW  -         "odd"
2   undecodable    grants.point  0          1       1      NOW  -         "odd"
`, timeless(out))
	require.Contains(t, errs, "there are more: --cursor ")
	out, _ = s.done("parked replay --cause newer_version")
	require.Equal(t, "published again: 2 messages\n", out)
	out, _ = s.done("parked list")
	require.Equal(t, 2, strings.Count(out, "under way"))
	out, _ = s.done("parked list --open -o json")
	var page api.ParkedPage
	require.NoError(t, json.Unmarshal([]byte(out), &page))
	require.Len(t, page.Items, 1)
	s.done("parked replay 1 2")
	code, _, errs := s.run("parked replay 2 9")
	require.Equal(t, terminal.ExitFailed, code)
	require.Contains(t, errs, "message 9, after 1 were replayed: there is no parked message 9")
	for _, line := range []string{
		"parked replay", "parked replay 1 --cause foreign", "parked replay x",
		"parked list --limit 0",
	} {
		code, _, _ = s.run(line)
		require.Equal(t, terminal.ExitUsage, code, line)
	}
}
