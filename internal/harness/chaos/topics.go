package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"bestow/internal/harness/testbed"

	"github.com/IBM/sarama"
)

const (
	// ours is the header of what we have written: neither our copies nor our rubbish are copied again.
	ours = "chaos"
	// partitions says how many a topic has, as set.
	partitions = 4
	// copied is the most messages of a partition that are written once more, the last ones. All of them, in a run of
	// many cycles, would be more than the handlers get through before the next time: at some 200 messages a second.
	copied = 1_000
	// readWithin is the time that a partition may take to be read.
	readWithin = time.Minute
)

// topics is a hand in Kafka beside the relay's.
type topics struct {
	names   []string
	brokers []string

	mu    sync.Mutex
	trash map[string]int // payloads of rubbish, and how often each was written
}

func openTopics(bed *testbed.Testbed) *topics {
	t := &topics{brokers: strings.Split(bed.Brokers, ","), trash: map[string]int{}}
	for _, name := range []string{"point", "voucher"} {
		t.names = append(t.names, "chaos."+name, "chaos."+name+".dlt")
	}
	return t
}

// with connects for one errand: whatever was killed in between, the connection is a new one.
func (t *topics) with(errand func(sarama.Client) error) error {
	c := sarama.NewConfig()
	c.Version = sarama.V2_8_0_0
	c.ClientID = ours
	// rubbish once is enough
	c.Producer.RequiredAcks, c.Producer.Idempotent, c.Net.MaxOpenRequests = sarama.WaitForAll, true, 1
	c.Producer.Return.Successes = true
	c.Producer.Partitioner = sarama.NewManualPartitioner
	client, err := sarama.NewClient(t.brokers, c)
	if err != nil {
		return fmt.Errorf("connect to Kafka: %w", err)
	}
	return errors.Join(errand(client), client.Close())
}

func (t *topics) write(client sarama.Client, messages []*sarama.ProducerMessage) error {
	producer, err := sarama.NewSyncProducerFromClient(client)
	if err != nil {
		return fmt.Errorf("write to Kafka: %w", err)
	}
	for batch := range slices.Chunk(messages, 500) {
		if err := producer.SendMessages(batch); err != nil {
			return errors.Join(fmt.Errorf("write to Kafka: %w", err), producer.Close())
		}
	}
	return producer.Close()
}

// again writes every message of a topic that is not ours into its partition once more, or the last ones where there are
// many.
func (t *topics) again(ctx context.Context, topic string) (n int, err error) {
	err = t.with(func(client sarama.Client) error {
		consumer, err := sarama.NewConsumerFromClient(client)
		if err != nil {
			return fmt.Errorf("read %s: %w", topic, err)
		}
		for partition := range int32(partitions) {
			copies, err := copyPartition(ctx, client, consumer, topic, partition)
			copies = copies[max(0, len(copies)-copied):]
			if err == nil {
				err = t.write(client, copies)
			}
			if n += len(copies); err != nil {
				return errors.Join(err, consumer.Close())
			}
		}
		return consumer.Close()
	})
	return n, err
}

// copyPartition reads a partition from its beginning to where it ends now.
func copyPartition(ctx context.Context, client sarama.Client, consumer sarama.Consumer, topic string, number int32) (
	copies []*sarama.ProducerMessage, err error,
) {
	end, err := client.GetOffset(topic, number, sarama.OffsetNewest)
	if err != nil || end == 0 {
		return nil, err
	}
	p, err := consumer.ConsumePartition(topic, number, sarama.OffsetOldest)
	if err != nil {
		return nil, fmt.Errorf("read %s/%d: %w", topic, number, err)
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	for {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(readWithin):
			return nil, fmt.Errorf("read %s/%d: nothing came for %s", topic, number, readWithin)
		case m, open := <-p.Messages():
			if !open {
				return nil, fmt.Errorf("read %s/%d: the broker does not have what it said it has", topic, number)
			}
			if !isOurs(m) {
				copies = append(copies, copyOf(m))
			}
			if m.Offset >= end-1 {
				return copies, nil
			}
		}
	}
}

func isOurs(m *sarama.ConsumerMessage) bool {
	return slices.ContainsFunc(m.Headers, func(h *sarama.RecordHeader) bool { return string(h.Key) == ours })
}

var mark = sarama.RecordHeader{Key: []byte(ours)}

func copyOf(m *sarama.ConsumerMessage) *sarama.ProducerMessage {
	headers := []sarama.RecordHeader{mark}
	for _, h := range m.Headers {
		headers = append(headers, *h)
	}
	return &sarama.ProducerMessage{
		Topic: m.Topic, Partition: m.Partition, Key: sarama.ByteEncoder(m.Key), Value: sarama.ByteEncoder(m.Value),
		Headers: headers,
	}
}

// rubbish writes what no relay would write into every topic, and says how many messages each got.
func (t *topics) rubbish(random *rand.Rand) (n int, err error) {
	var messages []*sarama.ProducerMessage
	for _, topic := range t.names {
		list := trash(random)
		n = len(list)
		for _, value := range list {
			messages = append(messages, &sarama.ProducerMessage{
				Topic: topic, Partition: random.Int32N(partitions), Value: sarama.ByteEncoder(value),
				Headers: []sarama.RecordHeader{mark},
			})
			t.mu.Lock()
			t.trash[string(value)]++
			t.mu.Unlock()
		}
	}
	return n, t.with(func(client sarama.Client) error { return t.write(client, messages) })
}

// trash is one of each kind of rubbish.
func trash(random *rand.Rand) [][]byte {
	noise := make([]byte, 1+random.IntN(300))
	for i := range noise {
		noise[i] = byte(random.Uint32())
	}
	number := random.Uint64()
	// plain values: there is no error
	foreign, _ := json.Marshal(map[string]any{"order": number, "items": []int{1, 2, 3}})
	return [][]byte{
		noise,
		foreign,
		fmt.Appendf(nil, `{"specversion":"1.0","id":"%d","type":"bestow.grants.v9","data":{}}`, number),
		fmt.Appendf(nil,
			`{"specversion":"1.0","id":"%d","source":"/bestow/relay","type":"bestow.grants.v1","data":{"event_id":`,
			number),
		fmt.Appendf(nil, `%s%d`, strings.Repeat("[", 5_000), number),
	}
}
