package reports

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"bestow/app/obstacle"
	"bestow/app/processes"
	"bestow/domain"
	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
)

// Reason is one thing that an event stands still for.
type Reason struct {
	Code domain.Code
	Text string // for people; "blocked: " at its beginning says that it does not pass by itself
}

// The codes of reasons, beside those of reports, those with which a start is refused, and the names of the roles.
const (
	RelayQueuePaused domain.Code = "relay_queue_paused" // in River UI
	JobsQueuePaused  domain.Code = "jobs_queue_paused"  // in River UI
	DatabaseReadOnly domain.Code = "database_read_only" // a standby, or a server that was told so
	Reserved         domain.Code = "reserved"           // its time has not come
	ByHand           domain.Code = "by_hand"            // it has no reserved time, so a person starts it
	RetryWaits       domain.Code = "retry"              // all that is left was refused for now, and waits for its time
)

// readOnly is the reason of everything while the database takes no writes.
var readOnly = Reason{DatabaseReadOnly, "the database takes no writes: its server is a standby, or read-only"}

// ordinary are the codes of reasons that belong to the life of an event, or to what was said of it: nothing is wrong
// with the installation.
var ordinary = []domain.Code{
	Reserved, ByHand, RetryWaits, domain.LaneBusy, domain.NoTargets, domain.ImportRunning, domain.Expired,
	domain.TermsRefused,
	domain.Missed, domain.PassesLimit, domain.LimitsMissing,
}

// wrong reports whether r is a thing that should not be.
func (r Reason) wrong() bool { return !slices.Contains(ordinary, r.Code) }

// WaitingFor says for each of the events what it stands still for; one that moves, or is at its end, is not in the
// answer. It costs a few small queries, and some more where something of the installation is not as it should be, or an
// event has not moved for a while.
func (s *Reports) WaitingFor(ctx context.Context, events []domain.Event) (map[int64][]Reason, error) {
	return pg.ValueWithin(ctx, s.pool, pg.ReadWait,
		func(tx pgx.Tx) (map[int64][]Reason, error) { return s.waitingFor(ctx, tx, events) })
}

func (s *Reports) waitingFor(ctx context.Context, tx pgx.Tx, events []domain.Event) (map[int64][]Reason, error) {
	if len(events) == 0 {
		return nil, nil
	}
	look, err := s.readLook(ctx, tx, events)
	if err != nil {
		return nil, err
	}
	all := map[int64][]Reason{}
	for _, e := range events {
		if reasons := s.reasons(look, e); len(reasons) > 0 {
			all[e.ID] = reasons
		}
	}
	return all, nil
}

// unfinished reports whether e may still move by itself or be started.
func unfinished(e domain.Event) bool {
	return e.Status == domain.Pending || e.Status == domain.Running
}

// look holds what reasons are told by: how the installation is at one moment.
type look struct {
	processes.Installation

	brakes    []domain.Brake
	importing map[int64]bool
	largest   map[int64]int64 // amount of a target, of events that do not run; from their imports only, which may not have kept it
	runners   map[int64]int64 // by the lane's second: the event that runs in it
	redriven  map[int64]bool  // COMPLETED events of which a person has members tried again
	needs     map[int64]need  // of RUNNING events, read only if something is wrong
	stall     stall           // read only if nothing is wrong
}

// atWork reports whether something of e is to be granted now.
func (l look) atWork(e domain.Event) bool {
	return e.Status == domain.Running || e.Status == domain.Completed && l.redriven[e.ID]
}

// need holds what has to be at work for an event to go on.
type need struct{ relay, handler, jobs bool }

// reasons is the one place that says why an event stands still. A new reason belongs into pending, running or both.
func (s *Reports) reasons(l look, e domain.Event) []Reason {
	if (unfinished(e) || l.atWork(e)) && l.ReadOnly {
		return []Reason{readOnly}
	}
	switch e.Status {
	case domain.Pending:
		return s.pending(l, e)
	case domain.Running:
		return l.working(e)
	case domain.Stopped, domain.Failed: // the status says it, but for what refuses a resume
		return s.refusal(l, e)
	case domain.Completed: // the status says it, but for what a person has tried again
		if l.atWork(e) {
			return l.working(e)
		}
	}
	return nil
}

