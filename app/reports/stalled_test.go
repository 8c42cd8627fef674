package reports

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"bestow/app/processes"
	"bestow/domain"
	"bestow/internal/eventtest"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
)

// quietEvent makes an event of ten members that runs, with a process in every role, and lets half a minute pass.
func quietEvent(t *testing.T) (*Reports, *pgxpool.Pool) {
	t.Helper()
	db := eventtest.New(t)
	pool := db.Pool
	db.Event()
	runSQL(t, pool, `
		UPDATE campaign_events SET event_status = 'RUNNING', total_count = 10, updated_at = now() - interval '30 seconds';
		UPDATE campaign_event_summary SET updated_at = now() - interval '30 seconds', published_count = 10;
		INSERT INTO imports (event_id, accepted, rejected, bytes, content_type, created_by, sha256, total_amount) VALUES (1, 10, 0, 10, 'text/csv', 't', sha256('x'), 10);
		INSERT INTO grant_chunks (event_id, partition_key, first_id, last_id, import_id, target_count, published_at, claimed_at, updated_at)
			VALUES (1, 0, 1, 10, 1, 10, now() - interval '30 seconds', now() - interval '30 seconds', now() - interval '30 seconds');
		INSERT INTO processes (id, roles, version, host, pid, started_at)
			VALUES ('00000000-0000-0000-0000-000000000001', '{relay,handler,jobs}', 'v', 'h', 1, now() - interval '1 hour')`)
	reports, err := New(Config{Pool: pool})
	require.NoError(t, err)
	return reports, pool
}

func runSQL(t *testing.T, pool *pgxpool.Pool, sql string) {
	t.Helper()
	_, err := pool.Exec(t.Context(), sql)
	require.NoError(t, err)
}

// relayJob is the SQL that adds a relay job of event 1.
func relayJob(state, mode, scheduled, attempted string, attempt string) string {
	return `INSERT INTO river.river_job (kind, queue, args, state, max_attempts, scheduled_at, attempted_at, attempt)
		VALUES ('relay', 'relay', '{"event_id": 1, "mode": "` + mode + `"}', '` + state + `', 25, now() + interval '` +
		scheduled +
		`', now() + nullif('` + attempted + `', '')::interval, ` + attempt + `)`
}

// C2: an event that is at work and has not moved for 20 s says so, if nothing else is wrong; one that moves in any way,
// or has a known reason to wait, does not.
func TestStalled(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		sql  string
		want []domain.Code
	}{
		"nothing moves":                    {``, []domain.Code{Stalled}},
		"the counters moved":               {`UPDATE campaign_event_summary SET updated_at = now() - interval '15 seconds'`, nil},
		"it was resumed":                   {`UPDATE campaign_events SET updated_at = now() - interval '15 seconds'`, nil},
		"it was started":                   {`UPDATE campaign_event_summary SET updated_at = now(), published_count = 0`, nil},
		"a chunk was published":            {`UPDATE grant_chunks SET published_at = now() - interval '15 seconds'`, nil},
		"a chunk was claimed":              {`UPDATE grant_chunks SET claimed_at = now(), claim_token = gen_random_uuid(), attempts = 1`, nil},
		"a chunk was claimed once more":    {`UPDATE grant_chunks SET updated_at = now(), claim_token = gen_random_uuid(), attempts = 2`, []domain.Code{Stalled}},
		"members were refused":             {`UPDATE grant_chunks SET updated_at = now() - interval '15 seconds'`, nil},
		"a relay began":                    {relayJob("running", "first", "-1 minute", "-15 seconds", "1"), nil},
		"a relay hangs":                    {relayJob("running", "first", "-1 minute", "-30 seconds", "1"), []domain.Code{Stalled}},
		"a relay tries and tries":          {relayJob("running", "first", "-1 minute", "-1 seconds", "7"), []domain.Code{Stalled}},
		"a relay sleeps":                   {relayJob("scheduled", "first", "3 seconds", "-1 minute", "1"), nil},
		"some wait for their retry":        {relayJob("scheduled", "retry", "1 hour", "", "0") + refusedResults(5), []domain.Code{Stalled}},
		"all wait for their retry":         {relayJob("scheduled", "retry", "1 hour", "", "0") + refusedResults(10), nil},
		"a retry is due":                   {relayJob("available", "retry", "-15 seconds", "", "0") + refusedResults(10), nil},
		"a retry is overdue":               {relayJob("available", "retry", "-30 seconds", "", "0") + refusedResults(10), []domain.Code{Stalled}},
		"a retry is lost":                  {`SELECT` + refusedResults(10), []domain.Code{Stalled}},
		"the relay is missing, not needed": {`UPDATE processes SET roles = '{handler,jobs}'`, []domain.Code{Stalled}},
		"the handler is missing":           {`UPDATE processes SET roles = '{relay,jobs}'`, []domain.Code{processes.RoleHandler}},
		"a process has just begun":         {`UPDATE processes SET started_at = now() - interval '15 seconds'`, nil},
		"the brake":                        {`INSERT INTO brakes (scope, by, memo) VALUES ('all', 'kim', 'wait')`, []domain.Code{domain.BrakeEngaged}},
		"it is done":                       {`UPDATE campaign_events SET event_status = 'COMPLETED'`, nil},
		"done, and some are tried again":   {`UPDATE campaign_events SET event_status = 'COMPLETED'` + redrivenResults, []domain.Code{Stalled}},
		"tried again, without a relay": {`UPDATE campaign_events SET event_status = 'COMPLETED'` + redrivenResults +
			`; UPDATE processes SET roles = '{handler,jobs}'`, []domain.Code{processes.RoleRelay}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, pool := quietEvent(t)
			runSQL(t, pool, tt.sql)
			p, err := a.Progress(t.Context(), 1)
			require.NoError(t, err)
			got := codesOf(p.WaitingFor)
			if p.NextRetryAt != nil && len(got) == 1 && got[0] == RetryWaits {
				got = nil // which progress alone says
			}
			require.Equal(t, tt.want, got, "%+v", p.WaitingFor)
			waiting, err := a.WaitingFor(t.Context(), []domain.Event{p.Event})
			require.NoError(t, err)
			require.Equal(t, tt.want, codesOf(waiting[1]))
			still, err := a.StandingStill(t.Context())
			require.NoError(t, err)
			require.Len(t, still, len(tt.want))
			if len(tt.want) > 0 {
				require.Equal(t, tt.want[0], still[0].Code)
				require.Zero(t, p.ETAS)
			}
		})
	}
}

