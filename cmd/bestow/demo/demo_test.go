package demo

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"bestow/cmd/bestow/daemon"
	"bestow/cmd/bestow/terminal"
	"bestow/domain"
	"bestow/http/api"
	"bestow/internal/english"
	"bestow/internal/picky"
	"bestow/money/moneyclient"

	"github.com/rivo/uniseg"
	"github.com/stretchr/testify/require"
)

// The demo shows refusals, ends with its proof, and its last screen says the numbers that are in the rows.
func TestDemoShowsRefusals(t *testing.T) {
	t.Parallel()
	w := newStage(t)
	p := w.start(demoOverrides(), daemon.AllRoles...)
	var screen bytes.Buffer
	d := &demo{out: &screen, cfg: w.cfg, process: p}
	require.NoError(t, d.show(t.Context(), 3_000))
	const refused = `SELECT count(*) FROM (SELECT status, error_code, retry_count FROM point_results
		UNION ALL SELECT status, error_code, retry_count FROM voucher_results) r WHERE `
	forGood := w.count(refused + `status = 'PERMANENTLY_FAILED' AND error_code = 'account_closed' AND retry_count = 1`)
	forNow := w.count(refused + `status = 'SUCCESS' AND retry_count = 1`)
	require.Positive(t, forGood)
	require.Positive(t, forNow)
	require.Equal(t, 3_300-forGood, w.count(refused+`status = 'SUCCESS'`))
	words := strings.Join(strings.Fields(screen.String()), " ")
	require.Contains(t, words,
		fmt.Sprintf(" Refused for good (account_closed): %s. ", english.Count(forGood, "member")))
	require.Contains(t, words, fmt.Sprintf(" Refused at first (account_busy), and granted by a retry: %s. ",
		english.Count(forNow, "member")))
	require.Contains(t, screen.String(), "✓ I15")
	require.NotContains(t, screen.String(), " results list ", "nothing answers when it has ended")
	require.NotContains(t, screen.String(), " retry 1")
	require.Contains(t, screen.String(), "With --stay the demo stays up")
	for line := range strings.Lines(screen.String()) {
		require.Less(t, uniseg.StringWidth(strings.TrimSuffix(line, "\n")), plainColumns, line)
	}
}

// A demo whose proof does not hold ends with an error.
func TestDemoWithoutProof(t *testing.T) {
	t.Parallel()
	w := newStage(t)
	p := w.start(demoOverrides(), daemon.AllRoles...)
	var screen bytes.Buffer
	d := &demo{out: &screen, cfg: w.cfg, process: p}
	events, err := d.makeEvents(t.Context(), 100)
	require.NoError(t, err)
	for _, e := range events {
		w.run(p, e)
		w.completed(p, e.ID)
	}
	w.exec(`UPDATE campaign_event_summary SET success_count = success_count - 1, fail_count = fail_count + 1`)
	require.ErrorContains(t, d.prove(t.Context(), events, domain.Summary{}), "the proof does not hold")
}

// Only the demo's own events are played with, and a member is refused the same way however often it is asked for.
func TestDemoRefusesItsOwnMembersOnly(t *testing.T) {
	t.Parallel()
	verdicts := map[domain.Verdict]int{}
	for i := range 10_000 {
		g := domain.Grant{MemberID: fmt.Sprintf("M%d", i)}
		others, _ := refuse(domain.Event{CampaignID: "spring"}, g)
		require.False(t, others)
		refused, o := refuse(domain.Event{CampaignID: demoCampaign + "POINT"}, g)
		if !refused {
			continue
		}
		verdicts[o.Verdict]++
		again, same := refuse(domain.Event{CampaignID: demoCampaign + "VOUCHER"}, g)
		require.True(t, again)
		require.Equal(t, o, same)
		g.Try = 1
		again, _ = refuse(domain.Event{CampaignID: demoCampaign + "POINT"}, g)
		require.Equal(t, picky.Of(g.MemberID) == picky.Closed, again,
			"at the retry only an account that stays closed is refused")
	}
	require.InDelta(t, 100, verdicts[domain.RefusedForNow], 40)
	require.InDelta(t, 20, verdicts[domain.RefusedForGood], 18)
}

