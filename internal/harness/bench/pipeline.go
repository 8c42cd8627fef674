package bench

import (
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"bestow/app/imports"
	"bestow/domain"
)

const (
	// assigning is the time that consumers may take to be given their partitions.
	assigning = time.Minute
	// longest is the time that a run may take.
	longest = time.Hour
)

// pipeline is the product, all its roles in this process.
type pipeline struct {
	product *Product
	event   domain.Event
	list    string
	targets int
}

// newPrefix returns a prefix for names of topics and groups that are not in use.
func newPrefix() string { return "bench-" + strconv.FormatInt(time.Now().UnixNano(), 36) }

// openPipeline starts the product and waits until it consumes.
func (s *server) openPipeline(ctx context.Context, a *arena) (*pipeline, error) {
	product, err := s.startProduct(ctx, a.at, newPrefix(), a.how)
	if err != nil {
		return nil, err
	}
	return &pipeline{product: product, event: a.events[0], list: s.list, targets: a.members}, nil
}

func (s *server) startProduct(ctx context.Context, at, prefix string, how Variant) (*Product, error) {
	product, err := s.Start(ctx, at, prefix, how)
	if err != nil {
		return nil, err
	}
	if err := until(ctx, assigning, product.Ready); err != nil {
		_ = product.Stop() // what is wrong is said already
		return nil, fmt.Errorf("wait for partitions: %w", err)
	}
	return product, nil
}

func (p *pipeline) load(ctx context.Context) (err error) {
	f, err := os.Open(p.list)
	if err != nil {
		return fmt.Errorf("open member list: %w", err)
	}
	defer func() { err = closeAll(err, f) }()
	return upload(ctx, p.product, p.event, f, p.targets)
}

// upload imports a list, all of whose members must be accepted.
func upload(ctx context.Context, product *Product, event domain.Event, list io.Reader, members int) error {
	res, err := product.App.Targets.Import(ctx, caller, event.ID, imports.Upload{Body: list, ContentType: "text/csv"})
	if err == nil && res.Value.Accepted != members {
		err = fmt.Errorf("%d of %d members were accepted", res.Value.Accepted, members)
	}
	return err
}

func (p *pipeline) grant(ctx context.Context) error {
	if _, _, err := p.product.App.Events.Start(ctx, caller, p.event.ID); err != nil {
		return err
	}
	return completed(ctx, p.product, p.event)
}

// completed waits until the event is COMPLETED.
func completed(ctx context.Context, product *Product, event domain.Event) error {
	return until(ctx, longest, func() (bool, error) {
		e, err := product.App.Events.Get(ctx, event.ID)
		if err == nil && e.Status != domain.Running && e.Status != domain.Completed {
			err = fmt.Errorf("the event is %s: %s", e.Status, e.Summary.StoppedMemo)
		}
		return e.Status == domain.Completed, err
	})
}

func (p *pipeline) stop() error { return p.product.Stop() }
