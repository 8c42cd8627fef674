package embedkafka_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"bestow/internal/embedkafka"
	"bestow/internal/kafkatest"
	"bestow/internal/proc"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// helperEnv makes a copy of the test binary a broker that may be killed: "DIR ADDR".
const helperEnv = "BESTOW_EMBEDKAFKA_HELPER"

func TestMain(m *testing.M) {
	if task := os.Getenv(helperEnv); task != "" {
		dir, addr, _ := strings.Cut(task, " ")
		s, err := embedkafka.Start(context.Background(), embedkafka.Options{Dir: dir, Addr: addr})
		if err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
		fmt.Println(s.Brokers[0])
		bufio.NewScanner(os.Stdin).Scan() // until it is killed, or its starter is
		return
	}
	goleak.VerifyTestMain(m, kafkatest.Leaks()...)
}

// runHelper starts a broker in a process of its own.
func runHelper(t *testing.T, dir, addr string) (kill func(), brokers []string) {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), helperEnv+"="+dir+" "+addr)
	cmd.Stderr = os.Stderr
	_, err = cmd.StdinPipe()
	require.NoError(t, err)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	kill = func() {
		_ = cmd.Process.Kill() // an error: it has ended
		_ = cmd.Wait()
	}
	t.Cleanup(kill)
	line, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err, "helper said %q", line)
	require.NotContains(t, line, "error:")
	return kill, []string{strings.TrimSpace(line)}
}

// client is a sarama client that never tries again: what it says was written was answered by the broker.
func client(t *testing.T, brokers []string) sarama.Client {
	t.Helper()
	config := sarama.NewConfig()
	config.Version = sarama.V2_8_0_0
	config.Producer.RequiredAcks = sarama.WaitForAll
	config.Producer.Return.Successes = true
	config.Producer.Retry.Max = 0
	config.Metadata.Retry.Max = 0
	c, err := sarama.NewClient(brokers, config)
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() }) // closed twice where a test closes it itself
	return c
}

// publishUntil sends numbers one after another until the broker is gone, and returns those that it acknowledged. It
// calls kill after enough of them, while the next is on its way.
func publishUntil(t *testing.T, brokers []string, topic string, enough int, kill func()) []string {
	t.Helper()
	producer, err := sarama.NewSyncProducerFromClient(client(t, brokers))
	require.NoError(t, err)
	defer func() { _ = producer.Close() }() // its broker is gone
	killed := make(chan struct{})
	var acked []string
	for i := 0; ; i++ {
		if i == enough {
			go func() {
				kill()
				close(killed)
			}()
		}
		value := strconv.Itoa(i)
		if _, _, err := producer.SendMessage(&sarama.ProducerMessage{
			Topic: topic,
			Value: sarama.StringEncoder(value),
		}); err != nil {
			<-killed
			return acked
		}
		acked = append(acked, value)
	}
}

func values(messages []kafkatest.Message) []string {
	var all []string
	for _, m := range messages {
		all = append(all, string(m.Value))
	}
	return all
}

// Killed in mid-publish: every message that was acknowledged is there, on a new port and on the old one, and so is what
// a group has committed.
func TestKilled(t *testing.T) {
	t.Parallel()
	dir, topic := t.TempDir(), "grants.point"
	kill, brokers := runHelper(t, dir, freeAddress(t))
	kafkatest.CreateTopic(t, brokers, topic, 4)
	for range 7 {
		kafkatest.Produce(t, brokers, topic, 0, []byte("early"))
	}
	consume(t, brokers, topic, 7)
	acked := publishUntil(t, brokers, topic, 200, kill)
	require.GreaterOrEqual(t, len(acked), 200)

	kill, elsewhere := runHelper(t, dir, "127.0.0.1:0")
	require.Subset(t, values(kafkatest.Messages(t, elsewhere, topic)), acked)
	require.EqualValues(t, 7, committed(t, elsewhere, topic))
	kill()

	_, again := runHelper(t, dir, brokers[0])
	require.Equal(t, brokers, again)
	require.Subset(t, values(kafkatest.Messages(t, again, topic)), acked)
	kafkatest.Produce(t, again, topic, 0, []byte("after"))
	require.Contains(t, values(kafkatest.Messages(t, again, topic)), "after")
}

const group = "grants"

// consumer takes messages for a group until it has had as many as it wants, and marks them.
type consumer struct {
	want   int
	enough context.CancelFunc
}

func (c *consumer) Setup(sarama.ConsumerGroupSession) error { return nil }

func (c *consumer) Cleanup(sarama.ConsumerGroupSession) error { return nil }

func (c *consumer) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for m := range claim.Messages() {
		session.MarkMessage(m, "")
		if c.want--; c.want == 0 {
			c.enough()
		}
	}
	return nil
}