// refusedResults is the SQL that lets n members wait for a retry.
func refusedResults(n int) string {
	return `; INSERT INTO point_results (event_id, member_id, amount, status, retry_count)
		SELECT 1, 'm' || g, 1, 'FAILED', 1 FROM generate_series(1, ` + strconv.Itoa(n) + `) g`
}

// redrivenResults is the SQL that lets a person try a member again that was given up.
const redrivenResults = `; INSERT INTO point_results (event_id, member_id, amount, status, error_code, retry_count, redrive)
	VALUES (1, 'm', 1, 'PERMANENTLY_FAILED', 'account_closed', 1, 1)`

// C2: what can be found out of a standstill is said: who takes the messages, which process was not seen, which claims
// end.
func TestStalledSaysWhy(t *testing.T) {
	t.Parallel()
	a, pool := quietEvent(t)
	text := func() string {
		p, err := a.Progress(t.Context(), 1)
		require.NoError(t, err)
		require.Equal(t, []domain.Code{Stalled}, codesOf(p.WaitingFor))
		return p.WaitingFor[0].Text
	}
	require.Contains(t, text(), "nothing of it has moved for 20 s: no reason is known: look at the logs")
	require.Contains(t, text(), "what Kafka or a failover of PostgreSQL has lost is published again within a minute or two")
	runSQL(t, pool, `UPDATE processes SET reports = '[{"code": "", "members": ["bestow-1"], "consumers": [
		{"event_type": "POINT", "group": "g", "member": "bestow-1", "client": "bestow", "host": "/10.0.0.1", "partitions": [0, 1]},
		{"event_type": "POINT", "group": "g", "member": "ui-1", "client": "kafka-ui", "host": "/10.0.0.9", "partitions": [4, 5]},
		{"event_type": "POINT", "group": "g", "member": "ui-2", "client": "idle", "host": "/10.0.0.9", "partitions": []},
		{"event_type": "VOUCHER", "group": "v", "member": "ui-3", "client": "others", "host": "/10.0.0.9", "partitions": [4, 5]}]}]'`)
	require.Equal(t,
		"nothing of it has moved for 20 s: a consumer that is no process of this installation (client kafka-ui on "+
			"/10.0.0.9) is in the group g and takes the partitions 4, 5: end it", text())
	runSQL(t,
		pool,
		`INSERT INTO processes (id, roles, version, host, pid, started_at, seen_at, reports) VALUES (gen_random_uuid(), '{handler}', 'v', 'h', 5,
		now() - interval '1 hour', now() - interval '40 seconds', '[{"code": "", "members": ["ui-1"]}]')`)
	require.NotContains(t, text(), "a consumer that is no process", "it is the one that hangs")
	runSQL(t, pool, `UPDATE processes SET reports = '[]', seen_at = now() WHERE pid = 5`)
	require.NotContains(t, text(), "a consumer that is no process", "an older version does not tell its ids")
	runSQL(t, pool, `DELETE FROM processes WHERE pid = 5`)
	runSQL(t,
		pool,
		`UPDATE processes SET reports = '[]'; INSERT INTO processes (id, roles, version, host, pid, started_at, seen_at)
		SELECT gen_random_uuid(), roles, 'v', 'h', pid, now() - interval '1 hour', now() - seen FROM (VALUES
		('{relay}'::text[], 7, interval '40 seconds'), ('{relay}', 8, interval '20 minutes'), ('{api}', 9, interval '40 seconds')) p (roles, pid, seen)`)
	require.Regexp(t,
		`^nothing of it has moved for 20 s: process 7 on h \(relay\) was last seen at 2\S+Z: if it hangs, end it$`,
		text())
	runSQL(t, pool, `DELETE FROM processes WHERE pid > 1; UPDATE grant_chunks SET attempts = 2`)
	require.Contains(t, text(), "claims of a chunk end without an answer")
}

