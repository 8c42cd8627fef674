package outbox

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"

	"bestow/internal/failpoint"
	"bestow/internal/obs"
	"bestow/internal/pg"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/jackc/pgx/v5"
)

// Skipped counts the messages of another installation that this process has skipped in a topic.
type Skipped struct {
	Topic        string
	Installation string // its id; "unnamed" for messages that name none, "others" for those beyond the first hundred
	Messages     int64
}

// maxSkipped bounds the number of other installations that are counted apart: anyone can write their ids.
const maxSkipped = 100

type skippedKey struct{ topic, installation string }

type skipped struct {
	log *slog.Logger

	mu     sync.Mutex
	counts map[skippedKey]int64
}

func newSkipped(log *slog.Logger) *skipped {
	return &skipped{log: log, counts: map[skippedKey]int64{}}
}

// count counts a message, and logs the first of each topic and installation.
func (s *skipped) count(ctx context.Context, topic string, other *elsewhereError) {
	key := skippedKey{topic, other.installation}
	if key.installation == "" {
		key.installation = "unnamed"
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.counts[key]; !known {
		if len(s.counts) >= maxSkipped {
			key.installation = "others"
		} else {
			s.log.WarnContext(ctx,
				"messages of another installation are skipped: give each installation a BESTOW_TOPIC_PREFIX of its own",
				obs.Topic, topic, obs.Installation, key.installation)
		}
	}
	s.counts[key]++
}

// Skipped returns the counts of skipped messages of other installations, by topic and installation.
func (r *Router) Skipped() []Skipped {
	r.skipped.mu.Lock()
	defer r.skipped.mu.Unlock()
	list := make([]Skipped, 0, len(r.skipped.counts))
	for key, n := range r.skipped.counts {
		list = append(list, Skipped{key.topic, key.installation, n})
	}
	slices.SortFunc(list, func(a, b Skipped) int {
		return strings.Compare(a.Topic+" "+a.Installation, b.Topic+" "+b.Installation)
	})
	return list
}

// skip passes over a message of another installation, which handles it itself. A copy of a message that is parked here
// goes back to its row; otherwise the replay would look successful.
func (r *Router) skip(ctx context.Context, at Position, m *message.Message, other *elsewhereError) error {
	r.skipped.count(ctx, at.Topic, other)
	from := readReplay(m.Metadata.Get(replayHeader))
	if from.parkedID == 0 {
		return nil
	}
	err := pg.InTx(ctx, r.pool, func(tx pgx.Tx) error {
		_, err := parkCopy(ctx, tx, from, m.Payload, causeForeign, other.Error())
		return err
	})
	if err != nil {
		return err
	}
	return failpoint.Hit(ctx, failpoint.ParkAfterCommit)
}