// What a killed demo had begun is finished before anything new begins.
func TestDemoGoesOn(t *testing.T) {
	t.Parallel()
	w := newStage(t)
	p := w.start(daemon.Overrides{}, daemon.RoleAPI, daemon.RoleRelay, daemon.RoleJobs)
	var screen bytes.Buffer
	d := &demo{out: &screen, cfg: w.cfg, process: p}
	events, err := d.makeEvents(t.Context(), 2_000)
	require.NoError(t, err)
	for _, e := range events {
		w.run(p, e)
	}
	finished := make(chan error, 1)
	go func() { finished <- d.finishEarlier(t.Context()) }()
	select {
	case err := <-finished:
		require.Fail(t, "nobody handles them yet", "%v", err)
	case <-time.After(100 * time.Millisecond):
	}
	w.start(demoOverrides(), daemon.RoleHandler)
	require.NoError(t, <-finished)
	require.Equal(t, 2, w.count(`SELECT count(*) FROM campaign_events WHERE event_status = 'COMPLETED'`))
	require.Contains(t, screen.String(), "2 events of a killed demo with 2,200 members")
}

// A demo that stands still says why, once for each cause, and when it goes on; what passes at once is not told, and
// neither is what an event waits for while another one moves (newcomer3 Q1).
func TestDemoSaysWhyItWaits(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	s := newBar(&out, terminal.Screen{}, 100, false, true)
	s.draw(50)
	away := []api.Reason{{Code: "kafka_away", Text: "no broker answers"}}
	patient := waits{lasts: time.Hour, since: time.Now()}
	patient.tell(s, 0, away)
	require.Empty(t, out.String())
	retry := []api.Reason{{
		Code: "retry",
		Text: "what is left was refused for now, and is tried again at 2026-11-29T12:49:36Z",
	}}
	late := []api.Reason{{
		Code: "retry",
		Text: "what is left was refused for now; its retry was due at 2026-11-29T12:49:36Z and begins by itself",
	}}
	w := waits{zone: time.FixedZone("KST", 9*60*60)}
	for _, look := range []struct {
		settled int
		reasons []api.Reason
	}{
		{50, retry},
		{51, retry},
		{52, retry}, // an event waits, and the other one moves
		{52, nil},
		{52, away},
		{52, away},
		{52, append(away, api.Reason{Code: "relay", Text: "no relay"})},
		{52, nil},
		{52, nil},
		{52, retry},
		{53, retry},
		{54, retry},
		{54, retry},
		{54, late},
		{54, late},
		{54, nil},
		{54, away},
		{100, nil}, // nothing is left to do
	} {
		w.tell(s, look.settled, look.reasons)
	}
	const waitsForRetry = "      50 %  waits    what is left was refused for now, and is tried again at\n" +
		"                     21:49:36 KST\n"
	require.Equal(t, "      50 %  waits    no broker answers\n"+
		"      50 %  waits    no broker answers; no relay\n"+
		"      50 %  goes on\n"+
		waitsForRetry+"      50 %  goes on\n"+
		waitsForRetry+
		"      50 %  waits    what is left was refused for now; its retry was due at\n"+
		"                     21:49:36 KST and begins by itself\n"+
		"      50 %  goes on\n"+
		"      50 %  waits    no broker answers\n", out.String())
}

// A demo that stays names a way to see a member's points, and the ledger's listener is there for it (newcomer3 Q2).
func TestDemoNamesAWayToAMembersPoints(t *testing.T) {
	t.Parallel()
	w := newStage(t)
	d := &demo{out: io.Discard, cfg: w.cfg, dir: t.TempDir()}
	d.cfg.MoneyToken, d.cfg.MoneyAddr = "", "127.0.0.1:0"
	require.NoError(t, d.openLedger(t.Context()))
	w.cfg = d.cfg
	d.process = w.start(demoOverrides(), daemon.AllRoles...)
	require.NoError(t, d.show(t.Context(), 10))
	var screen bytes.Buffer
	d.out = &screen
	d.lookAround()
	require.Contains(t, screen.String(), "\n    Log      "+filepath.Join(d.dir, "demo.log")+"\n")
	for line := range strings.Lines(strings.ReplaceAll(screen.String(), os.Args[0], "bestow")) {
		if !strings.Contains(line, d.dir) {
			require.Less(t, uniseg.StringWidth(strings.TrimSuffix(line, "\n")), plainColumns, line)
		}
	}
	env := map[string]string{}
	for _, setting := range regexp.MustCompile(`(BESTOW_MONEY_\w+)=(\S+)`).FindAllStringSubmatch(screen.String(), -1) {
		env[setting[1]] = setting[2]
	}
	ask := regexp.MustCompile(`(?m) member balance (\S+)$`).FindStringSubmatch(screen.String())
	require.NotEmpty(t, ask, screen.String())
	ledger, err := moneyclient.New(moneyclient.Config{URL: env["BESTOW_MONEY_URL"], Token: env["BESTOW_MONEY_TOKEN"]})
	require.NoError(t, err)
	t.Cleanup(ledger.Close)
	member, err := ledger.Member(t.Context(), ask[1])
	require.NoError(t, err)
	require.EqualValues(t, 1_000, member.Balance)
}
