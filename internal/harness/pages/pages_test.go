package main

import (
	"context"
	"errors"
	"flag"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"bestow/internal/harness/testbed"
	"bestow/internal/pgtest"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// A command line that makes no sense is refused in words.
func TestOptions(t *testing.T) {
	t.Parallel()
	o, err := readOptions(nil)
	require.NoError(t, err)
	require.Equal(t, options{targets: 1_000_000, events: 1000, watchers: 500, rounds: 20, watch: 30 * time.Second}, o)
	for _, args := range []string{"x", "-events 10", "-targets 1", "-watchers 0", "-rounds 0", "-watch 0s"} {
		_, err := readOptions(strings.Fields(args))
		require.ErrorContains(t, err, "read arguments: ", args)
	}
	_, err = readOptions([]string{"-h"})
	require.ErrorIs(t, err, flag.ErrHelp)
}

// The tables are filled as the product fills them: each event adds up, and the audit is chained.
func TestFill(t *testing.T) {
	t.Parallel()
	db, err := pgx.Connect(t.Context(), pgtest.URL(t))
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close(context.WithoutCancel(t.Context())) })
	require.NoError(t, fill(t.Context(), db.Config().ConnString(), options{targets: 30_000, events: 300}, io.Discard))
	none := map[string]string{
		"events whose targets are not what they say": `SELECT count(*) FROM campaign_events e WHERE total_count <>
			(SELECT count(*) FROM point_targets WHERE event_id = e.id) + (SELECT count(*) FROM voucher_targets WHERE event_id = e.id)`,
		"events whose sum is not what they say": `SELECT count(*) FROM campaign_events e WHERE event_type = 'POINT'
			AND total_amount <> (SELECT sum(amount) FROM point_targets WHERE event_id = e.id)`,
		"events whose results are not what they say": `SELECT count(*) FROM campaign_events e JOIN campaign_event_summary s ON s.event_id = e.id
			WHERE event_type = 'POINT' AND (s.success_count, s.fail_count) <> (SELECT count(*) FILTER (WHERE status = 'SUCCESS'),
				count(*) FILTER (WHERE status = 'PERMANENTLY_FAILED') FROM point_results WHERE event_id = e.id)`,
		"chunks that hold other targets than they say": `SELECT count(*) FROM grant_chunks c JOIN campaign_events e ON e.id = c.event_id
			WHERE event_type = 'POINT' AND target_count <> (SELECT count(*) FROM point_targets WHERE event_id = c.event_id
				AND partition_key = c.partition_key AND id BETWEEN first_id AND last_id)`,
		"grants that the ledger does not have": `SELECT count(*) FROM point_results r WHERE status = 'SUCCESS' AND NOT EXISTS
			(SELECT FROM money.point_member WHERE idempotency_key = 'grant:' || r.event_id || ':' || r.member_id)`,
		"changes that are not chained": `SELECT count(*) FROM audit_log l WHERE NOT EXISTS (SELECT FROM audit_chain WHERE audit_id = l.id)`,
	}
	for what, query := range none {
		var n int
		require.NoError(t, db.QueryRow(t.Context(), query).Scan(&n), what)
		require.Zero(t, n, what)
	}
	p, err := readPlaces(t.Context(), db)
	require.NoError(t, err)
	require.NotZero(t, p.Running)
	require.Contains(t, p.paths(), "/console/members/"+p.Member)
}

// visitorAt is a person at a server.
func visitorAt(t *testing.T, handle http.HandlerFunc) *visitor {
	t.Helper()
	server := httptest.NewServer(handle)
	t.Cleanup(server.Close)
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	return &visitor{&http.Client{Jar: jar}, server.URL, map[string]int{}}
}

// A page weighs what gzip makes of it and of what it asks for. One that is slow or heavy is named.
func TestVisits(t *testing.T) {
	t.Parallel()
	c := visitorAt(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/console/assets/a.css":
			_, _ = io.WriteString(w, strings.Repeat("a", 10_000))
		case "/console/broken":
			w.WriteHeader(http.StatusInternalServerError)
		default:
			_, _ = io.WriteString(w, `<link href="/console/assets/a.css">`)
		}
	})
	visits, err := c.visitAll(t.Context(), []string{"/console", "/console/types"}, 3)
	require.NoError(t, err)
	require.Len(t, visits, 2)
	require.Len(t, visits[0].took, 3)
	require.InDelta(t, 120, visits[0].bytes, 40, "both are squeezed")
	require.NoError(t, judge([]visit{{path: "/console", took: []time.Duration{mostTime}, bytes: mostBytes}}))
	require.EqualError(t, judge([]visit{{path: "/a", took: []time.Duration{mostTime + time.Millisecond}, bytes: mostBytes + 1}}),
		"/a took 101.0 ms: it must be at most 100\n/a has 150001 bytes: it must be at most 150000")
	_, err = c.visitAll(t.Context(), []string{"/console/broken"}, 1)
	require.EqualError(t, err, "open /console/broken: the answer is 500 Internal Server Error")
	var out strings.Builder
	printVisits(&out, visits)
	require.Contains(t, out.String(), "/console/types")
}

// A page that only asks to sign in is not measured.
func TestSignIn(t *testing.T) {
	t.Parallel()
	c := visitorAt(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/console/sign-in" {
			http.Redirect(w, r, "/console/sign-in", http.StatusSeeOther)
		}
	})
	_, err := signIn(t.Context(), &testbed.API{URL: c.origin + "/api/v1", Key: "k"})
	require.EqualError(t, err, "sign in: the answer is 200 OK from /console/sign-in")
	_, _, err = c.get(t.Context(), "/console")
	require.EqualError(t, err, "open /console: it asks to sign in")
}

// A watcher counts messages, and says when its stream ends.
func TestFollow(t *testing.T) {
	t.Parallel()
	c := visitorAt(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, ": x\n\ndata: 1\n\ndata: 2\n\n")
	})
	var opened, got atomic.Int64
	require.ErrorContains(t, follow(t.Context(), c.http, c.origin, &opened, &got), "has ended")
	require.EqualValues(t, 1, opened.Load())
	require.EqualValues(t, 2, got.Load())
}

// The time of a process is read from what the kernel says of it.
func TestCPU(t *testing.T) {
	t.Parallel()
	used, err := parseStat("7 (a b) c) S 1 7 7 0 -1 4194560 2 0 0 0 150 50 0 0 20 0 9 0 1")
	require.NoError(t, err)
	require.Equal(t, 2*time.Second, used)
	for _, line := range []string{"", "7 (a) S 1", "7 (a) S 1 7 7 0 -1 4194560 2 0 0 0 x 50 0 0"} {
		_, err := parseStat(line)
		require.ErrorContains(t, err, "read the time of the api", line)
	}
	_, err = cpuOf(os.Getpid())
	if errors.Is(err, os.ErrNotExist) {
		return // no Linux
	}
	require.NoError(t, err)
}
