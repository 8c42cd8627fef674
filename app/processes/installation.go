package processes

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"bestow/domain"
	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
)

// Installation says how the installation is at one moment.
type Installation struct {
	At        time.Time // the database's clock
	ReadOnly  bool      // nothing can be written
	Paused    []string  // queues
	Processes []Process // those that are alive, the oldest first
}

// Read reads the processes that are alive and the queues that are paused: two tables of a few rows.
func Read(ctx context.Context, tx pgx.Tx) (l Installation, err error) {
	const query = `SELECT now(), pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean,
			ARRAY(SELECT name FROM river.river_queue WHERE paused_at IS NOT NULL ORDER BY name),
			(SELECT coalesce(jsonb_agg(p ORDER BY p.started_at, p.id), '[]') FROM processes p
				WHERE p.seen_at > now() - $1::interval AND p.gone < greatest(p.life, 1))`
	var processes []byte
	if err := tx.QueryRow(ctx, query, AliveFor).Scan(&l.At, &l.ReadOnly, &l.Paused, &processes); err != nil {
		return l, fmt.Errorf("read processes: %w", err)
	}
	l.Processes, err = decode(processes)
	return l, err
}

// decode reads the rows of processes from a list of them in JSON.
func decode(rows []byte) (all []Process, err error) {
	if err := json.Unmarshal(rows, &all); err != nil {
		return nil, fmt.Errorf("read processes: %w", err)
	}
	return all, nil
}

// settingsBeside says how mine differ from the settings of the processes.
func (l Installation) settingsBeside(mine Settings) (all []string) {
	for _, name := range slices.Sorted(maps.Keys(mine)) {
		if others := l.others(name, mine[name]); len(others) > 0 {
			all = append(all, differs(name, mine[name], others))
		}
	}
	return all
}

// others returns the processes that have another value of the setting.
func (l Installation) others(name, value string) (all []Process) {
	for _, p := range l.Processes {
		if theirs, told := p.settings()[name]; told && theirs != value {
			all = append(all, p)
		}
	}
	return all
}

func differs(name, mine string, others []Process) string {
	return fmt.Sprintf("%s is %q here and %q in a process that runs (%s)", name, mine, others[0].settings()[name],
		nameProcesses(others))
}

// Unserved reports whether no handler that runs has the ledger of the type. Ours is one that each handler has.
func (l Installation) Unserved(t domain.EventType) bool {
	return t.Granter != domain.OurGranter && !slices.ContainsFunc(l.Processes, func(p Process) bool {
		return p.Works(RoleHandler) && slices.Contains(p.granters(), t.Granter)
	})
}

// IsUnserved reports whether no handler that runs has the ledger of the type. For ours nothing is read.
func IsUnserved(ctx context.Context, tx pgx.Tx, t domain.EventType) (bool, error) {
	if t.Granter == domain.OurGranter {
		return false, nil
	}
	l, err := Read(ctx, tx)
	return l.Unserved(t), err
}

// granters returns the names of the ledgers that p can ask, as a handler: a version that does not name them has ours
// alone.
func (p Process) granters() []string {
	for _, r := range p.Reports {
		if r.Granters != nil {
			return r.Granters
		}
	}
	return []string{domain.OurGranter}
}

// Running names some of the processes that run, or were seen in the last 30 seconds: "" if there are none. It names
// those too that were taken for gone: one that lives all the same comes back with the keys that it has in memory.
func (s *Processes) Running(ctx context.Context) (string, error) {
	const query = `SELECT coalesce(jsonb_agg(p ORDER BY p.started_at, p.id), '[]') FROM processes p
		WHERE p.seen_at > now() - $1::interval`
	var found []byte
	if err := s.pool.QueryRow(ctx, query, AliveFor).Scan(&found); err != nil {
		return "", fmt.Errorf("read processes: %w", err)
	}
	all, err := decode(found)
	return nameProcesses(all), err
}

// Differences says how mine differ from the settings of the processes that run: one sentence for each setting.
func (s *Processes) Differences(ctx context.Context, mine Settings) ([]string, error) {
	return pg.Value(ctx, s.pool, func(tx pgx.Tx) ([]string, error) {
		l, err := Read(ctx, tx)
		if err != nil {
			return nil, err
		}
		return l.settingsBeside(mine), nil
	})
}

// SameSettings returns [SettingsDiffer] if a process that runs has another value of one of the settings. tx may be one
// whose statements name the schema of every table, and call the main one "public".
func SameSettings(ctx context.Context, tx pgx.Tx, mine Settings) error {
	const query = `SELECT coalesce(jsonb_agg(p ORDER BY p.started_at, p.id), '[]') FROM public.processes p
		WHERE p.seen_at > now() - $1::interval AND p.gone < greatest(p.life, 1)`
	var l Installation
	var processes []byte
	if err := tx.QueryRow(ctx, query, AliveFor).Scan(&processes); err != nil {
		return fmt.Errorf("read processes: %w", err)
	}
	if err := json.Unmarshal(processes, &l.Processes); err != nil {
		return fmt.Errorf("read processes: %w", err)
	}
	if all := l.settingsBeside(mine); len(all) > 0 {
		return settingsDiffer(all[0], "give this command the setting of the processes")
	}
	return nil
}
