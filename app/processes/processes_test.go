package processes

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"bestow/domain"
	"bestow/internal/eventtest"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// idOf is the id of the nth process of a test.
func idOf(n int) string { return fmt.Sprintf("00000000-0000-0000-0000-%012d", n) }

// list is a database in which processes keep their rows.
type list struct {
	*eventtest.DB
	*Processes
}

func newList(t *testing.T) list {
	t.Helper()
	db := eventtest.New(t)
	return list{db, New(db.Pool)}
}

// beat lets the nth process say that it is alive.
func (l list) beat(n int, roles []string, reports ...Report) (oldest bool) {
	l.Helper()
	oldest, err := l.Beat(l.Context(), Process{ID: idOf(n), Roles: append([]string{}, roles...), Host: "host", PID: n, Reports: reports})
	require.NoError(l, err)
	return oldest
}

// away makes the nth process one that was seen last so long ago.
func (l list) away(n int, since string) {
	l.Helper()
	l.Exec(`UPDATE processes SET seen_at = now() - $2::interval WHERE id = $1`, idOf(n), since)
}

func (l list) read() (found Installation) {
	l.Helper()
	require.NoError(l, pgx.BeginFunc(l.Context(), l.Pool, func(tx pgx.Tx) (err error) {
		found, err = Read(l.Context(), tx)
		return err
	}))
	return found
}

func (l list) alive() (pids []int) {
	l.Helper()
	for _, p := range l.read().Processes {
		pids = append(pids, p.PID)
	}
	return pids
}

// A process is on the list while it is seen; the oldest one speaks for all. One that was killed does not, and its row
// goes after an hour.
func TestTheListOfProcesses(t *testing.T) {
	t.Parallel()
	l := newList(t)
	require.True(t, l.beat(1, nil))
	require.False(t, l.beat(2, nil))
	require.True(t, l.beat(1, nil), "the first one still")
	require.Equal(t, []int{1, 2}, l.alive())
	l.away(1, "31 s")
	require.Equal(t, []int{2}, l.alive())
	require.True(t, l.beat(2, nil), "who was killed speaks for nobody")
	require.True(t, l.beat(1, nil), "it was only slow")
	require.Equal(t, []int{1, 2}, l.alive())
	l.away(1, "59 min")
	l.away(2, "61 min")
	require.NoError(t, l.Tidy(t.Context()))
	require.EqualValues(t, 1, l.Int(`SELECT max(pid) FROM processes`))
	require.NoError(t, l.Leave(t.Context(), idOf(1)))
	require.Zero(t, l.Int(`SELECT count(*) FROM processes`))
}

// What a process says last is what holds, and its start stays.
func TestABeatRenewsTheReports(t *testing.T) {
	t.Parallel()
	l := newList(t)
	l.beat(1, []string{RoleRelay}, Report{Code: KafkaAway, Topic: "grants.point"})
	began := l.read().Processes[0].StartedAt
	l.beat(1, []string{RoleRelay})
	p := l.read().Processes[0]
	require.Empty(t, p.Obstacles())
	require.True(t, began.Equal(p.StartedAt))
}

// A report that something is wrong holds for a while; one that says that nothing is, is no obstacle.
func TestReportsHoldForAWhile(t *testing.T) {
	t.Parallel()
	p := Process{Roles: []string{RoleRelay, RoleHandler}, Reports: []Report{
		{Code: KafkaAway, AgeMS: 59_000},
		{Code: KafkaAway, AgeMS: 60_000},
		{Code: KafkaRefuses, AgeMS: 19_000},
		{Code: KafkaRefuses, AgeMS: 20_000},
		{Topic: "grants.point"},
	}}
	require.Equal(t, []Report{{Code: KafkaAway, AgeMS: 59_000}, {Code: KafkaRefuses, AgeMS: 19_000}}, p.Obstacles())
	require.True(t, p.Works(RoleRelay))
	p.Reports = []Report{{Code: ClockOff}}
	require.False(t, p.Works(RoleRelay), "with a wrong clock a process works no jobs")
	require.True(t, p.Works(RoleHandler))
	require.False(t, p.Works(RoleJobs), "it was not given the role")
	seen := time.Date(2026, 1, 1, 0, 0, 10, 0, time.UTC)
	require.Equal(t, seen.Add(-3*time.Second), Report{AgeMS: 3_000}.At(seen))
}

// An event type of another ledger is served by a handler that runs and names the ledger; ours is each handler's.
func TestAHandlerServesALedger(t *testing.T) {
	t.Parallel()
	l := newList(t)
	unserved := func(granter string) (unserved bool) {
		require.NoError(t, pgx.BeginFunc(t.Context(), l.Pool, func(tx pgx.Tx) (err error) {
			unserved, err = IsUnserved(t.Context(), tx, domain.EventType{Granter: granter})
			return err
		}))
		return unserved
	}
	require.False(t, unserved(domain.OurGranter), "no handler runs, and one that starts has it")
	require.True(t, unserved("coupons"))
	l.beat(1, []string{RoleRelay}, Report{Granters: []string{"coupons"}})
	require.True(t, unserved("coupons"), "a relay asks no ledger")
	l.beat(2, []string{RoleHandler})
	require.True(t, unserved("coupons"), "a handler that names none has ours alone")
	l.beat(3, []string{RoleHandler}, Report{Granters: []string{domain.OurGranter, "coupons"}})
	require.False(t, unserved("coupons"))
	l.away(3, "31 s")
	require.True(t, unserved("coupons"), "it was killed")
}

