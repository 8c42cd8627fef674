//go:build failpoint

package main

import (
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"bestow/internal/failpoint"
	"bestow/internal/harness/testbed"

	"github.com/stretchr/testify/require"
)

// neverMet are the places that no operator here comes to, with the reason.
var neverMet = map[string]string{
	failpoint.DeleteBeforeCommit:     "no event is deleted",
	failpoint.DeleteAfterCommit:      "no event is deleted",
	failpoint.TidyBetween:            "no event is deleted",
	failpoint.BrakeBeforeCommit:      "the emergency brake would end the load",
	failpoint.BrakeAfterCommit:       "the emergency brake would end the load",
	failpoint.StopAllBetween:         "the emergency brake would end the load",
	failpoint.BrakeBeforeAnswer:      "the emergency brake would end the load",
	failpoint.BrakeAfterAnswer:       "the emergency brake would end the load",
	failpoint.ReleaseBeforeCommit:    "no brake is engaged",
	failpoint.ReleaseAfterCommit:     "no brake is engaged",
	failpoint.TypeBeforeCommit:       "no event type is made",
	failpoint.TypeAfterCommit:        "no event type is made",
	failpoint.TypeTablesBeforeCommit: "no event type is made",
	failpoint.TypeTablesMade:         "no event type is made",
	failpoint.TypeTopicsMade:         "no event type is made",
	failpoint.TypeReady:              "no event type is made",
	failpoint.RepairBeforeCommit:     "nothing is to be repaired",
	failpoint.RepairBetween:          "nothing is to be repaired",
	failpoint.ReplayBeforeCommit:     "rubbish stays parked",
	failpoint.ReplayAfterCommit:      "rubbish stays parked",
	failpoint.CopyRead:               "rubbish stays parked",
	failpoint.CopyAfterAck:           "rubbish stays parked",
	failpoint.ParkBackBeforeCommit:   "rubbish stays parked",
	failpoint.ReconcileBeforeJobs:    "Kafka loses nothing",
	failpoint.SweepBeforeCommit:      "no chunk is without a job",
	failpoint.PartAfterCommit:        "our ledger answers for each member or for none",
	failpoint.SettleAgainMade:        "our ledger answers for each member or for none",
	failpoint.SettleRedriveMade:      "our ledger answers for each member or for none",
	failpoint.MoneyAccountLocked:     "nothing but grants is asked of the ledger",
	failpoint.MoneyLotsRead:          "nothing but grants is asked of the ledger",
	failpoint.MoneyMovementWritten:   "nothing but grants is asked of the ledger",
	failpoint.MoneyCancelWritten:     "no voucher is cancelled",
	failpoint.MoneyExpireListed:      "no points expire",
	failpoint.MoneyExpireChunk:       "no points expire",
	failpoint.FaultWritten:           "the ledger contradicts nobody",
	failpoint.FaultAfterCommit:       "the ledger contradicts nobody",
}

// Whoever adds a place to the code says who can be killed there, or why nobody.
func TestEveryPointIsUsedOrHasAReason(t *testing.T) {
	t.Parallel()
	used := map[string]bool{}
	for process, points := range diesAt {
		require.True(t, slices.ContainsFunc(services,
			func(s testbed.Service) bool { return strings.HasPrefix(s.Name, process) }), process)
		for _, point := range points {
			used[point] = true
			require.NotContains(t, neverMet, point)
		}
	}
	for _, point := range failpoint.All() {
		require.True(t, used[point] || neverMet[point] != "", "%s", point)
	}
	rules := slices.Collect(maps.Values(leads))
	for _, l := range ledgers {
		rules = append(rules, l.rules)
	}
	for _, list := range rules {
		for rule := range strings.SplitSeq(list, ";") {
			point, _, _ := strings.Cut(rule, "=")
			require.True(t, slices.Contains(failpoint.All(), point), rule)
		}
	}
}

// A fault names a broker that the cluster has: it counts them from 1.
func TestBrokerOf(t *testing.T) {
	t.Parallel()
	var brokers []int
	for pick := range uint64(6) {
		brokers = append(brokers, brokerOf(pick, 3))
	}
	require.Equal(t, []int{1, 2, 3, 1, 2, 3}, brokers)
	require.Equal(t, 1, brokerOf(math.MaxUint64, 1))
}
