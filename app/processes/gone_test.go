package processes

import (
	"context"
	"strings"
	"testing"
	"time"

	"bestow/internal/pg"
	"bestow/outbox"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
)

// mourned is an installation in which one process looks for others that are gone.
type mourned struct {
	list
	look *Takeover
	at   time.Time // the clock of the process that looks
}

func newMourned(t *testing.T) *mourned {
	t.Helper()
	l := newList(t)
	m := &mourned{list: l, look: NewTakeover(l.Pool, hexOf(9)), at: time.Now()}
	m.look.now, m.look.upFor = func() time.Time { return m.at }, 0
	return m
}

// hexOf is idOf(n) as the process writes it.
func hexOf(n int) string { return strings.ReplaceAll(idOf(n), "-", "") }

// join lets the nth process begin, with a session in its first life.
func (m *mourned) join(n int, reports ...Report) *pgxpool.Pool {
	m.Helper()
	pool, err := pg.Open(m.Context(), m.Pool.Config().ConnString(), pg.Options{MaxConns: 2, Presence: pg.NewPresence(hexOf(n))})
	require.NoError(m, err)
	m.Cleanup(pool.Close)
	_, err = New(pool).Beat(m.Context(), Process{ID: idOf(n), Roles: []string{RoleHandler}, Host: "host", PID: n, Life: 1, Reports: reports})
	require.NoError(m, err)
	return pool
}

// kill ends all sessions of the nth process, and waits until the server has seen that.
func (m *mourned) kill(n int, pool *pgxpool.Pool) {
	m.Helper()
	pool.Close()
	require.Eventually(m, func() bool {
		gone, err := pg.Value(m.Context(), m.Pool, func(tx pgx.Tx) (bool, error) {
			return pg.TryGone(m.Context(), tx, hexOf(n), 1)
		})
		return err == nil && gone
	}, time.Minute, time.Millisecond)
}

// later lets so much time pass for the process that looks, and returns which processes it finds gone.
func (m *mourned) later(d time.Duration) (pids []int) {
	m.Helper()
	m.at = m.at.Add(d)
	gone, err := m.look.Look(m.Context())
	require.NoError(m, err)
	for _, g := range gone {
		pids = append(pids, g.PID)
	}
	return pids
}

// claim gives the chunks of an event to lives of processes, an empty one to nobody that is known.
func (m *mourned) claim(event int64, lives ...string) {
	m.Helper()
	m.Exec(`INSERT INTO imports (event_id, created_by, content_type, sha256, bytes, accepted, rejected, total_amount) VALUES ($1, 'test', 'text/csv', sha256(''), 1, 1, 0, 1)`, event)
	for i, mark := range lives {
		m.Exec(`INSERT INTO grant_chunks (event_id, partition_key, first_id, last_id, target_count, import_id, claim_token, open_until)
			SELECT $1, 0, $2, $2, 1, i.id, $3::uuid, now() + interval '1 hour' FROM imports i WHERE i.event_id = $1`,
			event, i+1, mark)
	}
}

// tokenOf is the token of a claim that the first life of the nth process took.
func tokenOf(n int) string {
	least, _ := pg.MarkedBetween(hexOf(n), 1)
	least.Bytes[15] = 7
	return least.String()
}

// run lets the nth process work a job.
func (m *mourned) run(n int, kind string) {
	m.Helper()
	m.Exec(`INSERT INTO river.river_job (state, attempt, attempted_at, attempted_by, args, kind, max_attempts, queue)
		VALUES ('running', 1, now(), ARRAY['another', $1], '{}', $2, 25, 'relay')`, hexOf(n), kind)
}

const (
	openClaims = `SELECT count(*) FROM grant_chunks WHERE open_until > now()`
	runningOf  = `SELECT count(*) FROM river.river_job WHERE state = 'running' AND attempted_by[cardinality(attempted_by)] = $1`
)

// What a process had in hand that was killed is free at the second look, two seconds after the first: its jobs, its
// claims, and its term as River's leader. What others have is left to them.
func TestAKilledProcessLeavesItsWork(t *testing.T) {
	t.Parallel()
	m := newMourned(t)
	m.join(1)
	killed := m.join(2)
	m.run(1, "grants")
	m.run(2, "grants")
	m.run(2, "sweep")
	event := m.Event()
	m.claim(event, tokenOf(1), tokenOf(2), tokenOf(2), "00000000-0000-0000-0000-000000000007")
	m.Exec(`INSERT INTO river.river_leader (elected_at, expires_at, leader_id) VALUES (now(), now() + interval '15 s', $1)`, hexOf(2))
	require.Empty(t, m.later(time.Minute))

	m.kill(2, killed)
	require.Empty(t, m.later(time.Minute), "the server may have lost its sessions a moment ago")
	require.Equal(t, []int{1, 2}, m.alive())
	require.Equal(t, []int{2}, m.later(goneAfter))
	require.Equal(t, []int{1}, m.alive())
	require.Zero(t, m.Int(runningOf, hexOf(2)))
	require.EqualValues(t, 1, m.Int(runningOf, hexOf(1)))
	require.EqualValues(t, 2, m.Int(`SELECT count(*) FROM river.river_job WHERE state = 'available' AND scheduled_at <= now()
		AND errors[1]->>'error' LIKE '%gone%'`))
	require.EqualValues(t, 2, m.Int(openClaims), "that of process 1, and that of a process whose requests may be on their way")
	require.Zero(t, m.Int(`SELECT count(*) FROM river.river_leader`))
	require.Empty(t, m.later(time.Minute), "once")
}

