package daemon

import (
	"context"
	"time"

	"bestow/app/processes"
	"bestow/internal/obs"
)

const (
	// takeOverEvery is the time between two looks for processes that are gone.
	takeOverEvery = time.Second
	// lookBudget is the time that a look may take, with all that it gives to others.
	lookBudget = 10 * time.Second
)

// takeOver gives the work of processes that are gone to others, until ctx ends. With a wrong clock it goes on: it asks
// the database's.
func (h *heart) takeOver(ctx context.Context) {
	look := processes.NewTakeover(h.p.Pool, h.p.id)
	for ctx.Err() == nil {
		gone, err := h.look(ctx, look)
		if err != nil && ctx.Err() == nil {
			h.p.log.DebugContext(ctx, "the process did not look for others that are gone", obs.Err, err)
		}
		for _, g := range gone {
			if g.Lives {
				h.p.log.InfoContext(ctx, "claims of before PostgreSQL went away are free", "process", g.ID, "claims", g.Claims)
				continue
			}
			h.p.log.WarnContext(ctx, "a process is gone: others take over its work", "process", g.ID, "host", g.Host,
				"pid", g.PID, "roles", g.Roles, "jobs", g.Jobs, "claims", g.Claims, "led", g.Led)
			h.dismiss(ctx, g)
		}
		select {
		case <-ctx.Done():
		case <-time.After(takeOverEvery):
		}
	}
}

// look looks once. A server that vanished in the middle is not waited for.
func (h *heart) look(ctx context.Context, t *processes.Takeover) ([]processes.Gone, error) {
	ctx, cancel := context.WithTimeout(ctx, lookBudget)
	defer cancel()
	return t.Look(ctx)
}

// dismiss gives the partitions of a process that is gone to the other handlers. Without it the brokers wait for its
// session to time out.
func (h *heart) dismiss(ctx context.Context, g processes.Gone) {
	for _, c := range g.Consumers() {
		if err := h.p.Kafka.Dismiss(c); err != nil {
			h.p.log.DebugContext(ctx, "a consumer that is gone was not dismissed", obs.Err, err)
		}
	}
}
