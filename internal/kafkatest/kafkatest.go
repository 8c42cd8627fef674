package kafkatest

import (
	"context"
	"crypto/rand"
	"os"
	"strings"
	"sync"
	"testing"

	"bestow/internal/embedkafka"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// shared is the broker of this test process, with the number of tests that use it. The last one ends it, so that a leak
// check after the tests finds nothing of it.
var shared struct {
	sync.Mutex
	server *embedkafka.Server
	users  int
}

// Brokers returns the addresses of a Kafka that is there until the test and its subtests end.
func Brokers(tb testing.TB) []string {
	tb.Helper()
	if brokers := external(); brokers != nil {
		return brokers
	}
	shared.Lock()
	defer shared.Unlock()
	if shared.users == 0 {
		server, err := embedkafka.Start(context.Background(), embedkafka.Options{})
		require.NoError(tb, err)
		shared.server = server
	}
	shared.users++
	tb.Cleanup(release)
	return shared.server.Brokers
}

func release() {
	shared.Lock()
	defer shared.Unlock()
	if shared.users--; shared.users == 0 {
		shared.server.Close()
	}
}

// external is the cluster that BESTOW_TEST_KAFKA_BROKERS names, nil if it names none.
func external() []string {
	if list := os.Getenv("BESTOW_TEST_KAFKA_BROKERS"); list != "" {
		return strings.Split(list, ",")
	}
	return nil
}

// Prefix returns the beginning of the names of all topics and groups of this test, which no other test ever has. On a
// cluster that outlives the test its topics are deleted at the end.
func Prefix(tb testing.TB) string {
	tb.Helper()
	name := []byte("test-" + tb.Name())
	for i, b := range name {
		switch {
		case b >= 'a' && b <= 'z', b >= 'A' && b <= 'Z', b >= '0' && b <= '9':
		default:
			name[i] = '-' // all that a topic's name may not have, and its . and _, which collide in metrics
		}
	}
	prefix := string(name[:min(len(name), 64)]) + "-" + strings.ToLower(rand.Text()[:8])
	if brokers := external(); brokers != nil {
		tb.Cleanup(func() { deleteTopics(tb, brokers, prefix) })
	}
	return prefix
}

// Leaks returns options for a leak check that ignore the goroutines that Kafka's client library never ends.
func Leaks() []goleak.Option {
	return []goleak.Option{goleak.IgnoreTopFunction("github.com/rcrowley/go-metrics.(*meterArbiter).tick")}
}
