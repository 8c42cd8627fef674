package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"bestow/domain"
	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
)

// Settings are the values that all processes of an installation must have alike, by the name of the setting. None is a
// secret. A process leaves out what it does not use.
type Settings map[string]string

// The names in [Settings].
const (
	TopicPrefixSetting = "BESTOW_TOPIC_PREFIX"
	// BrokersSetting has the id of the cluster as its value: two lists of brokers may lead to one cluster.
	BrokersSetting  = "KAFKA_BROKERS"
	TimeZoneSetting = "BESTOW_TIME_ZONE"
	EnvSetting      = "BESTOW_ENV"
	ExpirySetting   = "BESTOW_EXPIRY"
	// SpendOrderSetting and RegrantDaysSetting are of processes that move points.
	SpendOrderSetting  = "BESTOW_SPEND_ORDER"
	RegrantDaysSetting = "BESTOW_REGRANT_DAYS"
	// MasterKeySetting has the id of the master key as its value.
	MasterKeySetting = "BESTOW_MASTER_KEY"
)

// SettingsDiffer is the code of a reason: processes have different values of a setting that must agree.
const SettingsDiffer domain.Code = "settings_differ"

// productionEnv is the value of BESTOW_ENV under which limits and keys are asked for.
const productionEnv = "production"

// settings returns what p says of its settings; nil for a process of a version that says nothing.
func (p Process) settings() Settings {
	for _, r := range p.Reports {
		if r.Settings != nil {
			return r.Settings
		}
	}
	return nil
}

// Settings returns what p says of its settings, never nil.
func (p Process) Settings() Settings {
	all := Settings{}
	maps.Copy(all, p.settings())
	return all
}

// difference is a setting of which processes have different values.
type difference struct {
	setting string
	holders map[string][]Process // by value
}

