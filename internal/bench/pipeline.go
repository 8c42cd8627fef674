package bench

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"time"

	"bestow/app"
	"bestow/domain"
)

const (
	// assigning is how long consumers may take to be given their partitions.
	assigning = time.Minute
	// longest is how long a run may take.
	longest = time.Hour
)

// pipeline is the product, all its roles in this process.
type pipeline struct {
	product *Product
	event   domain.Event
	list    string
	targets int
}

// openPipeline starts the product and waits until it consumes.
func (s *server) openPipeline(ctx context.Context, at string, event domain.Event) (*pipeline, error) {
	prefix := "bench-" + strconv.FormatInt(time.Now().UnixNano(), 36)
	product, err := s.Start(ctx, at, prefix)
	if err != nil {
		return nil, err
	}
	p := &pipeline{product: product, event: event, list: s.list, targets: s.Members}
	if err := until(ctx, assigning, func() (bool, error) { return product.Ready(), nil }); err != nil {
		_ = p.stop() // what is wrong is said already
		return nil, fmt.Errorf("wait for partitions: %w", err)
	}
	return p, nil
}

func (p *pipeline) load(ctx context.Context) (err error) {
	f, err := os.Open(p.list)
	if err != nil {
		return fmt.Errorf("open member list: %w", err)
	}
	defer func() { err = closeAll(err, f) }()
	res, err := p.product.App.Targets.Import(ctx, caller, p.event.ID, app.Upload{Body: f, ContentType: "text/csv"})
	if err == nil && res.Accepted != p.targets {
		err = fmt.Errorf("%d of %d members were accepted", res.Accepted, p.targets)
	}
	return err
}

func (p *pipeline) grant(ctx context.Context) error {
	if _, err := p.product.App.Events.Start(ctx, caller, p.event.ID); err != nil {
		return err
	}
	return until(ctx, longest, func() (bool, error) {
		e, err := p.product.App.Events.Get(ctx, p.event.ID)
		if err == nil && e.Status != domain.Running && e.Status != domain.Completed {
			err = fmt.Errorf("the event is %s: %s", e.Status, e.Summary.StoppedMemo)
		}
		return e.Status == domain.Completed, err
	})
}

func (p *pipeline) stop() error { return p.product.Stop() }
