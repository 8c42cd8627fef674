package main

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"bestow/app/processes"
	"bestow/cmd/bestow/daemon"
	"bestow/cmd/bestow/terminal"
	"bestow/cmd/bestow/upkeep"
	"bestow/domain"
	"bestow/internal/kafkatest"

	"github.com/riverqueue/river"
	"github.com/stretchr/testify/require"
)

// examined returns what a doctor says of the world.
func (w *world) examined() upkeep.Diagnosis {
	w.Helper()
	return upkeep.Examine(w.Context(), w.cfg, w.pool, time.Now)
}

// ills are the checks of a diagnosis that are wrong, and what they say.
func ills(d upkeep.Diagnosis) (all []string) {
	for _, f := range d.Checks {
		if f.Level == upkeep.Wrong {
			all = append(all, f.Check+": "+f.Text)
		}
	}
	return all
}

// The doctor finds what is wrong, and nothing where nothing is.
func TestDoctor(t *testing.T) {
	t.Parallel()
	s := newStill(t)
	has := func(ill string) {
		t.Helper()
		var d upkeep.Diagnosis
		found := func(text string) bool { return strings.HasPrefix(text, ill) }
		require.True(t, s.soon(func() bool { d = s.examined(); return slices.ContainsFunc(ills(d), found) }), "%s: %v",
			ill, d.Checks)
		require.False(t, d.OK)
	}
	has("role relay: no process with the role relay is running: `bestow serve --roles relay` starts one")
	has("role jobs: ")
	var ledger outage
	p, stop := s.role(ledger.overrides(), daemon.RoleRelay, daemon.RoleHandler, daemon.RoleJobs)
	require.True(t, s.soon(func() bool { return s.examined().OK }), "%v", s.examined().Checks)

	require.NoError(t, p.River.QueuePause(t.Context(), "relay", &river.QueuePauseOpts{}))
	e := s.event(p, "POINT", 2_000)
	s.run(p, e)
	has("queue relay: is paused in River UI")
	has("events: 1 event without progress, such as event 1: blocked: the relay queue is paused in River UI")
	ledger.how.Store(refusing)
	require.NoError(t, p.River.QueueResume(t.Context(), "relay", &river.QueuePauseOpts{}))
	has("ledger: the ledger money does not answer: ")
	ledger.how.Store(present)
	s.completed(p, e.ID)
	require.True(t, s.soon(func() bool { return s.examined().OK }))
	s.exec(`UPDATE campaign_events SET event_status = 'FAILED', failure_code = 'mismatch'`)
	s.exec(`UPDATE campaign_event_summary SET stopped_memo = 'the ledger contradicts itself'`)
	require.Contains(t, s.examined().Checks,
		upkeep.Finding{
			Check: "events", Level: upkeep.Warning,
			Text: "event 1 is FAILED (mismatch): the ledger contradicts itself",
		})
	require.True(t, s.examined().OK)

	kafkatest.Set(t, s.cfg.Brokers, s.cfg.TopicPrefix+".point", map[string]string{"cleanup.policy": "compact"})
	has("topic " + s.cfg.TopicPrefix + ".point: cleanup.policy=compact refuses messages without a key")
	kafkatest.Set(t, s.cfg.Brokers, s.cfg.TopicPrefix+".point", map[string]string{"cleanup.policy": "delete"})
	require.True(t, s.soon(func() bool { return s.examined().OK }))
	stop()
	has("role handler: ")
	kafkatest.DeleteTopic(t, s.cfg.Brokers, s.cfg.TopicPrefix+".voucher")
	has("topic " + s.cfg.TopicPrefix + ".voucher: it does not exist")
	s.exec(`DELETE FROM goose_db_version WHERE version_id = 24`)
	require.Equal(t, "schema: database lacks migration 0024_processes.sql: run `bestow migrate up`",
		ills(s.examined())[0])
	require.False(t, slices.ContainsFunc(s.examined().Checks,
		func(f upkeep.Finding) bool { return strings.HasPrefix(f.Check, "role ") }), "what needs it is not looked at")
}

// A doctor whose own clock is wrong, or whose Kafka or database is not there, says so.
func TestDoctorAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	cfg := w.cfg
	cfg.Brokers = nil
	said := upkeep.Examine(t.Context(), cfg, w.pool, func() time.Time { return time.Now().Add(time.Minute) })
	require.Contains(t, said.Checks,
		upkeep.Finding{
			Check: "clock", Level: upkeep.Wrong,
			Text: "this machine's clock is wrong: 1m0s ahead of the database's",
		})
	require.Contains(t, said.Checks,
		upkeep.Finding{Check: "kafka", Level: upkeep.Skipped, Text: "KAFKA_BROKERS is not set"})
	w.cfg.Brokers, w.cfg.DatabaseURL = []string{"127.0.0.1:1"}, "postgres://127.0.0.1:1/none"
	pool, err := daemon.OpenPool(t.Context(), w.cfg)
	require.NoError(t, err)
	defer pool.Close()
	ills := ills(upkeep.Examine(t.Context(), w.cfg, pool, time.Now))
	require.Len(t, ills, 2)
	require.Contains(t, ills[0], "database: PostgreSQL does not answer: ")
	require.Contains(t, ills[1], "kafka: connect to Kafka at [127.0.0.1:1]")
}

