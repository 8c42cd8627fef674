package outbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"bestow/domain"
	"bestow/internal/failpoint"
	"bestow/internal/pg"

	"github.com/IBM/sarama"
	"github.com/jackc/pgx/v5"
)

// Reconcile republishes chunks that Kafka lost. It notes moments: where each topic ends. Once the group has passed a
// moment in every partition, a chunk was lost if it was published before the moment and is neither settled, claimed nor
// about to be published. Redrives are treated in the same way, of completed events too (T9). A consumer that lags gets
// no further messages, since its group has not passed.
func (s *Sweeper) Reconcile(ctx context.Context) (chunks int, err error) {
	types, err := ReadyTypes(ctx, s.pool)
	if err != nil {
		return 0, err
	}
	var errs []error
	for _, t := range types {
		found, err := s.reconcileType(ctx, t)
		chunks += found
		if err != nil {
			errs = append(errs, fmt.Errorf("reconcile %s: %w", t.Code, err))
		}
		if err := failpoint.Hit(ctx, failpoint.ReconcileAfter); err != nil {
			return chunks, err
		}
	}
	return chunks, errors.Join(errs...)
}

// reconcileType looks at both topics of a type, since a retry may have been lost in the second. It takes a moment that
// both groups have passed.
func (s *Sweeper) reconcileType(ctx context.Context, t domain.EventType) (int, error) {
	passed, err := s.passed(ctx, s.kafka.Topic(t))
	if err != nil {
		return 0, err
	}
	retries, err := s.passed(ctx, s.kafka.DeadLetter(t))
	if err != nil {
		return 0, err
	}
	if retries.Before(passed) {
		passed = retries
	}
	if err := failpoint.Hit(ctx, failpoint.MomentAfterCommit); err != nil || passed.IsZero() {
		return 0, err
	}
	lost, err := pg.Value(ctx, s.pool, func(tx pgx.Tx) (int, error) { return s.republishLost(ctx, tx, t, passed) })
	if err != nil {
		return 0, err
	}
	redrives, err := pg.Value(ctx, s.pool,
		func(tx pgx.Tx) (int, error) { return s.republishRedrives(ctx, tx, t, passed) })
	return lost + redrives, err
}

// republishLost gives lost chunks a job, and doubles the time until each is looked at next.
func (s *Sweeper) republishLost(ctx context.Context, tx pgx.Tx, t domain.EventType, passed time.Time) (int, error) {
	lost, err := selectStranded(ctx, tx, `e.event_type = $1 AND c.settled_at IS NULL AND c.published_at < $2
		AND c.published_at < clock_timestamp() - $3::interval * power(2, least(c.reconciled, 10))
		AND coalesce(c.open_until <= clock_timestamp(), true)`, t.Code, passed, s.Patience)
	if err != nil {
		return 0, err
	}
	if err := noteReconciled(ctx, tx, lost); err != nil {
		return 0, err
	}
	return len(lost), insertJobs(ctx, tx, s.river, map[Mode][]domain.Run{Unsettled: domain.Runs(lost, s.chunksAJob)})
}

// republishRedrives does the same for chunks with lost redrives. It has a transaction of its own: there may be very
// many of them, and running events need not wait for that.
func (s *Sweeper) republishRedrives(ctx context.Context, tx pgx.Tx, t domain.EventType, passed time.Time) (int, error) {
	lost, err := selectLostRedrives(ctx, tx, t, passed, s.Patience)
	if err != nil {
		return 0, err
	}
	if err := noteReconciled(ctx, tx, lost); err != nil {
		return 0, err
	}
	return len(lost), insertJobs(ctx, tx, s.river, map[Mode][]domain.Run{Redrive: lost})
}

// noteReconciled doubles the time until each chunk is looked at next.
func noteReconciled(ctx context.Context, tx pgx.Tx, chunks []domain.Chunk) error {
	for _, c := range chunks {
		const update = `UPDATE grant_chunks SET reconciled = reconciled + 1, updated_at = now()
			WHERE event_id = $1 AND partition_key = $2 AND first_id = $3`
		if _, err := tx.Exec(ctx, update, c.EventID, c.PartitionKey, c.First); err != nil {
			return fmt.Errorf("note reconcile of chunk %s: %w", c, err)
		}
	}
	if len(chunks) == 0 {
		return nil
	}
	return failpoint.Hit(ctx, failpoint.ReconcileBeforeJobs)
}

// passed returns the latest moment of the topic that its group has passed, zero for none, and notes the present one. It
// reads the clock before the ends, so chunks that were marked as published before that time lie before the ends.
func (s *Sweeper) passed(ctx context.Context, topic string) (time.Time, error) {
	present := moment{}
	if err := s.pool.QueryRow(ctx, `SELECT clock_timestamp()`).Scan(&present.at); err != nil {
		return time.Time{}, fmt.Errorf("read clock: %w", err)
	}
	ends, err := s.kafka.ends(topic)
	if err != nil {
		return time.Time{}, err
	}
	reached, err := s.kafka.committed(topic, ends)
	if err != nil {
		return time.Time{}, err
	}
	present.offsets = ends
	return pg.Value(ctx, s.pool, func(tx pgx.Tx) (time.Time, error) {
		moments, err := selectMoments(ctx, tx, topic)
		if err != nil {
			return time.Time{}, err
		}
		var latest time.Time
		for _, m := range moments { // in the order of time
			if m.passedBy(reached, ends) {
				latest = m.at
			}
		}
		return latest, noteMoment(ctx, tx, topic, present, latest)
	})
}

