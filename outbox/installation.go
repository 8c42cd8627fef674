package outbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"bestow/internal/failpoint"
	"bestow/internal/obs"
	"bestow/internal/pg"

	"github.com/IBM/sarama"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/jackc/pgx/v5"
)

// Installation is one database and the processes that work on it. Several installations may use the same brokers, and
// even the same topics: the source of each message says which of them wrote it.
type Installation struct {
	ID string // a uuid, as PostgreSQL writes it

	// UnnamedAreOurs reports whether messages without an id belong to this installation: it had events before there
	// were ids.
	UnnamedAreOurs bool
}

const (
	sourcePrefix  = "/bestow/"
	unnamedSource = sourcePrefix + "relay" // of messages that are older than ids
)

// uuidFormat matches a uuid as PostgreSQL writes it.
var uuidFormat = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// querier is a pool, or a transaction.
type querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// ReadInstallation reads which installation the database belongs to.
func ReadInstallation(ctx context.Context, q querier) (i Installation, err error) {
	const query = `SELECT id::text, unnamed_are_ours FROM installation`
	if err := q.QueryRow(ctx, query).Scan(&i.ID, &i.UnnamedAreOurs); err != nil {
		return i, fmt.Errorf("read installation: %w", err)
	}
	return i, nil
}

// elsewhereError is the error of a message that another installation wrote. The message is good, but not for us.
type elsewhereError struct {
	installation string // its id; "" for a message that names none
}

func (e *elsewhereError) Error() string {
	if e.installation == "" {
		return "the message names no installation, and this one had no events before messages named theirs"
	}
	return "the message is of installation " + e.installation
}

// check returns nil for the source of a message of this installation, *elsewhereError for that of another one, and
// another error for what no installation writes.
func (i Installation) check(source string) error {
	id, named := strings.CutPrefix(source, sourcePrefix)
	switch {
	case named && id == i.ID, source == unnamedSource && i.UnnamedAreOurs:
		return nil
	case source == unnamedSource:
		return &elsewhereError{}
	case named && uuidFormat.MatchString(id):
		return &elsewhereError{id}
	}
	return fmt.Errorf("message has source %.60q, which is that of no installation", source)
}

// group returns the consumer group of a topic. Each topic has its own, so a new one rebalances no other's partitions.
func (i Installation) group(topic string) string { return "bestow." + i.ID + "." + topic }

// unnamedGroup returns the consumer group that the topic had before installations had ids.
func unnamedGroup(topic string) string { return "bestow." + topic }

// RenewInstallation gives the database a new id, which a copy of another installation's database needs. From then on,
// the other one's messages in Kafka do not belong to this one: the reconcile republishes what was published and not
// settled. It is refused as CheckStopped says.
func RenewInstallation(ctx context.Context, tx pgx.Tx) (i Installation, err error) {
	if err := CheckStopped(ctx, tx); err != nil {
		return i, err
	}
	const update = `UPDATE installation SET id = gen_random_uuid(), unnamed_are_ours = false, created_at = now()
		RETURNING id::text`
	if err := tx.QueryRow(ctx, update).Scan(&i.ID); err != nil {
		return i, fmt.Errorf("renew installation: %w", err)
	}
	return i, nil
}

// endWait is how long CheckStopped waits for sessions that are ending: PostgreSQL forgets one a moment after its
// process has closed it.
const endWait = 2 * time.Second

// CheckStopped returns an error while a process uses the database, since a process keeps the id that it started with.
// It counts sessions with our name, and rows of processes whose sessions have another name.
func CheckStopped(ctx context.Context, tx pgx.Tx) error {
	for until := time.Now().Add(endWait); ; {
		processes, sessions, err := countUsers(ctx, tx)
		if err != nil || processes+sessions == 0 {
			return err
		}
		if processes > 0 || time.Now().After(until) {
			return fmt.Errorf("processes of bestow use this database (seen within 30 s: %d; open connections: %d): "+
				"stop all of them first, then give the new id, then start them; one that was killed is forgotten after 30 s",
				processes, sessions)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(endWait / 20):
		}
	}
}

// countUsers counts the processes that were seen lately, and the sessions that are open, as they are now and not as
// they were when the transaction looked first.
func countUsers(ctx context.Context, tx pgx.Tx) (processes, sessions int, err error) {
	const alive = `SELECT
			(SELECT count(*) FROM processes WHERE seen_at > clock_timestamp() - interval '30 seconds'),
			(SELECT count(*) FROM pg_stat_activity
			 WHERE datname = current_database() AND application_name LIKE 'bestow%' AND pid <> pg_backend_pid())`
	if _, err := tx.Exec(ctx, `SELECT pg_stat_clear_snapshot()`); err != nil {
		return 0, 0, fmt.Errorf("count processes: %w", err)
	}
	if err := tx.QueryRow(ctx, alive).Scan(&processes, &sessions); err != nil {
		return 0, 0, fmt.Errorf("count processes: %w", err)
	}
	return processes, sessions, nil
}

// inherit gives the topic's group the offsets of the group without an installation in its name, so that an upgrade
// reads nothing twice. It does so once, and only for an installation that is older than ids. Handlers of the version
// before may still work in the old group: messages that both read are handled twice, and granted once.
func (k *Kafka) inherit(topic string) error {
	if !k.cfg.Installation.UnnamedAreOurs {
		return nil
	}
	partitions, err := k.client.Partitions(topic)
	if errors.Is(err, sarama.ErrUnknownTopicOrPartition) {
		return nil // the topic does not exist yet
	}
	if err != nil {
		return fmt.Errorf("read partitions of %s: %w", topic, err)
	}
	admin, err := sarama.NewClusterAdminFromClient(k.client) // not closed: that would close the client
	if err != nil {
		return fmt.Errorf("connect to Kafka: %w", err)
	}
	own, err := groupOffsets(admin, k.group(topic), topic, partitions)
	if err != nil || len(own) > 0 {
		return err
	}
	before, err := groupOffsets(admin, unnamedGroup(topic), topic, partitions)
	if err != nil || len(before) == 0 {
		return err
	}
	return commit(admin, k.group(topic), topic, before)
}

// commit sets the offsets of a group without members. If the group has one by now, another process has set them before.
func commit(admin sarama.ClusterAdmin, group, topic string, offsets map[int32]int64) error {
	to := map[int32]sarama.OffsetAndMetadata{}
	for p, offset := range offsets {
		to[p] = sarama.OffsetAndMetadata{Offset: offset, LeaderEpoch: -1}
	}
	resp, err := admin.AlterConsumerGroupOffsets(group, map[string]map[int32]sarama.OffsetAndMetadata{topic: to}, nil)
	if err != nil {
		return fmt.Errorf("set offsets of group %s: %w", group, err)
	}
	for p, code := range resp.Errors[topic] {
		if code != sarama.ErrNoError && !slices.Contains(groupIsAlive, code) {
			return fmt.Errorf("set offset of group %s in %s/%d: %w", group, topic, p, code)
		}
	}
	return nil
}

// groupIsAlive are the errors with which a broker refuses offsets from outside for a group that has members.
var groupIsAlive = []sarama.KError{
	sarama.ErrUnknownMemberId, sarama.ErrIllegalGeneration,
	sarama.ErrRebalanceInProgress,
}

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