// differences returns the settings of which the processes have different values, in the order of their names.
func differences(processes []Process) (all []difference) {
	holders := map[string]map[string][]Process{}
	for _, p := range processes {
		for name, value := range p.settings() {
			if holders[name] == nil {
				holders[name] = map[string][]Process{}
			}
			holders[name][value] = append(holders[name][value], p)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(holders)) {
		if len(holders[name]) > 1 {
			all = append(all, difference{name, holders[name]})
		}
	}
	return all
}

// blocks reports whether a relay writes by this setting where no handler reads.
func (d difference) blocks() bool {
	if d.setting != TopicPrefixSetting && d.setting != BrokersSetting {
		return false
	}
	has := func(processes []Process, role string) bool {
		return slices.ContainsFunc(processes, func(p Process) bool { return p.has(role) })
	}
	for _, processes := range d.holders {
		if has(processes, RoleRelay) && !has(processes, RoleHandler) {
			return true
		}
	}
	return false
}

// reason says for people which processes have which value.
func (d difference) reason() Reason {
	values := make([]string, 0, len(d.holders))
	for _, value := range slices.Sorted(maps.Keys(d.holders)) {
		values = append(values, fmt.Sprintf("%q (%s)", value, nameProcesses(d.holders[value])))
	}
	text := fmt.Sprintf("the processes have different values of %s: %s: give all of them the same", d.setting, strings.Join(values, ", "))
	if d.setting == BrokersSetting {
		text = fmt.Sprintf("KAFKA_BROKERS leads the processes to different clusters: %s: give all of them the same", strings.Join(values, ", "))
	}
	if d.blocks() {
		text = "blocked: " + text
	}
	return Reason{SettingsDiffer, text}
}

// nameProcesses names some of the processes by their roles, host and process id.
func nameProcesses(all []Process) string {
	const most = 3
	var names []string
	for _, p := range all[:min(len(all), most)] {
		names = append(names, fmt.Sprintf("%s on %s, process %d", strings.Join(p.Roles, ","), p.Host, p.PID))
	}
	if more := len(all) - most; more > 0 {
		names = append(names, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(names, "; ")
}

// differ says which settings keep a running event from moving.
func (l look) differ() (reasons []Reason) {
	for _, d := range differences(l.processes) {
		if d.blocks() {
			reasons = append(reasons, d.reason())
		}
	}
	return reasons
}

// addDifferences adds the settings that differ and that no event stands still for yet.
func (l look) addDifferences(all []Standing) []Standing {
	for _, d := range differences(l.processes) {
		r := d.reason()
		if !slices.ContainsFunc(all, func(s Standing) bool { return s.Reason == r }) {
			all = append(all, Standing{Reason: r, Events: []int64{}})
		}
	}
	return all
}

// Differences says how mine differ from the settings of the processes that run: one sentence for each setting.
func (s *Reports) Differences(ctx context.Context, mine Settings) ([]string, error) {
	return pg.Value(ctx, s.Pool, func(tx pgx.Tx) ([]string, error) {
		l, err := selectInstallation(ctx, tx)
		if err != nil {
			return nil, err
		}
		return l.settingsBeside(mine), nil
	})
}

// settingsBeside says how mine differ from the settings of the processes.
func (l look) settingsBeside(mine Settings) (all []string) {
	for _, name := range slices.Sorted(maps.Keys(mine)) {
		if others := l.others(name, mine[name]); len(others) > 0 {
			all = append(all, differs(name, mine[name], others))
		}
	}
	return all
}

// others returns the processes that have another value of the setting.
func (l look) others(name, value string) (all []Process) {
	for _, p := range l.processes {
		if theirs, told := p.settings()[name]; told && theirs != value {
			all = append(all, p)
		}
	}
	return all
}

func differs(name, mine string, others []Process) string {
	return fmt.Sprintf("%s is %q here and %q in a process that runs (%s)", name, mine, others[0].settings()[name], nameProcesses(others))
}

// MayJoin returns [SettingsDiffer] for a process that would do what cannot be undone beside those that run: grant by the
// days of another time zone, seal under another master key, or be of development where production asks for limits and keys. Other differences are only
// told: nothing is lost by them, and a deployment that renames the topics has both for a while.
func (s *Processes) MayJoin(ctx context.Context, mine Settings) error {
	return pgx.BeginFunc(ctx, s.Pool, func(tx pgx.Tx) error {
		l, err := selectInstallation(ctx, tx)
		if err != nil {
			return err
		}
		refused := []string{TimeZoneSetting, MasterKeySetting}
		if mine[EnvSetting] != productionEnv {
			refused = append(refused, EnvSetting)
		}
		for _, name := range refused {
			if _, used := mine[name]; !used {
				continue
			}
			if others := l.others(name, mine[name]); len(others) > 0 {
				return &domain.Error{Code: SettingsDiffer, Message: differs(name, mine[name], others),
					Hint: fmt.Sprintf("give this process the same %s, or stop the others first (one that was killed counts for %s)", name, aliveFor)}
			}
		}
		return nil
	})
}

// Same returns [SettingsDiffer] if a process that runs has another value of one of the settings: by another time zone, the
// days of its grants are not those that a proof compares with.
func (s *Reports) Same(ctx context.Context, mine Settings) error {
	var all []string
	err := s.lookFirst(ctx, func(tx guarded) error {
		const query = `SELECT coalesce(jsonb_agg(p ORDER BY p.started_at, p.id), '[]') FROM public.processes p WHERE p.seen_at > now() - $1::interval`
		var l look
		var processes []byte
		if err := tx.QueryRow(ctx, query, aliveFor).Scan(&processes); err != nil {
			return fmt.Errorf("read processes: %w", err)
		}
		if err := json.Unmarshal(processes, &l.processes); err != nil {
			return fmt.Errorf("read processes: %w", err)
		}
		all = l.settingsBeside(mine)
		return nil
	})
	if errors.Is(err, errTakenOver) {
		return nil // the report says so
	}
	if err != nil || len(all) == 0 {
		return err
	}
	return &domain.Error{Code: SettingsDiffer, Message: all[0], Hint: "give this command the setting of the processes"}
}