// moment holds the ends of the partitions of a topic at a time of the database's clock.
type moment struct {
	at      time.Time
	offsets map[int32]int64
}

// passedBy reports whether a group that has reached these offsets has passed m. A log that now ends before m's end was
// made anew: its old messages are gone, and the group has passed when it has reached the new end.
func (m moment) passedBy(reached, ends map[int32]int64) bool {
	for p, end := range m.offsets {
		if reached[p] < min(end, ends[p]) {
			return false
		}
	}
	return true
}

func selectMoments(ctx context.Context, tx pgx.Tx, topic string) ([]moment, error) {
	rows, err := tx.Query(ctx, `SELECT at, offsets FROM reconcile_moments WHERE topic = $1 ORDER BY at`, topic)
	if err != nil {
		return nil, fmt.Errorf("read moments: %w", err)
	}
	moments, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (m moment, err error) {
		return m,
			row.Scan(&m.at, &m.offsets)
	})
	if err != nil {
		return nil, fmt.Errorf("read moments: %w", err)
	}
	return moments, nil
}

// noteMoment keeps the present moment and forgets those before the latest passed.
func noteMoment(ctx context.Context, tx pgx.Tx, topic string, present moment, passed time.Time) error {
	body, err := json.Marshal(present.offsets)
	if err != nil {
		return fmt.Errorf("note moment: %w", err)
	}
	const insert = `INSERT INTO reconcile_moments (topic, at, offsets) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`
	if _, err := tx.Exec(ctx, insert, topic, present.at, body); err != nil {
		return fmt.Errorf("note moment: %w", err)
	}
	if _, err := tx.Exec(ctx, `DELETE FROM reconcile_moments WHERE topic = $1 AND at < $2`, topic, passed); err != nil {
		return fmt.Errorf("forget moments: %w", err)
	}
	return nil
}

// ends returns the next offset of each partition. It asks the brokers for the partitions: a relay may have published
// into one that this process does not know yet. A moment without it would count as passed while its consumer lags.
func (k *Kafka) ends(topic string) (map[int32]int64, error) {
	if err := k.client.RefreshMetadata(topic); err != nil {
		return nil, fmt.Errorf("read partitions of %s: %w", topic, err)
	}
	partitions, err := k.client.Partitions(topic)
	if err != nil {
		return nil, fmt.Errorf("read partitions of %s: %w", topic, err)
	}
	ends := map[int32]int64{}
	for _, p := range partitions {
		if ends[p], err = k.client.GetOffset(topic, p, sarama.OffsetNewest); err != nil {
			return nil, fmt.Errorf("read end of %s/%d: %w", topic, p, err)
		}
	}
	return ends, nil
}

// committed returns the offset that the topic's group has reached in each partition. Messages that the log no longer
// holds count as passed.
func (k *Kafka) committed(topic string, of map[int32]int64) (map[int32]int64, error) {
	admin, err := sarama.NewClusterAdminFromClient(k.client) // not closed: that would close the client
	if err != nil {
		return nil, fmt.Errorf("connect to Kafka: %w", err)
	}
	partitions := make([]int32, 0, len(of))
	for p := range of {
		partitions = append(partitions, p)
	}
	offsets, err := groupOffsets(admin, k.group(topic), topic, partitions)
	if err != nil {
		return nil, err
	}
	reached := map[int32]int64{}
	for _, p := range partitions {
		oldest, err := k.client.GetOffset(topic, p, sarama.OffsetOldest)
		if err != nil {
			return nil, fmt.Errorf("read start of %s/%d: %w", topic, p, err)
		}
		reached[p] = max(oldest, offsets[p])
	}
	return reached, nil
}

// groupOffsets returns the committed offset of a group in each partition of the topic that has one.
func groupOffsets(admin sarama.ClusterAdmin, group, topic string, partitions []int32) (map[int32]int64, error) {
	resp, err := admin.ListConsumerGroupOffsets(group, map[string][]int32{topic: partitions})
	if errors.Is(err, sarama.ErrGroupIDNotFound) {
		return nil, nil // the group has not consumed yet
	}
	if err != nil {
		return nil, fmt.Errorf("read offsets of group %s: %w", group, err)
	}
	offsets := map[int32]int64{}
	for _, p := range partitions {
		if block := resp.GetBlock(topic, p); block != nil && block.Offset >= 0 {
			offsets[p] = block.Offset
		}
	}
	return offsets, nil
}
