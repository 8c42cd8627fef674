package upkeep

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"bestow/app/eventrow"
	"bestow/app/processes"
	"bestow/app/reports"
	"bestow/cmd/bestow/daemon"
	"bestow/cmd/bestow/settings"
	"bestow/cmd/bestow/terminal"
	"bestow/domain"
	"bestow/internal/english"
	"bestow/internal/pg"
	"bestow/jobs"
	"bestow/migrations"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// DoctorCmd is `bestow doctor`. It reads DATABASE_URL, since it also looks at what keeps the service from answering.
// Where only the service is known, it asks that.
type DoctorCmd struct{ terminal.Format }

// Help says what is looked at.
func (DoctorCmd) Help() string {
	return `It checks the database, its schema and the rights of the role, the clock, the processes and their roles, River's leader,
queues and stuck jobs, the circuit breakers of the ledgers, keys that expire soon, how much uploads take, and Kafka, its
topics and the rights there (if KAFKA_BROKERS is set), and it lists what events wait for. Each finding says what to do.
It reads DATABASE_URL, as the service does, and changes nothing. If DATABASE_URL is not set, it asks the service at
BESTOW_URL with BESTOW_KEY, which cannot tell all of this: the list says what was skipped. The exit code is 1 if
something is wrong.`
}

// errIll is the end of a doctor that found something wrong: the list has said it all.
var errIll = errors.New("something is wrong")

// The levels of a finding.
const (
	Fine    = "ok"
	Warning = "warning" // on purpose, or for a while
	Wrong   = "wrong"
	Skipped = "skipped"
)

// Finding holds what the doctor says of one thing.
type Finding struct {
	Check string `json:"check"`
	Level string `json:"level"`
	Text  string `json:"text"`
}

// Diagnosis holds what `bestow doctor -o json` prints.
type Diagnosis struct {
	OK     bool      `json:"ok"`
	Checks []Finding `json:"checks"`
}

// Run examines the installation.
func (c *DoctorCmd) Run(ctx context.Context, t *terminal.Terminal) error {
	cfg, err := settings.Load()
	if err != nil {
		return err
	}
	pool, err := daemon.OpenBy(ctx, cfg, pg.OpenToRead)
	if errors.Is(err, daemon.ErrNoDatabase) && t.Env("BESTOW_KEY") != "" {
		return c.runRemote(ctx, t)
	}
	if err != nil {
		return err
	}
	defer pool.Close()
	return c.show(t, Examine(ctx, cfg, pool, time.Now))
}

func (c *DoctorCmd) show(t *terminal.Terminal, d Diagnosis) error {
	err := c.Print(t, d, func() error {
		return t.Table(func(w io.Writer) {
			for _, f := range d.Checks {
				fmt.Fprintf(w, "%s\t%s\t%s\n", f.Level, f.Check, f.Text)
			}
		})
	})
	if err == nil && !d.OK {
		return errIll
	}
	return err
}

// Examine looks at an installation from outside. cfg says where it is, and now is this machine's clock.
func Examine(ctx context.Context, cfg settings.Config, pool *pgxpool.Pool, now func() time.Time) Diagnosis {
	return (&doctor{cfg: cfg, pool: pool, now: now}).examine(ctx)
}

// doctor looks at an installation from outside.
type doctor struct {
	cfg    settings.Config
	pool   *pgxpool.Pool
	now    func() time.Time
	checks []Finding
}

// patienceOfADoctor is the time that all of the examination may take.
const patienceOfADoctor = 30 * time.Second

func (d *doctor) say(check, level, format string, args ...any) {
	d.checks = append(d.checks, Finding{check, level, fmt.Sprintf(format, args...)})
}

// examine looks at one thing after another; what stands on a thing that is wrong is not looked at.
func (d *doctor) examine(ctx context.Context) Diagnosis {
	ctx, cancel := context.WithTimeout(ctx, patienceOfADoctor)
	defer cancel()
	if d.database(ctx) && d.schema(ctx) {
		d.rights(ctx)
		d.clock(ctx)
		d.installation(ctx)
		d.uploads(ctx)
	}
	d.kafka(ctx)
	return d.diagnosis()
}

