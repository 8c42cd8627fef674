package daemon

import (
	"context"
	"log/slog"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"bestow/app/processes"
	"bestow/cmd/bestow/settings"
	"bestow/internal/kafkatest"
	"bestow/internal/pgtest"
	"bestow/internal/seal"

	"github.com/caarlos0/env/v11"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { pgtest.Main(m, kafkatest.Leaks()...) }

// testConfig returns the settings of a process with a database of its own.
func testConfig(t *testing.T) settings.Config {
	t.Helper()
	cfg, err := env.ParseAsWithOptions[settings.Config](env.Options{Environment: map[string]string{
		"DATABASE_URL":        pgtest.URL(t),
		"KAFKA_BROKERS":       strings.Join(kafkatest.Brokers(t), ","),
		"BESTOW_TOPIC_PREFIX": kafkatest.Prefix(t),
		"BESTOW_ADDR":         "127.0.0.1:0",
		"BESTOW_OPS_ADDR":     "127.0.0.1:0",
		"BESTOW_MASTER_KEY":   seal.GenerateMaster(),
	}})
	require.NoError(t, err)
	return cfg
}

// A server that is there and has no such database is not waited for.
func TestNoSuchDatabase(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	at, err := url.Parse(cfg.DatabaseURL)
	require.NoError(t, err)
	at.Path = "/nowhere"
	cfg.DatabaseURL = at.String()
	ctx, cancel := context.WithTimeout(t.Context(), patience/2)
	defer cancel()
	_, err = New(ctx, cfg, AllRoles, slog.New(slog.DiscardHandler), Overrides{})
	require.ErrorContains(t, err, "nowhere")
	require.NoError(t, ctx.Err())
}

// Asked to stop in the middle of a look at the clock, a process leaves no job at work behind itself.
func TestStoppedWhileTheClockIsRead(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	var reads atomic.Int32
	now := func() time.Time {
		if reads.Add(1) > 4 { // River works by then
			stop()
		}
		return time.Now()
	}
	p, err := New(t.Context(), testConfig(t), []string{RoleJobs}, slog.New(slog.DiscardHandler), Overrides{Now: now})
	require.NoError(t, err)
	t.Cleanup(p.Close)
	require.NoError(t, p.workJobs(ctx))
	select {
	case <-p.River.Stopped():
	default:
		require.Fail(t, "River works on")
	}
}

// In production, and only there, an event needs the limits of its type, and a key of a hash has to be wrapped (C7,
// C24).
func TestProductionIsStrict(t *testing.T) {
	t.Parallel()
	p, err := New(t.Context(), testConfig(t), []string{RoleAPI}, slog.New(slog.DiscardHandler), Overrides{})
	require.NoError(t, err)
	t.Cleanup(p.Close)
	for env, strict := range map[string]bool{"production": true, "development": false} {
		p.cfg.Env = env
		require.NoError(t, p.wireApp(t.Context()))
		require.Equal(t, strict, p.deps().LimitsNeeded, env)
		require.Equal(t, strict, p.deps().WrappedKeysOnly, env)
	}
}

// What moves points moves them alike: processes that do say by which order and for how many days, and others say
// nothing.
func TestSettingsOfTheLedger(t *testing.T) {
	t.Parallel()
	own := settings.Config{SpendOrder: "expiring", RegrantDays: 5}
	remote := own
	remote.MoneyURL = "http://ledger"
	for _, tt := range []struct {
		cfg   settings.Config
		roles []string
		says  bool
	}{
		{own, []string{RoleMoney}, true},
		{own, []string{RoleJobs}, true},
		{remote, []string{RoleMoney}, true},
		{remote, []string{RoleJobs}, false},
		{own, []string{RoleAPI, RoleRelay, RoleHandler}, false},
	} {
		s := (&Process{cfg: tt.cfg, roles: tt.roles}).settings()
		want := map[bool][]string{true: {"expiring", "5"}, false: {"", ""}}[tt.says]
		require.Equal(t, want, []string{s[processes.SpendOrderSetting], s[processes.RegrantDaysSetting]}, "%v",
			tt.roles)
	}
}
