package processes

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"bestow/domain"

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

func settingsDiffer(message, hint string) error {
	return domain.NewError(SettingsDiffer, message, hint)
}

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

// Difference is a setting of which processes have different values.
type Difference struct {
	setting string
	holders map[string][]Process // by value
}

// Differences returns the settings of which the processes have different values, in the order of their names.
func (l Installation) Differences() (all []Difference) {
	holders := map[string]map[string][]Process{}
	for _, p := range l.Processes {
		for name, value := range p.settings() {
			if holders[name] == nil {
				holders[name] = map[string][]Process{}
			}
			holders[name][value] = append(holders[name][value], p)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(holders)) {
		if len(holders[name]) > 1 {
			all = append(all, Difference{name, holders[name]})
		}
	}
	return all
}

// Blocks reports whether a relay writes by this setting where no handler reads.
func (d Difference) Blocks() bool {
	if d.setting != TopicPrefixSetting && d.setting != BrokersSetting {
		return false
	}
	has := func(processes []Process, role string) bool {
		return slices.ContainsFunc(processes, func(p Process) bool { return p.Has(role) })
	}
	for _, processes := range d.holders {
		if has(processes, RoleRelay) && !has(processes, RoleHandler) {
			return true
		}
	}
	return false
}

// Text says for people which processes have which value.
func (d Difference) Text() string {
	values := make([]string, 0, len(d.holders))
	for _, value := range slices.Sorted(maps.Keys(d.holders)) {
		values = append(values, fmt.Sprintf("%q (%s)", value, nameProcesses(d.holders[value])))
	}
	text := fmt.Sprintf("the processes have different values of %s: %s: give all of them the same", d.setting,
		strings.Join(values, ", "))
	if d.setting == BrokersSetting {
		text = fmt.Sprintf("KAFKA_BROKERS leads the processes to different clusters: %s: give all of them the same",
			strings.Join(values, ", "))
	}
	if d.Blocks() {
		text = "blocked: " + text
	}
	return text
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

// MayJoin returns [SettingsDiffer] for a process that would do what cannot be undone beside those that run: grant by
// the days of another time zone, seal under another master key, or be of development where production asks for limits
// and keys. Other differences are only told: nothing is lost by them, and a deployment that renames the topics has both
// for a while.
func (s *Processes) MayJoin(ctx context.Context, mine Settings) error {
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		l, err := Read(ctx, tx)
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
				return settingsDiffer(differs(name, mine[name], others),
					fmt.Sprintf("give this process the same %s, or stop the others first (one that was killed "+
						"counts for %s)", name, AliveFor))
			}
		}
		return nil
	})
}
