package reports

import (
	"testing"
	"time"

	"bestow/app/processes"
	"bestow/domain"
	"bestow/internal/pgtest"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// noon is when the looks of these tests are taken.
var noon = time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)

// everybody is a process in every role that says something.
func everybody(said ...processes.Report) processes.Process {
	return processes.Process{
		Roles:  []string{processes.RoleRelay, processes.RoleHandler, processes.RoleJobs},
		SeenAt: noon, Host: "h", Reports: said,
	}
}

// C13: what Kafka said of a topic holds for the events of that topic's type, until some process has heard otherwise.
func TestWhatKafkaSaidOfATopic(t *testing.T) {
	t.Parallel()
	refused := func(age int64) processes.Report {
		return processes.Report{
			Code: processes.KafkaRefuses, Topic: "grants.point", EventType: "POINT",
			Text: "topic grants.point takes no message over 20,000 bytes", AgeMS: age,
		}
	}
	taken := func(age int64) processes.Report { return processes.Report{Topic: "grants.point", AgeMS: age} }
	away := processes.Report{Code: processes.KafkaAway, Text: "Kafka does not answer"}
	elsewhere := refused(0)
	elsewhere.Topic, elsewhere.EventType = "grants.voucher", "VOUCHER"
	briefly := refused(0)
	briefly.Code, briefly.Text = processes.KafkaAway, "not enough replicas"
	before := func(r processes.Report) processes.Report { r.AgeMS = 1000; return r }
	handler := everybody(away)
	handler.Roles = []string{processes.RoleHandler}
	for name, tt := range map[string]struct {
		processes []processes.Process
		need      need
		want      []Reason
	}{
		"refused for good":               {[]processes.Process{everybody(refused(1000))}, need{relay: true}, []Reason{{processes.KafkaRefuses, "blocked: topic grants.point takes no message over 20,000 bytes"}}},
		"refused for now":                {[]processes.Process{everybody(briefly)}, need{relay: true}, []Reason{{processes.KafkaAway, "not enough replicas"}}},
		"nothing to publish":             {[]processes.Process{everybody(refused(1000))}, need{handler: true}, nil},
		"of another type":                {[]processes.Process{everybody(elsewhere)}, need{relay: true}, nil},
		"refused, a smaller one taken":   {[]processes.Process{everybody(refused(2000)), everybody(taken(1000))}, need{relay: true}, []Reason{{processes.KafkaRefuses, "blocked: topic grants.point takes no message over 20,000 bytes"}}},
		"away, and answered since":       {[]processes.Process{everybody(taken(0)), everybody(before(briefly))}, need{relay: true}, nil},
		"away since it answered":         {[]processes.Process{everybody(taken(2000)), everybody(before(briefly))}, need{relay: true}, []Reason{{processes.KafkaAway, "not enough replicas"}}},
		"taken before, by another":       {[]processes.Process{everybody(taken(2000)), everybody(refused(1000))}, need{relay: true}, []Reason{{processes.KafkaRefuses, "blocked: topic grants.point takes no message over 20,000 bytes"}}},
		"not repeated for long":          {[]processes.Process{everybody(refused((20 * time.Second).Milliseconds()))}, need{relay: true}, nil},
		"said twice":                     {[]processes.Process{everybody(refused(1)), everybody(refused(2))}, need{relay: true}, []Reason{{processes.KafkaRefuses, "blocked: topic grants.point takes no message over 20,000 bytes"}}},
		"away in all":                    {[]processes.Process{everybody(away, briefly)}, need{relay: true, handler: true}, []Reason{{processes.KafkaAway, "Kafka does not answer"}}},
		"away for who need not be asked": {[]processes.Process{everybody(), handler}, need{relay: true}, nil},
		"away for a handler":             {[]processes.Process{everybody(), handler}, need{handler: true}, []Reason{{processes.KafkaAway, "Kafka does not answer"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := domain.Event{ID: 1, Status: domain.Running, Type: domain.EventType{Code: "POINT", Granter: "money"}}
			l := look{
				Installation: processes.Installation{At: noon, Processes: tt.processes},
				needs:        map[int64]need{1: tt.need},
			}
			require.Equal(t, tt.want, (&Reports{}).reasons(l, e))
		})
	}
}

// A session that can only read says so: the database is a standby, or was told to take no writes.
func TestReadOnlyIsSeen(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	for mode, want := range map[pgx.TxAccessMode]bool{pgx.ReadOnly: true, pgx.ReadWrite: false} {
		tx, err := pool.BeginTx(t.Context(), pgx.TxOptions{AccessMode: mode})
		require.NoError(t, err)
		l, err := processes.Read(t.Context(), tx)
		require.NoError(t, err)
		require.Equal(t, want, l.ReadOnly)
		require.NoError(t, tx.Rollback(t.Context()))
	}
}

// A role counts for what needs it, and a breaker for the ledger that it guards.
func TestWhatAnEventNeeds(t *testing.T) {
	t.Parallel()
	open := processes.Report{Code: processes.LedgerAway, Ledger: "money", Text: "the ledger money does not answer"}
	idle := processes.Report{Code: processes.ClockOff, Text: "the clock is wrong"}
	banks := processes.Report{Granters: []string{"bank", "money"}}
	running := domain.Event{
		ID: 1, Status: domain.Running, TotalCount: 1,
		Type: domain.EventType{Code: "POINT", Granter: "money"},
	}
	other := running
	other.Type.Granter = "bank"
	stopped := running
	stopped.Status = domain.Stopped
	for name, tt := range map[string]struct {
		look  look
		event domain.Event
		need  need
		want  []domain.Code
	}{
		"nothing wrong":          {look{Installation: processes.Installation{Processes: []processes.Process{everybody()}}}, running, need{true, true, true}, nil},
		"no process at all":      {look{}, running, need{true, true, true}, []domain.Code{processes.RoleRelay, processes.RoleHandler, processes.RoleJobs}},
		"one role is needed":     {look{}, running, need{handler: true}, []domain.Code{processes.RoleHandler}},
		"nothing is needed":      {look{Installation: processes.Installation{Paused: []string{"relay", "jobs"}}}, running, need{}, nil},
		"the breaker":            {look{Installation: processes.Installation{Processes: []processes.Process{everybody(open)}}}, running, need{relay: true, handler: true}, []domain.Code{processes.LedgerAway}},
		"another ledger's":       {look{Installation: processes.Installation{Processes: []processes.Process{everybody(open, banks)}}}, other, need{handler: true}, nil},
		"a ledger of no handler": {look{Installation: processes.Installation{Processes: []processes.Process{everybody()}}}, other, need{true, true, true}, []domain.Code{domain.GranterUnknown}},
		"without any handler":    {look{Installation: processes.Installation{Processes: []processes.Process{{Roles: []string{processes.RoleRelay, processes.RoleJobs}, Reports: []processes.Report{banks}}}}}, other, need{true, true, true}, []domain.Code{processes.RoleHandler}},
		"a clock":                {look{Installation: processes.Installation{Processes: []processes.Process{everybody(idle)}}}, running, need{true, true, true}, []domain.Code{processes.RoleRelay, processes.RoleJobs}},
		"paused queues":          {look{Installation: processes.Installation{Processes: []processes.Process{everybody()}, Paused: []string{"jobs", "relay"}}}, running, need{true, true, true}, []domain.Code{RelayQueuePaused, JobsQueuePaused}},
		"a foreign queue":        {look{Installation: processes.Installation{Processes: []processes.Process{everybody()}, Paused: []string{"theirs"}}}, running, need{true, true, true}, nil},
		"read-only, before all":  {look{Installation: processes.Installation{ReadOnly: true}}, running, need{true, true, true}, []domain.Code{DatabaseReadOnly}},
		"a brake":                {look{Installation: processes.Installation{Processes: []processes.Process{everybody()}}, brakes: []domain.Brake{{Scope: domain.BrakeAll}}}, running, need{true, true, true}, []domain.Code{domain.BrakeEngaged}},
		"another type's brake":   {look{Installation: processes.Installation{Processes: []processes.Process{everybody()}}, brakes: []domain.Brake{{Scope: domain.BrakeOf("VOUCHER")}}}, running, need{true, true, true}, nil},
		"stopped, whatever else": {look{Installation: processes.Installation{ReadOnly: true}}, stopped, need{true, true, true}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tt.look.At, tt.look.needs = noon, map[int64]need{1: tt.need}
			var codes []domain.Code
			for _, r := range (&Reports{}).reasons(tt.look, tt.event) {
				codes = append(codes, r.Code)
			}
			require.Equal(t, tt.want, codes)
		})
	}
}

// The counters say what is left to do, and for whom.
func TestNeedOf(t *testing.T) {
	t.Parallel()
	event := func(published, success, fail int) domain.Event {
		return domain.Event{TotalCount: 10, Summary: domain.Summary{Published: published, Success: success, Fail: fail}}
	}
	for name, tt := range map[string]struct {
		event   domain.Event
		due     bool
		refused int
		want    need
	}{
		"nothing published":          {event(0, 0, 0), true, 0, need{relay: true}},
		"some published":             {event(5, 0, 0), true, 0, need{relay: true, handler: true}},
		"some settled":               {event(5, 4, 1), true, 0, need{relay: true}},
		"all published":              {event(10, 5, 0), false, 0, need{handler: true}},
		"the others wait":            {event(10, 5, 2), false, 3, need{}},
		"the others' time has come":  {event(10, 5, 2), true, 3, need{relay: true}},
		"settled before it is known": {event(5, 6, 0), true, 0, need{relay: true}},
		"all is settled":             {event(10, 9, 1), false, 0, need{jobs: true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, needOf(tt.event, tt.due, tt.refused))
		})
	}
}