// consume has a group take and commit n messages of a topic with one partition that matters.
func consume(t *testing.T, brokers []string, topic string, n int) {
	t.Helper()
	config := sarama.NewConfig()
	config.Version = sarama.V2_8_0_0
	config.Consumer.Offsets.Initial = sarama.OffsetOldest
	members, err := sarama.NewConsumerGroup(brokers, group, config)
	require.NoError(t, err)
	ctx, enough := context.WithTimeout(t.Context(), time.Minute)
	defer enough()
	c := &consumer{want: n, enough: enough}
	require.NoError(t, members.Consume(ctx, []string{topic}, c))
	require.Zero(t, c.want, "messages do not come")
	require.NoError(t, members.Close()) // commits what was marked
}

// committed is the offset at which a group goes on, in partition 0.
func committed(t *testing.T, brokers []string, topic string) int64 {
	t.Helper()
	config := sarama.NewConfig()
	config.Version = sarama.V2_8_0_0
	admin, err := sarama.NewClusterAdmin(brokers, config)
	require.NoError(t, err)
	defer func() { require.NoError(t, admin.Close()) }()
	offsets, err := admin.ListConsumerGroupOffsets(group, map[string][]int32{topic: {0}})
	require.NoError(t, err)
	return offsets.GetBlock(topic, 0).Offset
}

// Closed and started again in the same process, at the same address; what was deleted stays deleted.
func TestCloseAndStart(t *testing.T) {
	t.Parallel()
	o := embedkafka.Options{Dir: filepath.Join(t.TempDir(), "a", "b"), Addr: freeAddress(t)}
	s := start(t, o)
	kafkatest.CreateTopic(t, s.Brokers, "t", 1)
	for range 3 {
		kafkatest.Produce(t, s.Brokers, "t", 0, []byte("v"))
	}
	kafkatest.DeleteRecords(t, s.Brokers, "t", 0, 1)
	s.Close()
	s.Close()

	again := start(t, o)
	require.Equal(t, []string{o.Addr}, s.Brokers)
	require.Equal(t, s.Brokers, again.Brokers)
	require.Equal(t, map[int32]int64{0: 1}, kafkatest.StartOffsets(t, again.Brokers, "t"))
	require.Len(t, kafkatest.Messages(t, again.Brokers, "t"), 2)
}

// A topic that nobody made is an error for its producer, not a new topic.
func TestNoAutoCreation(t *testing.T) {
	t.Parallel()
	s := start(t, embedkafka.Options{})
	c := client(t, s.Brokers)
	producer, err := sarama.NewSyncProducerFromClient(c)
	require.NoError(t, err)
	_, _, err = producer.SendMessage(&sarama.ProducerMessage{Topic: "typo", Value: sarama.StringEncoder("v")})
	require.ErrorIs(t, err, sarama.ErrUnknownTopicOrPartition)
	require.NoError(t, producer.Close())
	require.NoError(t, c.Close())
	require.Zero(t, kafkatest.Partitions(t, s.Brokers, "typo"))
}

// Clients connect to what is advertised: a proxy that stands before the broker.
func TestAdvertise(t *testing.T) {
	t.Parallel()
	addr := freeAddress(t)
	const proxy = "127.0.0.1:1" // where nobody listens
	s, err := embedkafka.Start(t.Context(), embedkafka.Options{Addr: addr, Advertise: proxy})
	require.NoError(t, err)
	t.Cleanup(s.Close)
	require.Equal(t, []string{proxy}, s.Brokers)
	brokers := client(t, []string{addr}).Brokers()
	require.Len(t, brokers, 1)
	require.Equal(t, proxy, brokers[0].Addr())
}

// What cannot work is refused in words: a folder in use, an address that others reach, one that is taken, a file.
func TestStartErrors(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := start(t, embedkafka.Options{Dir: dir})
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))

	_, err := embedkafka.Start(t.Context(), embedkafka.Options{Dir: dir})
	require.ErrorIs(t, err, embedkafka.ErrInUse)
	_, err = embedkafka.Start(t.Context(), embedkafka.Options{Addr: "0.0.0.0:0"})
	require.ErrorContains(t, err, "without passwords")
	_, err = embedkafka.Start(t.Context(), embedkafka.Options{Addr: s.Brokers[0]})
	var op *net.OpError
	require.ErrorAs(t, err, &op)
	_, err = embedkafka.Start(t.Context(), embedkafka.Options{Dir: file})
	require.ErrorContains(t, err, "BESTOW_DATA_DIR")
}

// Data that is no kfake's is an error, and the address and the folder are free again.
func TestForeignData(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "data"), 0o700))
	meta := filepath.Join(dir, "data", "meta.json")
	require.NoError(t, os.WriteFile(meta, []byte("{"), 0o600))
	_, err := embedkafka.Start(t.Context(), embedkafka.Options{Dir: dir})
	require.ErrorContains(t, err, "start kafka")
	require.NoError(t, os.Remove(meta))
	start(t, embedkafka.Options{Dir: dir})
}

// freeAddress returns an address for a broker that starts later, or again.
func freeAddress(t *testing.T) string {
	t.Helper()
	addr, err := proc.FreeAddress(t.Context())
	require.NoError(t, err)
	return addr
}

func start(t *testing.T, o embedkafka.Options) *embedkafka.Server {
	t.Helper()
	s, err := embedkafka.Start(t.Context(), o)
	require.NoError(t, err)
	t.Cleanup(s.Close)
	return s
}