// working says why an event that is at work does not go on: what is known to be wrong, and else that it has stopped
// moving.
func (l look) working(e domain.Event) []Reason {
	if reasons := l.running(e); len(reasons) > 0 {
		return reasons
	}
	return l.stalled(e)
}

// circumstances return what a start or a resume of e would meet.
func (l look) circumstances(e domain.Event) obstacle.Met {
	return obstacle.Met{
		Brake: obstacle.Holding(l.brakes, e.Type.Code), Importing: l.importing[e.ID], Largest: l.largest[e.ID],
		Unserved: l.Unserved(e.Type),
	}
}

// refusal says why a start or a resume of an event would be refused now, apart from its lane.
func (s *Reports) refusal(l look, e domain.Event) []Reason {
	refused, ok := errors.AsType[*domain.Error](s.rules.Refuse(e, l.circumstances(e)))
	if !ok {
		return nil
	}
	return []Reason{{refused.Code, refused.Message + ": " + refused.Hint}}
}

// pending says why an event does not start.
func (s *Reports) pending(l look, e domain.Event) (reasons []Reason) {
	reasons = s.refusal(l, e)
	if e.Missed {
		return append(reasons, Reason{domain.Missed, obstacle.MissedText})
	}
	switch {
	case e.ReservationAt == nil:
		return append(reasons, Reason{ByHand, "it has no reserved time: a person starts it"})
	case e.ReservationAt.After(l.At):
		return append(reasons, Reason{Reserved, "it is reserved for " + e.ReservationAt.UTC().Format(time.RFC3339)})
	}
	if id, busy := l.runners[e.ReservationAt.Unix()]; busy {
		reasons = append(reasons, laneBusyReason(id))
	}
	return append(reasons, l.role(processes.RoleJobs)...)
}

// laneBusyReason names the event for which the lane is waited for, 0 where it does not run yet.
func laneBusyReason(id int64) Reason {
	if id == 0 {
		return Reason{domain.LaneBusy, "other events of the same second come first"}
	}
	return Reason{domain.LaneBusy, fmt.Sprintf("event %d, reserved for the same second, runs", id)}
}

// running says why an event that was started does not go on.
func (l look) running(e domain.Event) (reasons []Reason) {
	if b := obstacle.Holding(l.brakes, e.Type.Code); b != nil { // which is about to stop it
		reasons = append(reasons, Reason{domain.BrakeEngaged, b.Engaged().Error()})
	}
	n := l.needs[e.ID]
	if e.Status == domain.Completed { // a job for the members that are tried again, and a message
		n = need{relay: true, handler: true}
	}
	if n.relay {
		reasons = append(reasons, l.role(processes.RoleRelay)...)
	}
	if n.relay || n.handler {
		reasons = append(reasons, l.differ()...)
		reasons = append(reasons, l.kafka(e.Type, n)...)
	}
	if n.handler {
		reasons = append(reasons, l.role(processes.RoleHandler)...)
		reasons = append(reasons, l.ledger(e.Type)...)
	}
	if n.jobs {
		reasons = append(reasons, l.role(processes.RoleJobs)...)
	}
	return reasons
}

// role says why the work of a role is not done: no process does it, or its queue is paused.
func (l look) role(role string) (reasons []Reason) {
	if !slices.ContainsFunc(l.Processes, func(p processes.Process) bool { return p.Works(role) }) {
		reasons = append(reasons, Reason{role, "no process with the role " + role + " is running" + l.idle(role)})
	}
	switch queue := processes.QueueOf(role); {
	case queue == "" || !slices.Contains(l.Paused, queue):
	case role == processes.RoleRelay:
		reasons = append(reasons, Reason{RelayQueuePaused, pausedText(queue)})
	default:
		reasons = append(reasons, Reason{JobsQueuePaused, pausedText(queue)})
	}
	return reasons
}

func pausedText(queue string) string {
	return "blocked: the " + queue + " queue is paused in River UI"
}

// idle says why a process that has the role does not do its work; "" where there is none.
func (l look) idle(role string) string {
	for _, p := range l.Processes {
		if i := slices.IndexFunc(p.Reports, processes.Report.Idles); p.Has(role) && i >= 0 {
			return ": the one on " + p.Host + " does nothing, since " + p.Reports[i].Text
		}
	}
	return ""
}