// The doctor names keys that expire soon, a type that cannot be made, and a PostgreSQL that may lose commits.
func TestDoctorLooksAhead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.exec(`INSERT INTO principals (name, kind, role, created_by) VALUES ('crm', 'service', 'operator', 't')`)
	for prefix, change := range map[string]string{
		"bestow_soon":    `expires_at = now() + interval '13 days', last_used_at = now()`,
		"bestow_unused":  `expires_at = now() + interval '13 days'`,
		"bestow_later":   `expires_at = now() + interval '15 days', last_used_at = now()`,
		"bestow_past":    `expires_at = now() - interval '1 day', last_used_at = now()`,
		"bestow_revoked": `expires_at = now() + interval '1 day', last_used_at = now(), revoked_at = now(), revoked_by = 't'`,
	} {
		w.exec(`INSERT INTO api_keys (principal_id, prefix, sha256, created_by, expires_at)
			SELECT id, '` + prefix + `', sha256('x'), 't', now() FROM principals WHERE name = 'crm'`)
		w.exec(`UPDATE api_keys SET ` + change + ` WHERE prefix = '` + prefix + `'`)
	}
	said := w.said
	keys := said("keys")
	require.Len(t, keys, 1)
	require.Regexp(t, `^warning: key \d+ of crm \(bestow_soon…\) expires at `, keys[0])
	require.Empty(t, said("event types"))
	w.exec(`INSERT INTO event_types (code, label, operation, topic, state) VALUES ('TEA', 'x', 'points', 'tea', 'TABLES')`)
	require.Empty(t, said("event types"), "the missing role is told")
	w.exec(`INSERT INTO processes (id, roles, version, host, pid, seen_at)
		VALUES (gen_random_uuid(), '{jobs}', 'v', 'h', 1, now() + interval '1 hour')`)
	require.Equal(t, []string{"warning: TEA is being made, by a process with the role jobs"}, said("event types"))
	w.exec(`INSERT INTO river.river_job (kind, queue, args, state, max_attempts, attempt, errors)
		VALUES ('make_types', 'jobs', '{}', 'retryable', 25, 1, ARRAY['{"error": "make event type TEA: Kafka is away", "attempt": 1}'::jsonb])`)
	require.Equal(t, []string{"wrong: event type TEA cannot be made yet: Kafka is away"}, said("event types"))
	require.Contains(t, said("database")[1], "warning: it may lose commits", "the tests' PostgreSQL has fsync off")
}

// said returns what a doctor says of one thing.
func (w *world) said(check string) (texts []string) {
	w.Helper()
	for _, f := range w.examined().Checks {
		if f.Check == check {
			texts = append(texts, f.Level+": "+f.Text)
		}
	}
	return texts
}

// The doctor says how much of their space the uploads take, and who has them.
func TestDoctorAddsUploadsUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.cfg.UploadsGiB = 1
	require.Equal(t, []string{"ok: take 0 MiB of 1024 MiB"}, w.said("uploads"))
	w.exec(`INSERT INTO uploads (owner, size, received, content_type, name, metadata, expires_at) VALUES
		('kim', 1 << 20, 0, 'text/csv', '', '', now()), ('crm', 800 << 20, 5, 'text/csv', '', '', now())`)
	require.Equal(t, []string{"ok: take 801 MiB of 1024 MiB: crm 800 MiB, of which 1 MiB have come; " +
		"kim 1 MiB, of which 0 MiB have come"}, w.said("uploads"))
	w.exec(`UPDATE uploads SET size = 900 << 20 WHERE owner = 'crm'`)
	require.Contains(t, w.said("uploads")[0], "warning: take 901 MiB of 1024 MiB: crm 900 MiB")
	require.Contains(t, w.said("uploads")[0], "or set BESTOW_UPLOADS_GIB higher")
}