// A process that would do what cannot be undone does not join those that run; other differences are told only.
func TestWhoMayJoin(t *testing.T) {
	t.Parallel()
	l := newList(t)
	theirs := Settings{TimeZoneSetting: "Asia/Seoul", MasterKeySetting: "one", EnvSetting: "production", TopicPrefixSetting: "grants"}
	l.beat(1, []string{RoleRelay}, Report{Settings: theirs})
	l.beat(2, []string{RoleJobs}) // of a version that says nothing of its settings
	for name, c := range map[string]struct {
		mine    Settings
		refused bool
		told    int
	}{
		"the same":                  {theirs, false, 0},
		"another time zone":         {Settings{TimeZoneSetting: "UTC"}, true, 1},
		"another master key":        {Settings{MasterKeySetting: "two"}, true, 1},
		"no master key is used":     {Settings{TopicPrefixSetting: "grants"}, false, 0},
		"development":               {Settings{EnvSetting: "development"}, true, 1},
		"other topics for a while":  {Settings{TopicPrefixSetting: "new", EnvSetting: "production"}, false, 1},
		"a setting that they lack":  {Settings{SpendOrderSetting: "expiry"}, false, 0},
		"two settings that they do": {Settings{TimeZoneSetting: "UTC", TopicPrefixSetting: "new"}, true, 2},
	} {
		err := l.MayJoin(t.Context(), c.mine)
		require.Equal(t, c.refused, errors.Is(err, &domain.Error{Code: SettingsDiffer}), "%s: %v", name, err)
		told, err := l.Differences(t.Context(), c.mine)
		require.NoError(t, err)
		require.Len(t, told, c.told, name)
		err = pgx.BeginFunc(t.Context(), l.Pool, func(tx pgx.Tx) error { return SameSettings(t.Context(), tx, c.mine) })
		require.Equal(t, c.told > 0, errors.Is(err, &domain.Error{Code: SettingsDiffer}), "%s: %v", name, err)
	}
	l.away(1, "31 s")
	require.NoError(t, l.MayJoin(t.Context(), Settings{TimeZoneSetting: "UTC"}), "it was stopped")
}

// Processes that disagree are told, by the values and who has them; what a relay writes and no handler reads is blocked.
func TestDifferencesBetweenProcesses(t *testing.T) {
	t.Parallel()
	process := func(role, prefix string) Process {
		return Process{Roles: []string{role}, Host: "host", PID: 7, Reports: []Report{{Settings: Settings{
			TopicPrefixSetting: prefix, TimeZoneSetting: "UTC",
		}}}}
	}
	for name, c := range map[string]struct {
		processes []Process
		texts     int
		blocks    bool
	}{
		"alike":                    {[]Process{process(RoleRelay, "a"), process(RoleHandler, "a")}, 0, false},
		"a relay without a reader": {[]Process{process(RoleRelay, "a"), process(RoleHandler, "b")}, 1, true},
		"a job's process":          {[]Process{process(RoleJobs, "a"), process(RoleHandler, "b")}, 1, false},
		"each with its reader": {[]Process{
			process(RoleRelay, "a"), process(RoleHandler, "a"), process(RoleRelay, "b"), process(RoleHandler, "b"),
		}, 1, false},
	} {
		differences := Installation{Processes: c.processes}.Differences()
		require.Len(t, differences, c.texts, name)
		for _, d := range differences {
			require.Equal(t, c.blocks, d.Blocks(), name)
			require.Contains(t, d.Text(), `BESTOW_TOPIC_PREFIX: "a" (`)
			require.Contains(t, d.Text(), " on host, process 7")
		}
	}
}

// A granter's name leads to the ledger that it led to first: another one knows no keys. A copied database forgets.
func TestALedgerIsMetOnce(t *testing.T) {
	t.Parallel()
	db := eventtest.New(t)
	ledgers := NewLedgers(db.Pool)
	known, err := ledgers.Known(t.Context(), "money")
	require.NoError(t, err)
	require.Empty(t, known)
	const racers = 4
	met := make(chan string, racers)
	for n := range racers {
		go func() {
			first, err := ledgers.Meet(t.Context(), "money", fmt.Sprint("ledger-", n))
			if err != nil {
				first = err.Error()
			}
			met <- first
		}()
	}
	first := <-met
	require.Regexp(t, `^ledger-\d$`, first)
	for range racers - 1 {
		require.Equal(t, first, <-met, "all of them know the one that was quicker")
	}
	other, err := ledgers.Meet(t.Context(), "coupons", "ledger-9")
	require.NoError(t, err)
	require.Equal(t, "ledger-9", other)
	require.NoError(t, pgx.BeginFunc(t.Context(), db.Pool, func(tx pgx.Tx) error { return ForgetLedgers(t.Context(), tx) }))
	anew, err := ledgers.Meet(t.Context(), "money", "ledger-8")
	require.NoError(t, err)
	require.Equal(t, "ledger-8", anew)
}
