package main

import (
	"context"
	"testing"
	"time"

	"bestow/app/grants"
	"bestow/cmd/bestow/daemon"
	"bestow/domain"
	"bestow/outbox"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// answers is a ledger that waits until it is let go, and then says the same of every grant; what it grants it grants in
// the real ledger.
type answers struct {
	grants.Granter
	verdict domain.Verdict
	asked   chan struct{}
	release chan struct{}
}

func (a answers) Grant(ctx context.Context, e domain.Event, _ time.Time,
	batch []domain.Grant,
) ([]domain.Outcome, error) {
	close(a.asked)
	<-a.release
	if a.verdict == domain.Granted {
		return a.Granter.Grant(context.WithoutCancel(ctx), e, time.Now().Add(time.Minute), batch)
	}
	out := make([]domain.Outcome, len(batch))
	for i := range out {
		out[i] = domain.Outcome{Verdict: a.verdict, Code: "refused", Message: "not now"}
	}
	return out, nil
}

// message is the event's first chunk as a relay publishes it.
func (w *world) message(e domain.Event) outbox.Message {
	w.Helper()
	return w.messages(e)[0]
}

// messages are the event's chunks as a relay publishes them, from what the rows say now.
func (w *world) messages(e domain.Event) (all []outbox.Message) {
	w.Helper()
	const query = `SELECT c.event_id, c.partition_key, c.first_id, c.last_id, t.id, t.member_id, t.amount, coalesce(t.reason, e.default_reason)
		FROM grant_chunks c JOIN point_targets t ON t.event_id = c.event_id AND t.id BETWEEN c.first_id AND c.last_id
		JOIN campaign_events e ON e.id = c.event_id WHERE c.event_id = $1 ORDER BY c.first_id, t.id`
	rows, err := w.pool.Query(w.Context(), query, e.ID)
	require.NoError(w, err)
	var c domain.Chunk
	var g domain.Grant
	_, err = pgx.ForEachRow(rows,
		[]any{
			&c.EventID, &c.PartitionKey, &c.First, &c.Last, &g.TargetID, &g.MemberID, &g.Amount,
			&g.Reason,
		}, func() error {
			if len(all) == 0 || all[len(all)-1].Chunk != c {
				all = append(all, outbox.Message{
					Chunk: c, EventType: e.Type.Code,
					At: outbox.Position{Topic: w.cfg.TopicPrefix + ".point"},
				})
			}
			m := &all[len(all)-1]
			m.Grants = append(m.Grants, g)
			return nil
		})
	require.NoError(w, err)
	return all
}

// Two claims of one chunk, the first of which ran out: whatever the two are told, in whatever order they come back, a
// grant is a success, a refusal of the one who lost the claim is nothing, and each refusal is counted once (F42).
func TestTwoClaimsOfOneChunk(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name          string
		first, second domain.Verdict
		want          domain.ResultStatus
		refusals      int
	}{
		{"both granted", domain.Granted, domain.Granted, domain.Succeeded, 0},
		{"refused late, granted", domain.RefusedForNow, domain.Granted, domain.Succeeded, 0},
		{"granted late, refused for good", domain.Granted, domain.RefusedForGood, domain.Succeeded, 1},
		{"granted late, refused", domain.Granted, domain.RefusedForNow, domain.Succeeded, 1},
		{"both refused", domain.RefusedForNow, domain.RefusedForNow, domain.Refused, 1},
		{"refused for good late, refused", domain.RefusedForGood, domain.RefusedForNow, domain.Refused, 1},
		{"unknown late, granted", domain.Unknown, domain.Granted, domain.Succeeded, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			one := answers{verdict: c.first, asked: make(chan struct{}), release: make(chan struct{})}
			two := answers{verdict: c.second, asked: make(chan struct{}), release: make(chan struct{})}
			first := w.handler(&one)
			second := w.handler(&two)
			e := w.event(first, "POINT", 20)
			w.run(first, e)
			m := w.message(domain.Event{ID: e.ID, Type: e.Type})

			late := make(chan error, 1)
			go func() { late <- first.App.Grants.Handle(t.Context(), m) }()
			<-one.asked
			require.ErrorIs(t, second.App.Grants.Handle(t.Context(), m), outbox.ErrBusy, "one claim at a time")
			close(two.release)
			require.Eventually(t, func() bool { return second.App.Grants.Handle(t.Context(), m) == nil }, time.Minute,
				50*time.Millisecond)
			close(one.release)
			require.NoError(t, <-late)

			n := len(m.Grants)
			require.Equal(t, n, w.count(`SELECT count(*) FROM point_results WHERE status = $1 AND retry_count = $2`,
				c.want, c.refusals))
			settled := 0
			if c.want.Final() {
				settled = n
			}
			require.Equal(t, settled,
				w.count(`SELECT settled_count FROM grant_chunks WHERE event_id = $1 AND first_id = $2`, e.ID,
					m.Chunk.First))
			require.Equal(t, settled,
				w.count(`SELECT success_count + fail_count FROM campaign_event_summary WHERE event_id = $1`, e.ID))
			granted := 0
			if c.first == domain.Granted || c.second == domain.Granted {
				granted = n
			}
			require.Equal(t, granted, w.count(`SELECT count(*) FROM money.point_member`))
			require.Zero(t, w.count(`SELECT count(*) FROM grant_chunks WHERE open_until > now() + interval '1 minute'`))
		})
	}
}

// handler is a process that handles only what the test hands to it, with a ledger of the test's.
func (w *world) handler(a *answers) *daemon.Process {
	w.Helper()
	p, _ := w.start(w.Context(),
		daemon.Overrides{Granter: func(g grants.Granter) grants.Granter { a.Granter = g; return a }}, daemon.RoleAPI)
	return p
}

// The same message, delivered sixteen times at once and then again and again, is one grant and one count.
func TestTheSameMessageManyTimes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p, _ := w.start(t.Context(), daemon.Overrides{}, daemon.RoleAPI)
	e := w.event(p, "POINT", 60)
	w.run(p, e)
	m := w.message(e)
	const times = 16
	results := make(chan error, times)
	for range times {
		go func() { results <- p.App.Grants.Handle(t.Context(), m) }()
	}
	for range times {
		if err := <-results; err != nil {
			require.ErrorIs(t, err, outbox.ErrBusy)
		}
	}
	require.NoError(t, p.App.Grants.Handle(t.Context(), m))
	require.Equal(t, len(m.Grants), w.count(`SELECT count(*) FROM money.point_member`))
	require.Equal(t, len(m.Grants),
		w.count(`SELECT success_count FROM campaign_event_summary WHERE event_id = $1`, e.ID))
	require.Equal(t, len(m.Grants),
		w.count(`SELECT settled_count FROM grant_chunks WHERE event_id = $1 AND first_id = $2`, e.ID, m.Chunk.First))
}
