package grants

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"bestow/domain"
	"bestow/domain/content"
	"bestow/outbox"

	"github.com/jackc/pgx/v5"
)

// batch is what of a message is asked for, and what was found about it.
type batch struct {
	event    domain.Event
	grants   []domain.Grant
	isolated map[string]bool // members of grants whose asking did not come back
	strange  []string        // what of the message the rows do not know
	refusal  *domain.Error   // the event is over and the chunk is not what was imported: nothing of it is asked for
}

// only returns a batch of the batch's grant i alone.
func (b batch) only(i int) batch {
	b.grants = b.grants[i : i+1]
	return b
}

// foreign is the error that parks the message, nil if the rows know all of it.
func (b batch) foreign() error {
	if len(b.strange) == 0 {
		return nil
	}
	shown := b.strange[:min(len(b.strange), 5)]
	return &outbox.ForeignError{Detail: fmt.Sprintf("%d of the grants are not the event's: %s", len(b.strange),
		strings.Join(shown, "; "))}
}

// admit sorts the grants of a message by what the rows say: those to ask for, those already answered, and those that no
// row knows. Errors: domain.ContentChanged and MissingKeys for a chunk of a running event that is not, or may not be,
// what was imported.
func (s *Grants) admit(ctx context.Context, tx pgx.Tx, m outbox.Message, e domain.Event,
	state chunkState,
) (batch, error) {
	b := batch{event: e, isolated: map[string]bool{}}
	targets, err := s.checkedTargets(ctx, tx, e, m.Chunk, state)
	if err := b.doubt(err); err != nil {
		return b, err
	}
	results := map[string]domain.Result{}
	if !state.first {
		if results, err = selectResults(ctx, tx, e, members(m.Grants)); err != nil {
			return b, err
		}
	}
	for _, g := range m.Grants {
		switch t, ok := targets[g.TargetID]; {
		case !ok || t.MemberID != g.MemberID:
			b.strange = append(b.strange, fmt.Sprintf("member %s is no target of the chunk", g.MemberID))
		case t.Amount != g.Amount:
			b.strange = append(b.strange,
				fmt.Sprintf("member %s is to get %d, the message says %d", g.MemberID, t.Amount, g.Amount))
		case results[g.MemberID].Admits(g, e.Status == domain.Running):
			if t.Reason != g.Reason {
				err = content.Changed("the message has another reason for member " + g.MemberID + " than the list")
			}
			b.grants = append(b.grants, g)
			if results[g.MemberID].ErrorCode == isolated {
				b.isolated[g.MemberID] = true
			}
		}
	}
	return b, b.doubt(err)
}

// doubt passes over an error about the content of an event that is over, since it cannot become FAILED: its grants are
// refused.
func (b *batch) doubt(err error) error {
	if b.event.Status == domain.Running || !isContentError(err) {
		return err
	}
	if refusal, ok := errors.AsType[*domain.Error](err); ok {
		b.refusal = refusal
	}
	return nil
}