// The doctor says what the role of the service lacks, and what it has too much.
func TestDoctorLooksAtRights(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	require.Regexp(t, `^warning: the role \S+ is a superuser, whom no right and no trigger stops`, w.said("rights")[0])
	w.exec(`INSERT INTO event_types (code, label, operation, topic) VALUES ('COUPON', 'Coupons', 'vouchers', 'coupon');
		SELECT create_event_type_tables('COUPON', 'vouchers'); UPDATE event_types SET state = 'READY' WHERE code = 'COUPON'`)
	service := *w
	role, address := w.serviceRole()
	service.cfg.DatabaseURL = address
	var err error
	service.pool, err = daemon.OpenPool(t.Context(), service.cfg)
	require.NoError(t, err)
	t.Cleanup(service.pool.Close)
	ok := []string{"ok: the role " + role + " has what the service needs, owns nothing, and cannot change the audit"}
	require.Equal(t, ok, service.said("rights"))

	lacks := func(rights string) string {
		return "wrong: the role " + role + " lacks what the service needs: " + rights +
			". Run the SQL of docs/rights.md again, as the owner of the tables"
	}
	for _, right := range []string{
		"INSERT ON uploads", "DELETE ON imports", "UPDATE (seen_at) ON sessions", "SELECT ON pin_keys",
		"INSERT ON money.point_account", "USAGE ON SEQUENCE money.point_member_id_seq", "SELECT ON SEQUENCE imports_id_seq",
		"UPDATE ON SEQUENCE campaign_events_id_seq", "EXECUTE ON FUNCTION drop_import_stage", "USAGE ON SCHEMA river",
		"UPDATE (redrive) ON point_results", "INSERT ON coupon_results", "UPDATE (voucher_pin) ON coupon_results",
	} {
		w.exec(`REVOKE ` + right + ` FROM ` + role)
		require.Equal(t, []string{lacks(right)}, service.said("rights"))
		w.exec(`GRANT ` + right + ` TO ` + role)
	}
	require.Equal(t, ok, service.said("rights"))
	w.exec(`REVOKE INSERT, DELETE ON brakes, imports, uploads FROM ` + role)
	require.Equal(t, []string{lacks("INSERT ON brakes, DELETE ON brakes, INSERT ON imports, " +
		"DELETE ON imports, INSERT ON uploads and 1 more right")}, service.said("rights"))
	w.exec(`REVOKE INSERT ON processes FROM ` + role)
	require.Regexp(t, `^skipped: the role `+role+` cannot write the table processes`, service.said("rights")[0])
	w.exec(`GRANT INSERT, DELETE ON brakes, imports, uploads, processes TO ` + role)
	require.Equal(t, ok, service.said("rights"))

	for _, tooMuch := range []struct{ give, take, says string }{
		{
			`ALTER ROLE ` + role + ` BYPASSRLS`, `ALTER ROLE ` + role + ` NOBYPASSRLS`,
			`has BYPASSRLS, which the service does not need: ALTER ROLE "` + role + `" NOBYPASSRLS`,
		},
		{
			`GRANT UPDATE ON audit_log TO ` + role, `REVOKE UPDATE ON audit_log FROM ` + role,
			"can change the audit (audit_log): grant it SELECT and INSERT on these tables, and no more (docs/rights.md)",
		},
		{
			`GRANT CREATE ON SCHEMA public TO ` + role, `REVOKE CREATE ON SCHEMA public FROM ` + role,
			"can make tables beside those of the service: REVOKE CREATE ON SCHEMA public FROM PUBLIC, and from the role (docs/rights.md)",
		},
		{
			`ALTER TABLE starts OWNER TO ` + role, `ALTER TABLE starts OWNER TO CURRENT_USER; GRANT SELECT, INSERT ON starts TO ` + role,
			"owns 1 table, so it could drop triggers and change what is kept for ever: let the service sign in as a role that owns nothing (docs/rights.md)",
		},
	} {
		w.exec(tooMuch.give)
		require.Equal(t, []string{"warning: the role " + role + " " + tooMuch.says}, service.said("rights"))
		w.exec(tooMuch.take)
		require.Equal(t, ok, service.said("rights"))
	}
}