func (d *doctor) diagnosis() Diagnosis {
	ill := slices.ContainsFunc(d.checks, func(f Finding) bool { return f.Level == Wrong })
	return Diagnosis{OK: !ill, Checks: d.checks}
}

func (d *doctor) database(ctx context.Context) bool {
	var version string
	if err := d.pool.QueryRow(ctx, `SELECT current_setting('server_version')`).Scan(&version); err != nil {
		d.say("database", Wrong, "PostgreSQL does not answer: %s", english.OneLine(pg.Explain(err).Error()))
		return false
	}
	d.say("database", Fine, "PostgreSQL %s answers", version)
	if durable, err := daemon.KeepsCommits(ctx, d.pool); err == nil && !durable {
		d.say("database", Warning, "it may lose commits when its machine crashes: set fsync, full_page_writes and "+
			"synchronous_commit to on")
	}
	d.encryption(ctx)
	return true
}

func (d *doctor) schema(ctx context.Context) bool {
	if err := migrations.Current(ctx, d.cfg.DatabaseURL); err != nil {
		d.say("schema", Wrong, "%s", english.OneLine(err.Error()))
		return false
	}
	d.say("schema", Fine, "has every migration of this version")
	return true
}

func (d *doctor) clock(ctx context.Context) {
	if err := (daemon.Clock{Pool: d.pool, Now: d.now}).Check(ctx); err != nil {
		d.say("clock", Wrong, "%s", english.OneLine(err.Error()))
		return
	}
	d.say("clock", Fine, "this machine's is within %s of the database's", daemon.ClockTolerance)
}

// installation looks at what the processes say of themselves.
func (d *doctor) installation(ctx context.Context) {
	reports, err := reports.New(reports.Config{Pool: d.pool})
	if err != nil {
		d.say("processes", Wrong, "%s", english.OneLine(err.Error()))
		return
	}
	sys, err := reports.System(ctx)
	if err != nil {
		d.say("processes", Wrong, "%s", english.OneLine(err.Error()))
		return
	}
	d.installed(sys)
	d.ownSettings(ctx)
	d.expiry(ctx, sys)
	d.stuck(ctx)
	d.failed(ctx)
	d.types(ctx, reports)
	d.keys(ctx)
}

// installed looks at what an installation says of itself.
func (d *doctor) installed(sys reports.System) {
	if sys.ReadOnly {
		d.say("database", Wrong, "it takes no writes: its server is a standby, or read-only")
	}
	d.processes(sys)
	d.river(sys)
	for _, l := range sys.Ledgers {
		if l.Away != "" {
			d.say("ledger", Wrong, "%s", l.Away)
		} else {
			d.say("ledger", Fine, "%s: all circuit breakers are closed", l.Name)
		}
	}
	// Whether the processes have the master key they know themselves.
	standing := slices.DeleteFunc(sys.Standing, func(s reports.Standing) bool { return s.Code == domain.MissingKeys })
	still := slices.DeleteFunc(slices.Clone(standing), func(s reports.Standing) bool { return len(s.Events) == 0 })
	for _, s := range standing {
		switch s.Code {
		case processes.SettingsDiffer:
			d.say("settings", Wrong, "%s", s.Text)
		case reports.TypeUnmade:
			d.say("event types", Wrong, "%s", s.Text)
		}
	}
	for _, s := range still {
		d.say("events", Wrong, "%s without progress, such as event %d: %s", english.Count(len(s.Events), "event"),
			s.Events[0], s.Text)
	}
	if len(still) == 0 {
		d.say("events", Fine, "every event that runs or is due is moving")
	}
}

// shownFailed says how many FAILED events a doctor names.
const shownFailed = 3

// failedEvent is an event whose going on would do harm: a person has something to do.
type failedEvent struct {
	id         int64
	code, memo string
}

// failed names the newest FAILED events.
func (d *doctor) failed(ctx context.Context) {
	events, err := pg.Value(ctx, d.pool, func(tx pgx.Tx) ([]domain.Event, error) {
		return eventrow.List(ctx, tx, eventrow.Filter{Statuses: []domain.Status{domain.Failed}, Limit: shownFailed + 1})
	})
	if err != nil {
		d.say("events", Wrong, "%s", english.OneLine(err.Error()))
		return
	}
	for i, e := range events {
		d.sayFailed(i, failedEvent{e.ID, e.FailureCode, e.Summary.StoppedMemo})
	}
}