// C2: the sessions of PostgreSQL that hold up those of the product are named, also where they keep the results from
// being read.
func TestStalledByALock(t *testing.T) {
	t.Parallel()
	a, pool := quietEvent(t)
	reason := func() Reason {
		still, err := a.StandingStill(t.Context())
		require.NoError(t, err)
		require.Len(t, still, 1)
		return still[0].Reason
	}
	for _, lock := range []string{
		`SELECT FROM campaign_event_summary FOR UPDATE`,
		`LOCK TABLE point_results IN ACCESS EXCLUSIVE MODE`,
	} {
		holder, err := pgx.Connect(t.Context(), pool.Config().ConnString())
		require.NoError(t, err)
		for _, sql := range []string{`SET application_name = 'psql'`, `BEGIN`, lock} {
			_, err = holder.Exec(t.Context(), sql)
			require.NoError(t, err)
		}
		waits := make(chan error, 1)
		go func() {
			_, err := pool.Exec(t.Context(),
				`WITH r AS (SELECT FROM point_results) UPDATE campaign_event_summary SET fail_count = 0, updated_at = updated_at`)
			waits <- err
		}()
		require.Eventually(t, func() bool {
			r := reason()
			return r.Code == Stalled && strings.Contains(r.Text, "PostgreSQL lets it wait for session ") &&
				strings.Contains(r.Text, " (psql, user ")
		}, 20*time.Second, 100*time.Millisecond)
		require.NoError(t, holder.Close(t.Context()))
		require.NoError(t, <-waits)
	}
}

// A retry whose time is over is not "tried again at" a time of the past (newcomer3 Q1).
func TestRetryIsLate(t *testing.T) {
	t.Parallel()
	for late, want := range map[string]string{
		"1 hour":      "and is tried again at 20",
		"-1 seconds":  "and is tried again at 20",
		"-15 seconds": "and begins by itself, within 90 s if a process was killed",
	} {
		a, pool := quietEvent(t)
		runSQL(t, pool, relayJob("available", "retry", late, "", "0")+refusedResults(10))
		p, err := a.Progress(t.Context(), 1)
		require.NoError(t, err)
		require.Equal(t, []domain.Code{RetryWaits}, codesOf(p.WaitingFor))
		require.Contains(t, p.WaitingFor[0].Text, want, late)
	}
}

// What counts as a stand-still follows the lease of a claim, and is never less than by default.
func TestStandStillFollowsTheLease(t *testing.T) {
	t.Parallel()
	for lease, after := range map[time.Duration]time.Duration{
		0: 20 * time.Second, 15 * time.Second: 20 * time.Second, time.Minute: 65 * time.Second,
	} {
		s, err := New(Config{Pool: new(pgxpool.Pool), ClaimLease: lease})
		require.NoError(t, err)
		require.Equal(t, after, s.stalledAfter, lease)
	}
}
