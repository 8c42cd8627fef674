package machine

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"bestow/app/processes"
	"bestow/app/reports"
	"bestow/domain"
	"bestow/http/console/page"
	"bestow/http/web"
)

// systemPath is the path of the page of the installation.
const systemPath = page.Home + "/system"

// roles are those without which nothing is granted.
var roles = []string{processes.RoleRelay, processes.RoleHandler, processes.RoleJobs}

// systemView is what the page of the installation shows.
type systemView struct {
	page.View
	reports.System
}

// system answers whether grants work, and which part does not.
func (h *Handlers) system(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), web.RequestTimeout)
	defer cancel()
	base, err := h.Read(r, "system")
	if err != nil {
		return err
	}
	v := systemView{View: base}
	if v.System, err = h.App.Reports.System(ctx); err != nil {
		return err
	}
	v.Title, v.Now = v.T("nav.system"), v.At
	return page.Show(w, r, http.StatusOK, systemPage(v))
}

// state is how grants go as a whole: its class, its icon, and the key of its word.
type state struct{ class, icon, word string }

// State says whether grants work.
func (v systemView) State() state {
	braked := slices.ContainsFunc(v.System.Brakes, func(b domain.Brake) bool { return b.Scope == domain.BrakeAll })
	switch {
	case v.ReadOnly || len(v.Missing()) > 0 || v.Held():
		return state{"bad", "x", "state.held"}
	case braked:
		return state{"stop", "brake", "state.braked"}
	case v.Warnings() > 0:
		return state{"part", "warn", "state.works_partly"}
	}
	return state{"ok", "check", "state.works"}
}

// Held reports whether an event stands still.
func (v systemView) Held() bool {
	return slices.ContainsFunc(v.Standing, func(s reports.Standing) bool { return len(s.Events) > 0 })
}

// Missing lists the roles that no process works.
func (v systemView) Missing() (all []string) {
	for _, role := range roles {
		if len(v.Working(role)) == 0 {
			all = append(all, role)
		}
	}
	return all
}

// Warnings counts what is not as it should be.
func (v systemView) Warnings() int {
	n := len(v.Standing) + len(v.River.Paused)
	for _, l := range v.Ledgers {
		if l.Away != "" {
			n++
		}
	}
	if v.River.Leader == "" {
		n++
	}
	if v.Mixed() {
		n++
	}
	return n
}

// Mixed reports whether processes of different versions run.
func (v systemView) Mixed() bool {
	return slices.ContainsFunc(v.Processes, func(p processes.Process) bool { return p.Version != v.Processes[0].Version })
}

// Away is the first ledger that is left alone; nil if all answer.
func (v systemView) Away() *reports.Ledger {
	if i := slices.IndexFunc(v.Ledgers, func(l reports.Ledger) bool { return l.Away != "" }); i >= 0 {
		return &v.Ledgers[i]
	}
	return nil
}

// LedgerNames names the ledgers.
func (v systemView) LedgerNames() string {
	names := make([]string, len(v.Ledgers))
	for i, l := range v.Ledgers {
		names[i] = l.Name
	}
	return strings.Join(names, ", ")
}

// queue is one queue of jobs.
type queue struct {
	Name   string
	Waits  time.Duration // how long its next job has waited; 0: none waits
	Paused bool
}

// Queues lists the queues with a job that waits, and those that are paused, by name.
func (v systemView) Queues() (all []queue) {
	names := slices.Concat(slices.Collect(maps.Keys(v.River.Oldest)), v.River.Paused)
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		q := queue{Name: name, Paused: slices.Contains(v.River.Paused, name)}
		if at, waits := v.River.Oldest[name]; waits {
			q.Waits = max(v.At.Sub(at), time.Second)
		}
		all = append(all, q)
	}
	return all
}

// Oldest returns how long the job has waited that has waited longest; 0: none waits.
func (v systemView) Oldest() (waits time.Duration) {
	for _, q := range v.Queues() {
		waits = max(waits, q.Waits)
	}
	return waits
}

// InKafka returns how many targets wait in Kafka, and how long the first of them has waited.
func (v systemView) InKafka() (targets int, oldest time.Duration) {
	for _, b := range v.Behind {
		targets += b.Targets
		oldest = max(oldest, page.Seconds(b.OldestS))
	}
	return targets, oldest
}