// kafka says what Kafka keeps an event of a type from: it is away for those who need it, or it refuses its messages.
func (l look) kafka(t domain.EventType, n need) (reasons []Reason) {
	for _, p := range l.Processes {
		for _, r := range p.Reports {
			asks := n.relay && p.Has(processes.RoleRelay) || n.handler && p.Has(processes.RoleHandler)
			if asks && r.Topic == "" && r.Code == processes.KafkaAway {
				reasons = addOnce(reasons, Reason{r.Code, r.Text})
			}
		}
	}
	if !n.relay {
		return reasons
	}
	for _, r := range l.refusals() {
		if r.EventType == t.Code {
			reasons = addOnce(reasons, Reason{r.Code, refusalText(r)})
		}
	}
	return reasons
}

// refusals are the words about topics that hold: of each process the last. That Kafka was away for one relay ends when
// another was answered since; that it refuses does not, since it takes small messages where it refuses large ones.
func (l look) refusals() (open []processes.Report) {
	answered := l.answers()
	for _, p := range l.Processes {
		for _, r := range p.Reports {
			at := r.At(p.SeenAt)
			if r.Topic != "" && r.Code != "" && r.Holds(l.At.Sub(at)) &&
				(r.Code == processes.KafkaRefuses || at.After(answered[r.Topic])) {
				open = append(open, r)
			}
		}
	}
	return open
}

// answers says for each topic when it took a message last.
func (l look) answers() map[string]time.Time {
	answered := map[string]time.Time{}
	for _, p := range l.Processes {
		for _, r := range p.Reports {
			if at := r.At(p.SeenAt); r.Topic != "" && r.Code == "" && at.After(answered[r.Topic]) {
				answered[r.Topic] = at
			}
		}
	}
	return answered
}

// refusalText says of what does not pass by itself that it blocks.
func refusalText(r processes.Report) string {
	if r.Code == processes.KafkaRefuses && !strings.HasPrefix(r.Text, "blocked: ") {
		return "blocked: " + r.Text
	}
	return r.Text
}

// ledger says that the ledger of a type does not answer the process that asks it, or that no handler has it.
func (l look) ledger(t domain.EventType) (reasons []Reason) {
	if l.Unserved(t) && slices.ContainsFunc(l.Processes,
		func(p processes.Process) bool { return p.Works(processes.RoleHandler) }) {
		refused := domain.GranterUnknownError(t)
		reasons = append(reasons, Reason{refused.Code, "blocked: " + refused.Message + ": " + refused.Hint})
	}
	for _, p := range l.Processes {
		for _, r := range p.Reports {
			if r.Code == processes.LedgerAway && r.Ledger == t.Granter && p.Has(processes.RoleHandler) {
				reasons = addOnce(reasons, Reason{r.Code, r.Text})
			}
		}
	}
	return reasons
}

// addOnce adds r unless there is a reason with its code already.
func addOnce(reasons []Reason, r Reason) []Reason {
	if slices.ContainsFunc(reasons, func(other Reason) bool { return other.Code == r.Code }) {
		return reasons
	}
	return append(reasons, r)
}

// troubled reports whether anything of the installation may keep a running event from moving.
func (l look) troubled() bool {
	missing := func(role string) bool { return len(l.role(role)) > 0 }
	return len(l.differ()) > 0 ||
		slices.ContainsFunc([]string{processes.RoleRelay, processes.RoleHandler, processes.RoleJobs}, missing) ||
		slices.ContainsFunc(l.Processes, func(p processes.Process) bool {
			return slices.ContainsFunc(p.Reports, func(r processes.Report) bool { return r.Code != "" })
		})
}

// differ says which settings keep a running event from moving.
func (l look) differ() (reasons []Reason) {
	for _, d := range l.Differences() {
		if d.Blocks() {
			reasons = append(reasons, Reason{processes.SettingsDiffer, d.Text()})
		}
	}
	return reasons
}

// addDifferences adds the settings that differ and that no event stands still for yet.
func (l look) addDifferences(all []Standing) []Standing {
	for _, d := range l.Differences() {
		r := Reason{processes.SettingsDiffer, d.Text()}
		if !slices.ContainsFunc(all, func(s Standing) bool { return s.Reason == r }) {
			all = append(all, Standing{Reason: r, Events: []int64{}})
		}
	}
	return all
}
