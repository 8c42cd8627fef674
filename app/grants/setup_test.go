package grants_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"bestow/app"
	"bestow/app/command"
	"bestow/app/imports"
	"bestow/domain"
	"bestow/internal/eventtest"
	"bestow/outbox"

	"github.com/stretchr/testify/require"
)

// handLedger is a ledger that answers what a test says. It is asked by one handler at a time.
type handLedger struct {
	answers   map[string]domain.Outcome // by member; Granted where there is none
	stands    map[string]domain.Outcome // what a lookup finds, by member
	err, away error
	surplus   int    // how many answers it gives beside those of the grants; below 0: so many it leaves out
	reach     int    // with err: for so many it answers before it fails
	while     func() // called while it is asked

	asked, looked []string // members, in their order
}

func (l *handLedger) Grant(_ context.Context, _ domain.Event, _ time.Time,
	grants []domain.Grant,
) ([]domain.Outcome, error) {
	l.asked = append(l.asked, membersOf(grants)...)
	if l.while != nil {
		l.while()
	}
	var failed error
	if l.err != nil {
		grants, failed = grants[:min(l.reach, len(grants))], l.err
	}
	outcomes := make([]domain.Outcome, len(grants))
	for i, g := range grants {
		var answered bool
		if outcomes[i], answered = l.answers[g.MemberID]; !answered {
			outcomes[i] = domain.Outcome{Verdict: domain.Granted, TxID: "tx-" + g.MemberID}
		}
	}
	if l.surplus < 0 {
		return outcomes[:len(outcomes)+l.surplus], failed
	}
	return append(outcomes, make([]domain.Outcome, l.surplus)...), failed
}

func (l *handLedger) Lookup(_ context.Context, _ domain.Event, grants []domain.Grant) ([]*domain.Outcome, error) {
	l.looked = append(l.looked, membersOf(grants)...)
	found := make([]*domain.Outcome, len(grants))
	for i, g := range grants {
		if o, stands := l.stands[g.MemberID]; stands {
			found[i] = &o
		}
	}
	if l.err != nil {
		found = found[:min(l.reach, len(found))]
	}
	return found, l.err
}

func (l *handLedger) Away(domain.Event) error { return l.away }

// grantTest is a database with the path of a grant on it: no Kafka, and a ledger by hand.
type grantTest struct {
	*eventtest.DB

	app    *app.App
	ledger *handLedger
	event  int64
}

// setupGrants makes a RUNNING event whose one chunk has the members m1 to mN, each with 10 points.
func setupGrants(t *testing.T, n int) *grantTest {
	t.Helper()
	s := &grantTest{
		DB:     eventtest.New(t),
		ledger: &handLedger{answers: map[string]domain.Outcome{}, stands: map[string]domain.Outcome{}},
	}
	var err error
	s.app, err = app.New(app.Deps{Pool: s.Pool, River: s.River, Granter: s.ledger})
	require.NoError(t, err)
	s.event = s.Event("partition_count = 1")
	file := strings.Builder{}
	file.WriteString("member_id,amount\n")
	for i := range n {
		fmt.Fprintf(&file, "m%d,10\n", i+1)
	}
	by := command.Caller{Actor: "test"}
	_, err = s.app.Targets.Import(t.Context(), by, s.event,
		imports.Upload{Body: strings.NewReader(file.String()), ContentType: "text/csv"})
	require.NoError(t, err)
	e, _, err := s.app.Events.Start(t.Context(), by, s.event)
	require.NoError(t, err)
	require.Equal(t, domain.Running, e.Value.Status)
	require.Len(t, s.Chunks(s.event), 1)
	s.Exec(`UPDATE point_targets SET publish_status = 'PUBLISHED'`) // as a relay marks what it has published
	s.Exec(`UPDATE grant_chunks SET published_at = now()`)
	s.Exec(`UPDATE campaign_event_summary SET published_count = $1`, n)
	return s
}

// message returns what a relay publishes of the event's chunk at a try.
func (s *grantTest) message(try, redrive int) outbox.Message {
	s.Helper()
	m := outbox.Message{
		ID: "message", Chunk: s.Chunks(s.event)[0], EventType: "POINT",
		At: outbox.Position{Topic: "grants.point"},
	}
	for _, t := range s.Targets(s.event) {
		m.Grants = append(m.Grants, domain.Grant{
			TargetID: t.ID, MemberID: t.Member, Amount: t.Amount, Try: try,
			Redrive: redrive,
		})
	}
	return m
}

// takeOver lets another handler take the chunk's claim, as after the end of the lease.
func (s *grantTest) takeOver() {
	s.Helper()
	s.Exec(`UPDATE grant_chunks SET claim_token = gen_random_uuid(), open_until = now() + interval '1 minute', attempts = attempts + 1`)
}

// result inserts a member's row; set is its SQL, as in "status = 'FAILED'".
func (s *grantTest) result(member, set string) {
	s.Helper()
	s.Exec(`INSERT INTO point_results (event_id, member_id, amount, status) VALUES ($1, $2, 10, 'PENDING')`,
		s.event, member)
	s.Exec(`UPDATE point_results SET `+set+` WHERE event_id = $1 AND member_id = $2`, s.event, member)
	s.Exec(`UPDATE grant_chunks SET claimed_at = now() - interval '1 minute'`)
}

// row is a member's result as the tables of the tests write it: "none", or "SUCCESS tx-m1 retries 1".
func (s *grantTest) row(member string) string {
	s.Helper()
	return s.Text(`SELECT coalesce((SELECT concat_ws(' ', status, money_tx_id, error_code, 'retries ' || nullif(retry_count, 0),
			'redrive ' || nullif(redrive, 0) || '/' || redrive_done)
		FROM point_results WHERE event_id = $1 AND member_id = $2), 'none')`, s.event, member)
}

// counted are the event's counters and how many targets of the chunk are settled: "success 1 fail 0 retried 0 settled
// 1".
func (s *grantTest) counted() string {
	s.Helper()
	return s.Text(`SELECT format('success %s fail %s retried %s settled %s', success_count, fail_count, retry_success_count,
		(SELECT sum(settled_count) FROM grant_chunks)) FROM campaign_event_summary WHERE event_id = $1`, s.event)
}

// claimed says what is left of the chunk's claim: "closed", "open" or "lapsed", and its attempts.
func (s *grantTest) claimed() string {
	s.Helper()
	return s.Text(`SELECT concat_ws(' ', CASE WHEN claim_token IS NULL THEN 'closed' WHEN open_until > clock_timestamp() THEN 'open' ELSE 'lapsed' END,
		nullif(attempts, 0)) FROM grant_chunks`)
}

// asks are the jobs that would ask again, as "retry 1": those that wait for a time of their own.
func (s *grantTest) asks() string {
	s.Helper()
	return s.Text(`SELECT coalesce(string_agg(concat_ws(' ', args->>'mode', nullif(args->>'try', '0')), ', ' ORDER BY id), '')
		FROM river.river_job WHERE kind = 'relay' AND state = 'scheduled'`)
}

func (s *grantTest) status() string {
	s.Helper()
	return s.Text(`SELECT concat_ws(' ', event_status, failure_code) FROM campaign_events WHERE id = $1`, s.event)
}

func membersOf(grants []domain.Grant) (ids []string) {
	for _, g := range grants {
		ids = append(ids, g.MemberID)
	}
	return ids
}
