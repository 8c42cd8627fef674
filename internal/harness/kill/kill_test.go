package main

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"
	"testing"
	"time"

	"bestow/internal/harness/testbed"

	"github.com/stretchr/testify/require"
)

// The same seed is the same plan, and every victim has its turn in each four rounds.
func TestPlan(t *testing.T) {
	t.Parallel()
	for seed := range uint64(50) {
		rounds := makePlan(seed, 23, 0)
		require.Equal(t, rounds, makePlan(seed, 23, 0))
		kills, vouchers := map[victim]int{}, 0
		for i, r := range rounds {
			kills[r.victim]++
			require.Equal(t, i+1, r.number)
			require.GreaterOrEqual(t, r.at, earliest)
			require.Less(t, r.at, latest)
			require.Contains(t, []int{0, 1}, r.which)
			require.True(t, r.victim != relay || r.publish, "a relay publishes")
			require.True(t, r.victim != handler || !r.publish, "a handler grants")
			require.True(t, r.pause >= 0 && r.pause < maxPause)
			if r.voucher {
				vouchers++
			}
		}
		require.Len(t, kills, 4)
		for v, n := range kills {
			require.GreaterOrEqual(t, n, 23/4, "%s, seed %d", v, seed)
		}
		require.Equal(t, 7, vouchers)
	}
	require.NotEqual(t, makePlan(1, 20, 0), makePlan(2, 20, 0))
}

// Each of the two relays and handlers is killed, vouchers meet every victim, and the others are killed at either work.
func TestPlanReachesEverything(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, r := range makePlan(7, 200, 0) {
		seen[r.victim.String()+strconv.Itoa(r.which)+r.eventType()+strconv.FormatBool(r.publish)] = true
	}
	require.Len(t, seen, 2*2+2*2+2*2*2+2*2*2)
}

// The list that is sent is the list that the ledger is compared with.
func TestMemberListIsTheTally(t *testing.T) {
	t.Parallel()
	const members = 20_000
	rows, err := csv.NewReader(memberList(members)).ReadAll()
	require.NoError(t, err)
	list := newTally(members)
	for _, row := range rows[1:] {
		amount := int64(defaultAmount)
		if row[1] != "" {
			amount, err = strconv.ParseInt(row[1], 10, 64)
			require.NoError(t, err)
		}
		list.add(row[0], amount)
	}
	require.NoError(t, list.check())
	require.Equal(t, members, list.count)
}

// A tally sees each thing that may be wrong with a ledger.
func TestTallyDiffers(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*tally){
		"M00000001 was forgotten": func(*tally) {},
		"M00000000 was granted twice": func(l *tally) {
			l.add(testbed.MemberID(1), amountOf(1))
			l.add(testbed.MemberID(0), amountOf(0))
		},
		"M00000001 was granted 7 instead of 1000": func(l *tally) { l.add(testbed.MemberID(1), 7) },
		"member M00000002 is not of the list": func(l *tally) {
			l.add(testbed.MemberID(1), amountOf(1))
			l.add(testbed.MemberID(2), amountOf(2))
		},
		"member M1 is not of the list":        func(l *tally) { l.add("M1", 1000) },
		"member M-0000001 is not of the list": func(l *tally) { l.add("M-0000001", 1000) },
		"member somebody is not of the list":  func(l *tally) { l.add("somebody", 1000) },
		"2 differences in 1 rows": func(l *tally) {
			*l = *newTally(3)
			l.add(testbed.MemberID(0), amountOf(0))
		},
		"M00000000 was forgotten; member M00000001 was": func(l *tally) { *l = *newTally(2) },
	} {
		list := newTally(2)
		list.add(testbed.MemberID(0), amountOf(0))
		change(list)
		require.ErrorContains(t, list.check(), want)
	}
}

// With three brokers one of them is a victim too, and every partition's leader has its turn; without them a seed's plan
// is what it was.
func TestPlanKillsBrokers(t *testing.T) {
	t.Parallel()
	led := map[int32]bool{}
	for _, r := range makePlan(7, 500, 3) {
		if r.victim == broker {
			led[r.part] = true
		}
	}
	require.Len(t, led, partitions)
	for _, brokers := range []int{0, 1} {
		for _, r := range makePlan(7, 100, brokers) {
			require.NotEqual(t, broker, r.victim)
		}
	}
	require.Equal(t, "kill.voucher", round{voucher: true}.topic())
}

// A kill counts if the event was not over by then.
func TestHitting(t *testing.T) {
	t.Parallel()
	end := time.Now()
	early, late := end.Add(-time.Second), end.Add(time.Second)
	require.Equal(t, []time.Time{early}, hitting([]time.Time{early, late}, end))
	require.Empty(t, hitting([]time.Time{late}, end))
}

// A round that did not count is not among the results, and one that failed fails the run.
func TestVerdict(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	o := options{times: 2, seed: 5}
	good, bad := result{}, result{err: io.ErrUnexpectedEOF}
	require.NoError(t, verdict(&out, []result{good, good}, o))
	require.Contains(t, out.String(), "2 of 2")
	require.ErrorContains(t, verdict(&out, []result{good, bad}, o), "1 rounds failed, 0 were not played; seed 5")
	require.ErrorContains(t, verdict(&out, []result{good}, o), "0 rounds failed, 1 were not played")
}

func TestOptions(t *testing.T) {
	t.Parallel()
	o, err := readOptions([]string{"-times", "3", "-seed", "9", "-members", "20000"})
	require.NoError(t, err)
	require.Equal(t, options{times: 3, members: 20_000, seed: 9}, o)
	o, err = readOptions([]string{"-kafka", "3", "-brokerkills", "10", "-seed", "9"})
	require.NoError(t, err)
	require.Equal(t, options{times: 20, members: 100_000, kafka: 3, brokerKills: 10, seed: 9}, o)
	for _, args := range [][]string{
		{"-times", "0"},
		{"-members", "5"},
		{"more"},
		{"-kafka", "2"},
		{"-kafka", "1", "-brokerkills", "1"},
		{"-kafka", "3", "-brokerkills", "1", "-stops", "1"},
		{"-kafka", "3", "-brokerkills", "1", "-brakes", "1"},
		{"-brakes", "-1"},
		{"-brakes", "1", "-stops", "1"},
	} {
		_, err := readOptions(args)
		require.Error(t, err)
	}
}
