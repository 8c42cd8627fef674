package bench

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/IBM/sarama"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Redelivery is a kind of run: the messages of a completed event delivered once more.
const Redelivery = "again"

// again is the product whose groups have forgotten how far they were. Its import is empty; its run is the redelivery.
type again struct {
	product *Product
	gate    chan struct{}
	members int
	pool    *pgxpool.Pool
	before  [2]int64
}

// openAgain completes an event, takes the offsets from its consumer groups, and starts the product once more, which
// holds what it is given until the clock runs.
func (s *server) openAgain(ctx context.Context, a *arena) (*again, error) {
	prefix := newPrefix()
	if err := s.complete(ctx, a, prefix); err != nil {
		return nil, err
	}
	if err := forget(s.Brokers, prefix); err != nil {
		return nil, err
	}
	g := &again{gate: make(chan struct{}), members: a.members, pool: a.pool}
	var err error
	if g.before, err = g.rows(ctx); err != nil {
		return nil, err
	}
	a.how.Gate = g.gate
	g.product, err = s.startProduct(ctx, a.at, prefix, a.how)
	return g, err
}

// complete runs the event as the pipeline does.
func (s *server) complete(ctx context.Context, a *arena, prefix string) error {
	product, err := s.startProduct(ctx, a.at, prefix, a.how)
	if err != nil {
		return err
	}
	p := &pipeline{product: product, event: a.events[0], list: s.list, targets: a.members}
	if err = p.load(ctx); err == nil {
		err = p.grant(ctx)
	}
	return errors.Join(err, p.stop())
}

// forget deletes the consumer groups of the topics of a prefix, which begin with the oldest message then.
func forget(brokers []string, prefix string) (err error) {
	admin, err := sarama.NewClusterAdmin(brokers, safeSarama())
	if err != nil {
		return fmt.Errorf("connect to Kafka: %w", err)
	}
	defer func() { err = closeAll(err, admin) }()
	groups, err := admin.ListConsumerGroups()
	if err != nil {
		return fmt.Errorf("list groups: %w", err)
	}
	for name := range groups {
		if !strings.Contains(name, prefix) {
			continue
		}
		if err := admin.DeleteConsumerGroup(name); err != nil {
			return fmt.Errorf("delete group %s: %w", name, err)
		}
	}
	return nil
}

// rows returns how many results and how many movements there are.
func (g *again) rows(ctx context.Context) (n [2]int64, err error) {
	const query = `SELECT (SELECT count(*) FROM point_results), (SELECT count(*) FROM money.point_member)`
	if err := g.pool.QueryRow(ctx, query).Scan(&n[0], &n[1]); err != nil {
		return n, fmt.Errorf("count rows: %w", err)
	}
	return n, nil
}

func (g *again) load(context.Context) error { return nil }

func (g *again) grant(ctx context.Context) error {
	close(g.gate)
	return until(ctx, longest, func() (bool, error) { return g.product.Handled() >= int64(g.members), nil })
}

// stop ends the product. Error: rows that the redelivery has added.
func (g *again) stop() error {
	err := g.product.Stop()
	after, counted := g.rows(context.Background())
	if counted == nil && after != g.before {
		counted = fmt.Errorf("%w: the redelivery changed %v rows of results and ledger into %v", ErrNotExact,
			g.before, after)
	}
	return errors.Join(err, counted)
}
