package main

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"bestow/app"
	"bestow/app/processes"
	"bestow/app/verify"
	"bestow/cmd/bestow/daemon"
	"bestow/cmd/bestow/upkeep"
	"bestow/domain"
	"bestow/internal/seal"

	"github.com/stretchr/testify/require"
)

// B11: a relay and a handler with different topics are named with both values, by all that tell why an event stands
// still; with one prefix the event goes on.
func TestWaitsForSettingsThatDiffer(t *testing.T) {
	t.Parallel()
	s := newStill(t)
	mine := s.cfg.TopicPrefix
	s.role(daemon.Overrides{}, daemon.RoleRelay, daemon.RoleJobs)
	s.cfg.TopicPrefix = mine + "-other"
	other := newLines()
	s.log, s.world.log = other, slog.New(other)
	_, stop := s.role(daemon.Overrides{}, daemon.RoleHandler)
	require.Equal(t, 1, other.count("WARN a setting differs from that of another process"),
		"the process that starts says so")

	blocked := "blocked: the processes have different values of BESTOW_TOPIC_PREFIX: "
	ready := func() string { return s.ready(s.api) }
	require.True(t, s.soon(func() bool { return strings.Contains(ready(), blocked) }), "before any event runs: %s",
		ready())
	e := s.event(s.api, "POINT", 300)
	s.run(s.api, e)
	text := s.waits(e, processes.SettingsDiffer)
	require.Contains(t, text, blocked)
	require.Contains(t, text, `"`+mine+`" (relay,jobs on `)
	require.Contains(t, text, `"`+mine+`-other" (handler on `)
	ills := ills(s.examined())
	require.True(t, slices.ContainsFunc(ills,
		func(ill string) bool { return strings.HasPrefix(ill, "settings: "+blocked) }), "%v", ills)
	require.True(t, slices.ContainsFunc(ills,
		func(ill string) bool { return strings.HasPrefix(ill, "events: 1 event without progress, ") }), "%v", ills)

	stop()
	s.cfg.TopicPrefix = mine
	s.role(daemon.Overrides{}, daemon.RoleHandler)
	require.Equal(t, domain.Completed, s.completed(s.api, e.ID).Status)
	s.waits(e)
	require.True(t, s.soon(func() bool { return strings.TrimSpace(ready()) == `{"ok":true}` }), "%s", ready())
	s.cfg.TopicPrefix = mine + "-doctor"
	d := s.examined()
	require.True(t, slices.ContainsFunc(d.Checks, func(f upkeep.Finding) bool {
		return f.Check == "settings" && f.Level == upkeep.Warning &&
			strings.HasPrefix(f.Text, "of this command: BESTOW_TOPIC_PREFIX is ")
	}), "%v", d.Checks)
}

// B11: what cannot be undone is refused at the start, with both values; what passes when the settings agree is only
// told.
func TestMayNotJoinWithOtherSettings(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		running, mine processes.Settings
		refused       string
	}{
		"alike":                          {processes.Settings{processes.TimeZoneSetting: "Asia/Seoul", processes.EnvSetting: "development"}, nil, ""},
		"a version that says nothing":    {nil, nil, ""},
		"another time zone":              {processes.Settings{processes.TimeZoneSetting: "UTC"}, nil, `BESTOW_TIME_ZONE is "Asia/Seoul" here and "UTC" in a process that runs (relay on h, process 1)`},
		"development beside production":  {processes.Settings{processes.EnvSetting: "production"}, nil, `BESTOW_ENV is "development" here and "production" in a process that runs`},
		"production beside development":  {processes.Settings{processes.EnvSetting: "development"}, processes.Settings{processes.EnvSetting: "production"}, ""},
		"other topics, another cluster":  {processes.Settings{processes.TopicPrefixSetting: "a", processes.BrokersSetting: "c"}, nil, ""},
		"another master key":             {processes.Settings{processes.MasterKeySetting: "k2"}, nil, `BESTOW_MASTER_KEY is "k1" here and "k2" in a process that runs`},
		"no master key here":             {processes.Settings{processes.MasterKeySetting: "k2"}, processes.Settings{processes.EnvSetting: "development"}, ""},
		"no master key there":            {processes.Settings{processes.EnvSetting: "development"}, nil, ""},
		"another time zone, long killed": {processes.Settings{"killed": "", processes.TimeZoneSetting: "UTC"}, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			mine := processes.Settings{
				processes.TimeZoneSetting: "Asia/Seoul", processes.EnvSetting: "development",
				processes.TopicPrefixSetting: "b", processes.BrokersSetting: "d", processes.MasterKeySetting: "k1",
			}
			if c.mine != nil {
				mine = c.mine
			}
			w.plantProcess(c.running)
			err := processes.New(w.pool).MayJoin(t.Context(), mine)
			if c.refused == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, &domain.Error{Code: processes.SettingsDiffer})
			require.ErrorContains(t, err, c.refused)
		})
	}
}

// plantProcess is a relay that says its settings; with one named "killed" it was seen a minute ago.
func (w *world) plantProcess(s processes.Settings) {
	w.Helper()
	seen := "0 s"
	if _, killed := s["killed"]; killed {
		seen = "1 minute"
		delete(s, "killed")
	}
	w.exec(`INSERT INTO processes (id, roles, version, host, pid, seen_at, reports) VALUES (gen_random_uuid(), '{relay}', 'v', 'h', 1,
		now() - $1::text::interval, jsonb_build_array(jsonb_build_object('code', '', 'settings', $2::jsonb)))`, seen, s)
}

// B11: a process with another time zone or another master key does not start, and a proof by another zone, or another
// word on what expires, is refused before it is red.
func TestAnotherTimeZoneOrKeyIsRefused(t *testing.T) {
	t.Parallel()
	s := newStill(t)
	require.True(t, s.soon(func() bool { return s.count(`SELECT count(*) FROM processes`) == 1 }))
	cfg := s.cfg
	cfg.TimeZone = "America/New_York"
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	_, err := daemon.New(ctx, cfg, []string{daemon.RoleHandler}, slog.New(slog.DiscardHandler), daemon.Overrides{})
	require.ErrorIs(t, err, &domain.Error{Code: processes.SettingsDiffer})
	keyed := s.cfg
	keyed.MasterKey = seal.GenerateMaster()
	s.plantProcess(processes.Settings{processes.MasterKeySetting: "00000000"})
	_, err = daemon.New(ctx, keyed, []string{daemon.RoleHandler}, slog.New(slog.DiscardHandler), daemon.Overrides{})
	require.ErrorContains(t, err, "BESTOW_MASTER_KEY is ")
	require.NotContains(t, err.Error(), keyed.MasterKey)
	reports, err := verify.New(verify.Config{Pool: s.pool})
	require.NoError(t, err)
	require.NoError(t, app.Agree(ctx, reports, upkeep.Judging(s.cfg)))
	require.ErrorIs(t, app.Agree(ctx, reports, upkeep.Judging(cfg)), &domain.Error{Code: processes.SettingsDiffer})
	cfg = s.cfg
	cfg.Expiry = "off"
	require.ErrorIs(t, app.Agree(ctx, reports, upkeep.Judging(cfg)), &domain.Error{Code: processes.SettingsDiffer})
}
