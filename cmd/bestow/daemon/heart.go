package daemon

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"maps"
	"os"
	"slices"
	"sync"
	"time"

	"bestow/app/processes"
	"bestow/app/reports"
	"bestow/internal/obs"
	"bestow/internal/pg"
	"bestow/internal/seal"
)

const (
	// beatEvery is the time between two beats of a process; one that is not seen for 30 s does not count any more.
	beatEvery = 5 * time.Second
	// blindAfter is the age from which the last look says nothing any more.
	blindAfter = 3 * beatEvery
	// beatRetry is the time to the next beat after one that the database did not take, or that was called for.
	beatRetry = time.Second
	// leaveBudget is the time that a process that ends takes to say so.
	leaveBudget = 5 * time.Second
)

// heart keeps the process's row in the list of processes (processes.Processes), and knows what events stand still for.
type heart struct {
	p      *Process
	self   processes.Process
	every  time.Duration
	vitals *vitals
	told   map[reports.Reason]reports.Standing // what the log was told of
	gone   map[reports.Reason]int              // in how many looks a cause that was told is no more
	away   time.Time                           // since when PostgreSQL does not answer; zero: it does
	opened bool                                // the master key was tried once more, after a beat

	mu    sync.Mutex
	still []reports.Standing // as of the last look
	seen  time.Time          // when that was; zero: never

	failed string // why the last look that failed did
}

func newHeart(p *Process) *heart {
	host, _ := os.Hostname() // for people: "" does no harm
	self := processes.Process{ID: p.id, Roles: p.roles, Version: BuildVersion().Version, Host: host, PID: os.Getpid()}
	return &heart{
		p: p, self: self, every: cmp.Or(p.with.Beat, beatEvery), vitals: newVitals(),
		told: map[reports.Reason]reports.Standing{}, gone: map[reports.Reason]int{},
	}
}

// newID returns 128 random bits in hex, which PostgreSQL reads as a uuid.
func newID() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // it never fails
	return hex.EncodeToString(b)
}

// run beats until ctx ends. It returns an error where the master key was changed before the first beat, which
// `bestow secrets rotate` could not see.
func (h *heart) run(ctx context.Context) error {
	var kafka sync.WaitGroup
	defer kafka.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if h.p.Kafka != nil {
		kafka.Go(func() { h.listenToKafka(ctx) })
		kafka.Go(func() { h.takeOver(ctx) })
	}
	var err error
	for ctx.Err() == nil {
		wait := h.every
		if err = h.beat(ctx); errors.Is(err, seal.ErrOpen) {
			break
		}
		if ctx.Err() == nil {
			h.tellDatabase(ctx, err)
		}
		if err != nil {
			wait = min(wait, beatRetry)
		}
		h.rest(ctx, wait)
	}
	if errors.Is(err, seal.ErrOpen) {
		return err
	}
	return nil
}

// leave takes the process off the list. Its work has ended by then: one that is killed before is missed, and others get
// what it had in hand.
func (h *heart) leave(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveBudget)
	defer cancel()
	if err := h.p.App.Processes.Leave(ctx, h.self.ID); err != nil { // its row grows old instead
		h.p.log.WarnContext(ctx, "the process's row was not deleted", obs.Err, err)
	}
}

// rest waits for the next beat: less long where Kafka has said something new.
func (h *heart) rest(ctx context.Context, wait time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(min(wait, beatRetry)):
	}
	select {
	case <-ctx.Done():
	case <-h.vitals.news:
	case <-time.After(wait - min(wait, beatRetry)):
	}
}

// beat writes the process's row, and looks what stands still. The oldest process tells the log for all. Error:
// seal.ErrOpen where the master key does not open what is there.
func (h *heart) beat(ctx context.Context) error {
	h.self.Reports = h.reports()
	if h.p.presence != nil {
		h.self.Life = h.p.presence.Life()
	}
	oldest, err := h.p.App.Processes.Beat(ctx, h.self)
	if err != nil {
		h.blind(err)
		return err
	}
	if !h.opened {
		if err := h.p.checkMaster(ctx); err != nil {
			return err
		}
		h.opened = true
	}
	still, err := h.p.App.Reports.StandingStill(ctx)
	if err != nil {
		h.blind(err)
		return err
	}
	h.mu.Lock()
	h.still, h.seen = still, time.Now()
	h.mu.Unlock()
	if oldest {
		h.tell(ctx, still)
	}
	return nil
}