// A process that comes back between two looks keeps what it has.
func TestAProcessThatComesBackKeepsItsWork(t *testing.T) {
	t.Parallel()
	m := newMourned(t)
	m.run(1, "grants")
	m.claim(m.Event(), tokenOf(1))
	m.kill(1, m.join(1))
	require.Empty(t, m.later(0))
	back := m.join(1)
	require.Empty(t, m.later(goneAfter))
	m.kill(1, back)
	require.Empty(t, m.later(0), "it is missed anew")
	require.EqualValues(t, 1, m.Int(runningOf, hexOf(1)))
	require.EqualValues(t, 1, m.Int(openClaims))
	require.Equal(t, []int{1}, m.later(goneAfter))
}

// After a restart of the server all processes have to come back: none is missed in its first seconds. A process of a
// version that holds no lock is never missed.
func TestNobodyIsMissedTooEarly(t *testing.T) {
	t.Parallel()
	m := newMourned(t)
	m.beat(3, []string{RoleHandler})
	m.kill(1, m.join(1))
	m.look.upFor = 24 * time.Hour
	require.Empty(t, m.later(0))
	require.Empty(t, m.later(time.Minute))
	m.look.upFor = 0
	require.Empty(t, m.later(time.Minute), "the first look that counts")
	require.Equal(t, []int{1}, m.later(time.Minute))
}

// A process that was taken for gone and lives is on the list again when it has said so, in its next life.
func TestAProcessThatWasTakenForGone(t *testing.T) {
	t.Parallel()
	m := newMourned(t)
	m.kill(1, m.join(1))
	m.later(0)
	require.Equal(t, []int{1}, m.later(goneAfter))
	require.Empty(t, m.alive())
	running, err := m.Running(t.Context())
	require.NoError(t, err)
	require.Contains(t, running, "host", "it may come back with the keys that it has")
	pool := m.join(1)
	_, err = New(pool).Beat(t.Context(), Process{ID: idOf(1), Roles: []string{RoleHandler}, PID: 1, Life: 2})
	require.NoError(t, err)
	require.Equal(t, []int{1}, m.alive())
	require.Empty(t, m.later(time.Hour))
	require.Empty(t, m.later(time.Hour))
}

// A process that began another life, since its server was started anew, says so with its next beat: then the claims of
// the life before are free at once, whoever looks, itself too. It keeps its jobs.
func TestAProcessInItsNextLife(t *testing.T) {
	t.Parallel()
	m := newMourned(t)
	m.look = NewTakeover(m.Pool, hexOf(1))
	m.run(1, "grants")
	m.claim(m.Event(), tokenOf(1))
	session := m.join(1)
	_, err := m.Beat(t.Context(), Process{ID: idOf(1), Roles: []string{RoleHandler}, PID: 1, Life: 2})
	require.NoError(t, err)
	require.Empty(t, m.later(0), "a session of the life before is there")
	m.kill(1, session)
	require.Equal(t, []int{1}, m.later(0))
	require.Zero(t, m.Int(openClaims))
	require.EqualValues(t, 1, m.Int(runningOf, hexOf(1)))
	require.Equal(t, []int{1}, m.alive())
	require.Empty(t, m.later(time.Hour), "it is not gone for itself")
}

// A process that could not look, or lost its own server, does not know how long others have been away: all of them may
// have lost the server with it, and come back.
func TestWhoWasBlindMissesNobody(t *testing.T) {
	t.Parallel()
	m := newMourned(t)
	m.kill(1, m.join(1))
	require.Empty(t, m.later(0))
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := m.look.Look(cancelled)
	require.Error(t, err)
	require.Equal(t, m.at, m.look.blind)
	require.Empty(t, m.later(time.Hour), "it is missed anew")
	m.look.blind, m.look.upFor = m.at.Add(time.Hour), time.Nanosecond
	require.Empty(t, m.later(time.Minute))
	require.Equal(t, []int{1}, m.later(time.Hour))
}

// The lives of a process end in their order: what was begun in an earlier one is not left behind.
func TestLivesEndInTheirOrder(t *testing.T) {
	t.Parallel()
	m := newMourned(t)
	first := m.join(1)
	_, err := m.Beat(t.Context(), Process{ID: idOf(1), Roles: []string{RoleHandler}, PID: 1, Life: 3})
	require.NoError(t, err)
	require.Empty(t, m.later(time.Hour), "its second life is over, and a session of the first is there")
	m.kill(1, first)
	require.Equal(t, []int{1, 1}, m.later(0))
}

// The places in consumer groups that a process held are those with its own ids.
func TestPlacesOfAProcessThatIsGone(t *testing.T) {
	t.Parallel()
	mine, other := outbox.Consumer{Group: "g", Member: "a"}, outbox.Consumer{Group: "g", Member: "b"}
	g := Gone{Process: Process{Reports: []Report{{Members: []string{"a", "c"}, Consumers: []outbox.Consumer{mine, other}}}}}
	require.Equal(t, []outbox.Consumer{mine}, g.Consumers())
}
