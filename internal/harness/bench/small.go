package bench

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"bestow/domain"
)

// Small is a kind of run: the product with the same members in many events.
const Small = "small"

// smallMembers is the number of members that a small event has.
const smallMembers = 1000

// small is the product with a list for each event, uploaded one after another and started one after another.
type small struct {
	product *Product
	events  []domain.Event
	members int
}

func (s *server) openSmall(ctx context.Context, a *arena) (*small, error) {
	product, err := s.startProduct(ctx, a.at, newPrefix(), a.how)
	if err != nil {
		return nil, err
	}
	return &small{product: product, events: a.events, members: a.members}, nil
}

func (s *small) load(ctx context.Context) error {
	for i, e := range s.events {
		first := i * smallMembers
		last := min(first+smallMembers, s.members)
		if err := upload(ctx, s.product, e, listOf(first, last), last-first); err != nil {
			return fmt.Errorf("event %d: %w", i, err)
		}
	}
	return nil
}

// listOf is a list of the members first to last-1.
func listOf(first, last int) io.Reader {
	body := []byte(header)
	for i := first; i < last; i++ {
		body = append(appendLine(body, i), '\n')
	}
	return bytes.NewReader(body)
}

func (s *small) grant(ctx context.Context) error {
	for _, e := range s.events {
		if _, _, err := s.product.App.Events.Start(ctx, caller, e.ID); err != nil {
			return err
		}
	}
	for _, e := range s.events {
		if err := completed(ctx, s.product, e); err != nil {
			return err
		}
	}
	return nil
}

func (s *small) stop() error { return s.product.Stop() }