// tellDatabase logs once that PostgreSQL went away for this process, and once that it is back.
func (h *heart) tellDatabase(ctx context.Context, err error) {
	switch {
	case err == nil && !h.away.IsZero():
		h.p.log.InfoContext(ctx, "postgresql answers again", "away", time.Since(h.away).Round(time.Second))
		h.away = time.Time{}
	case err != nil && h.away.IsZero():
		h.away = time.Now()
		h.p.log.WarnContext(ctx, "postgresql does not answer: work waits for it", obs.Err, err)
	case err != nil:
		h.p.log.DebugContext(ctx, "postgresql does not answer", obs.Err, err)
	}
}

// blind keeps why a look failed.
func (h *heart) blind(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.failed = whyBlind(err)
}

// standing returns what events stand still for, as of the last look, or that it is not known.
func (h *heart) standing() []reports.Standing {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.seen.IsZero() || time.Since(h.seen) < blindAfter {
		return h.still
	}
	return []reports.Standing{{Reason: reports.Reason{
		Code: reports.NotKnown,
		Text: "what stands still is not known since " + h.seen.UTC().Format(time.RFC3339) + ": " + h.failed,
	}}}
}

// whyBlind says why a look failed, without what a driver says.
func whyBlind(err error) string {
	if blocked, ok := errors.AsType[*pg.BlockedError](err); ok {
		return blocked.Error()
	}
	return "the database does not answer"
}

// passes is in how many looks in a row a cause must be gone before the log says so: what is tried again every few
// seconds comes and goes.
const passes = 3

// told is what the log tells causes from each other by. What Kafka says of the same outage differs from try to try.
func told(r reports.Reason) reports.Reason {
	if r.Code == processes.KafkaAway || r.Code == reports.NotKnown {
		r.Text = ""
	}
	return r
}

// tell logs each cause once when it begins and once when it ends.
func (h *heart) tell(ctx context.Context, still []reports.Standing) {
	now := map[reports.Reason]bool{}
	for _, s := range still {
		r := told(s.Reason)
		now[r] = true
		if _, known := h.told[r]; !known {
			h.told[r] = s
			h.p.log.WarnContext(ctx, standingMessage(s), obs.Cause, s.Code, obs.Reason, s.Text, obs.Count,
				len(s.Events),
				obs.EventID, s.Events[:min(len(s.Events), eventsLogged)])
		}
	}
	for r, s := range h.told {
		h.gone[r]++
		if now[r] {
			h.gone[r] = 0
		}
		if h.gone[r] >= passes {
			delete(h.told, r)
			delete(h.gone, r)
			h.p.log.InfoContext(ctx, "events do not wait for it any more", obs.Cause, s.Code, obs.Reason, s.Text)
		}
	}
}

func standingMessage(s reports.Standing) string {
	if len(s.Events) == 0 {
		return "processes do not agree"
	}
	return "events stand still"
}

// eventsLogged is the most events that a line of the log names.
const eventsLogged = 10

// reports is all that this process has to say.
func (h *heart) reports() []processes.Report {
	mine := processes.Report{Settings: h.p.settings()}
	if h.p.has(RoleHandler) {
		mine.Granters = slices.Sorted(maps.Keys(h.p.Granter))
		mine.Members, mine.Consumers = h.vitals.group()
	}
	reports := append(h.vitals.all(), mine)
	for _, name := range slices.Sorted(maps.Keys(h.p.Granter)) {
		if problem := h.p.Granter[name].Problem(); problem != "" && h.p.has(RoleHandler) {
			reports = append(reports, processes.Report{Code: processes.LedgerAway, Ledger: name, Text: problem})
		}
	}
	return reports
}

// listenToKafka looks again and again whether Kafka answers this process.
func (h *heart) listenToKafka(ctx context.Context) {
	for ctx.Err() == nil {
		h.vitals.answered(h.p.Kafka.Ping(ctx))
		if h.p.has(RoleHandler) {
			all, err := h.p.Kafka.Consumers()
			if err != nil {
				h.p.log.DebugContext(ctx, "the consumer groups were not read", obs.Err, err)
			}
			h.vitals.consumed(h.p.Kafka.Members(), all)
		}
		select {
		case <-ctx.Done():
		case <-time.After(h.every):
		}
	}
}