// sayFailed names the i-th FAILED event, and after those that are shown says that there are more.
func (d *doctor) sayFailed(i int, e failedEvent) {
	switch {
	case i == shownFailed:
		d.say("events", Warning, "more events are FAILED: `bestow event list --status FAILED` shows them")
	case e.memo == "":
		d.say("events", Warning, "event %d is FAILED (%s): `bestow event show %d` shows it", e.id, e.code, e.id)
	default:
		d.say("events", Warning, "event %d is FAILED (%s): %s", e.id, e.code, english.OneLine(e.memo))
	}
}

// ownSettings compares the settings that the doctor was given, by which it looks at Kafka.
func (d *doctor) ownSettings(ctx context.Context) {
	mine := d.cfg.Shared()
	if len(d.cfg.Brokers) > 0 {
		mine[processes.TopicPrefixSetting] = d.cfg.TopicPrefix
	}
	all, err := processes.New(d.pool).Differences(ctx, mine)
	if err != nil {
		d.say("settings", Wrong, "%s", english.OneLine(err.Error()))
	}
	for _, text := range all {
		d.say("settings", Warning, "of this command: %s", text)
	}
}

// silentFor is the time after which a process that is alive has been seen again: three beats of its heart.
const silentFor = 15 * time.Second

// processes looks for each role, for what processes report, and for versions that are mixed.
func (d *doctor) processes(sys reports.System) {
	for _, role := range []string{daemon.RoleAPI, daemon.RoleRelay, daemon.RoleHandler, daemon.RoleJobs} {
		working := sys.Working(role)
		var seen time.Time
		for _, p := range working {
			if p.SeenAt.After(seen) {
				seen = p.SeenAt
			}
		}
		switch silent := sys.At.Sub(seen); {
		case len(working) == 0:
			d.say("role "+role, Wrong, "no process with the role %s is running: `bestow serve --roles %s` starts one",
				role, role)
		case silent > silentFor:
			d.say("role "+role, Warning, "processes: %d, but none was seen for %s; a process that was killed counts for %s",
				len(working), silent.Round(time.Second), processes.AliveFor)
		default:
			d.say("role "+role, Fine, "processes: %d", len(working))
		}
	}
	var versions []string
	for _, p := range sys.Processes {
		versions = append(versions, p.Version)
		for _, r := range p.Obstacles() {
			d.say("process", Wrong, "%s %d (%s): %s", p.Host, p.PID, strings.Join(p.Roles, ","), r.Text)
		}
	}
	slices.Sort(versions)
	if versions = slices.Compact(versions); len(versions) > 1 {
		d.say("versions", Warning, "more than one is running: %s", strings.Join(versions, ", "))
	}
}

func (d *doctor) river(sys reports.System) {
	switch atWork := len(sys.Working(daemon.RoleRelay)) + len(sys.Working(daemon.RoleJobs)); {
	case sys.River.Leader != "":
		d.say("river", Fine, "%s leads", sys.River.Leader)
	case atWork > 0:
		d.say("river", Wrong, "no client leads, so that no job is scheduled or rescued: it should within half a minute")
	}
	for _, queue := range sys.River.Paused {
		d.say("queue "+queue, Wrong, "is paused in River UI")
	}
}

// stuck names a job that neither ends nor is rescued.
func (d *doctor) stuck(ctx context.Context) {
	j, err := jobs.ReadStuck(ctx, d.pool)
	switch {
	case err != nil:
		d.say("river", Wrong, "%s", english.OneLine(err.Error()))
	case j != nil:
		d.say("river", Wrong, "%s, such as job %d (%s), which %s has been running for %s: a job that takes longer than its "+
			"time is given to another process after %s. Restart the process, or start one with the role jobs",
			english.Count(j.All, "stuck job"), j.ID, j.Kind, j.Client, j.For.Round(time.Second), jobs.RescueAfter)
	}
}