// The doctor names a job that is neither ended nor rescued, and messages that wait for longer than is good.
func TestDoctorFindsWhatIsStuck(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p, stop := w.start(t.Context(), daemon.Overrides{}, daemon.AllRoles...)
	e := w.event(p, "POINT", 100)
	w.run(p, e)
	w.completed(p, e.ID)
	stop()
	w.exec(`INSERT INTO river.river_job (kind, queue, args, state, max_attempts, attempt, attempted_at, attempted_by) VALUES
		('sweep', 'jobs', '{}', 'running', 25, 1, now() - interval '4 minutes', ARRAY['a', 'b']),
		('verify', 'jobs', '{}', 'running', 25, 1, now() - interval '34 minutes', ARRAY['a', 'b'])`)
	stuck := func() (texts []string) {
		for _, text := range w.said("river") {
			if strings.Contains(text, "stuck") {
				texts = append(texts, text)
			}
		}
		return texts
	}
	require.Empty(t, stuck())
	w.exec(`UPDATE river.river_job SET attempted_at = attempted_at - interval '2 minutes' WHERE state = 'running'`)
	require.Len(t, stuck(), 1)
	require.Regexp(t, `^wrong: 2 stuck jobs, such as job \d+ \(verify\), which b has been running for 36m\d+s: .* after 30s\. Restart`, stuck()[0])

	topic := w.cfg.TopicPrefix + ".point"
	require.Empty(t, w.said("topic "+topic))
	kafkatest.Set(t, w.cfg.Brokers, topic, map[string]string{"retention.ms": "7200000"})
	for _, other := range []string{topic + ".dlt", w.cfg.TopicPrefix + ".voucher"} { // nothing waits for a handler there
		kafkatest.Set(t, w.cfg.Brokers, other, map[string]string{"retention.ms": "3600000"})
	}
	w.exec(`UPDATE campaign_events SET event_status = 'RUNNING'; UPDATE grant_chunks SET claimed_at = NULL, published_at = now() - interval '59 minutes'`)
	require.Empty(t, w.said("topic "+topic))
	require.Empty(t, w.said("topic "+w.cfg.TopicPrefix+".voucher"))
	w.exec(`UPDATE grant_chunks SET published_at = now() - interval '61 minutes'`)
	require.Regexp(t, `^warning: messages have waited for a handler for 1h1m\d+s, and the topic keeps them for 2h0m0s: start more`,
		w.said("topic " + topic)[0])
}

// Where only the service is known, the doctor asks it, and says what it did not look at (P13).
func TestDoctorAsksTheService(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	said := func() string {
		out, errs := s.done("doctor")
		require.Empty(t, errs)
		return regexp.MustCompile(`  +`).ReplaceAllString(out, "  ")
	}
	code, out, _ := s.run("doctor")
	require.Equal(t, terminal.ExitFailed, code)
	require.Contains(t, out, "no process with the role relay is running: `bestow serve --roles relay` starts one")

	_, err := processes.New(s.pool).Beat(t.Context(), processes.Process{
		ID:    "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
		Roles: daemon.AllRoles, Version: "v1", Host: "h", PID: 7,
		Reports: []processes.Report{{Settings: processes.Settings{}}},
	})
	require.NoError(t, err)
	s.sql(`INSERT INTO river.river_leader (elected_at, expires_at, leader_id, name) VALUES (now(), now() + interval '1 hour', 'first', 'default')`)
	require.Contains(t, said(), "ok  service  answers at BESTOW_URL\nskipped  database  DATABASE_URL is not set: ")
	require.Contains(t, said(), "ok  role jobs  processes: 1\nok  river  first leads\n")
	require.Contains(t, said(), "ok  events  every event that runs or is due is moving\n")
	s.sql(`UPDATE processes SET seen_at = now() - interval '16 seconds'`)
	require.Regexp(t, `warning  role api  processes: 1, but none was seen for [12]\ds; a process that was killed counts for 30s\n`,
		said())

	s.done("event create --campaign-id a --event-type POINT --default-amount 5")
	s.sql(`UPDATE campaign_events SET event_status = 'FAILED', failure_code = 'mismatch'`)
	require.Contains(t, said(), "warning  events  event 1 is FAILED (mismatch): `bestow event show 1` shows it\n")
	s.sql(`UPDATE campaign_event_summary SET stopped_memo = 'the ledger contradicts itself'`)
	require.Contains(t, said(), "warning  events  event 1 is FAILED (mismatch): the ledger contradicts itself\n")

	s.env["BESTOW_KEY"] = "wrong"
	code, _, errs := s.run("doctor")
	require.Equal(t, terminal.ExitFailed, code)
	require.Contains(t, errs, "the API key is not valid")
	s.env["BESTOW_KEY"] = ""
	_, _, errs = s.run("doctor")
	require.Contains(t, errs, "DATABASE_URL is not set: give the address")
}

// C16: what Kafka's absence keeps from moving says so, and goes on by itself.
func TestWaitsForKafka(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := &still{world: w, log: newLines()}
	kafka := w.ownBroker()
	s.api, _ = s.role(daemon.Overrides{}, daemon.RoleAPI)
	s.role(daemon.Overrides{}, daemon.RoleRelay, daemon.RoleHandler, daemon.RoleJobs)
	e := s.event(s.api, "POINT", 2_000)
	kafka.server.Close()
	s.run(s.api, e)
	require.Contains(t, s.waits(e, "kafka_away"), "Kafka does not answer: ")
	kafka.comeBack()
	require.Equal(t, domain.Completed, s.completed(s.api, e.ID).Status)
	s.waits(e)
}
