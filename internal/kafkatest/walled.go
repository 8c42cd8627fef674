package kafkatest

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
)

// Walled starts a broker of the test's own that lets in only whom the options say, by TLS, SASL and ACLs. It is never
// the cluster that BESTOW_TEST_KAFKA_BROKERS names.
func Walled(tb testing.TB, options ...kfake.Opt) []string {
	tb.Helper()
	cluster, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1)}, options...)...)
	require.NoError(tb, err)
	tb.Cleanup(cluster.Close)
	return cluster.ListenAddrs()
}
