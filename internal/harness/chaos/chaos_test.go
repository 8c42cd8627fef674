package main

import (
	"encoding/csv"
	"io"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2/stream"
	"github.com/Shopify/toxiproxy/v2/toxics"
	"github.com/stretchr/testify/require"
)

// faults are the first n of a seed, as words.
func faults(o options, n int) []string {
	p := newPlanner(o)
	list := make([]string, n)
	for i := range list {
		f := p.next()
		list[i] = f.kind.name + " " + f.victim + " " + f.place.point + " " + f.length.String() + " " +
			strconv.FormatUint(f.pick, 10)
	}
	return list
}

// A seed can be run again: it is the same plan, and another one is another.
func TestASeedIsAPlan(t *testing.T) {
	t.Parallel()
	require.Equal(t, faults(options{seed: 7}, 300), faults(options{seed: 7}, 300))
	require.NotEqual(t, faults(options{seed: 7}, 20), faults(options{seed: 8}, 20))
	one, other := rand.New(rand.NewPCG(7, 100)), rand.New(rand.NewPCG(7, 100))
	for range 50 {
		require.Equal(t, planCampaign(one, "c"), planCampaign(other, "c"))
	}
}

// A run of usual length has every kind of fault, and every process is hit.
func TestAPlanHasEverything(t *testing.T) {
	t.Parallel()
	all := strings.Join(faults(options{seed: 3}, 600), "\n")
	for _, name := range kindNames() {
		require.Contains(t, all, name+" ")
	}
	for _, s := range services {
		require.Contains(t, all, " "+s.Name+" ")
	}
	for _, p := range places() {
		require.Contains(t, all, " "+p.point+" ", "each place is dealt")
	}
}

// What was asked for is chosen from, and nothing that needs a proxy before the real Kafka, or would hit whom a soak
// watches.
func TestAPlanIsLimited(t *testing.T) {
	t.Parallel()
	for _, f := range faults(options{seed: 1, only: []string{"postgres", "cut"}}, 100) {
		require.True(t, strings.HasPrefix(f, "postgres ") || strings.HasPrefix(f, "cut "), f)
	}
	for _, f := range faults(options{seed: 1, kafka: 3}, 400) {
		require.NotContains(t, f, "cutkafka")
		require.NotContains(t, f, "slowkafka")
	}
	for _, f := range faults(options{seed: 1, soak: time.Hour}, 400) {
		require.False(t, strings.HasPrefix(f, "everything"), f)
		for _, name := range spared {
			require.NotContains(t, f, " "+name+" ")
		}
		require.False(t, strings.HasPrefix(f, "postgres"), "its statistics would begin anew")
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	o, err := readOptions([]string{"-seed", "5", "-cycles", "3", "-only", "kill,cut", "-kafka", "3"})
	require.NoError(t, err)
	require.Equal(t, options{seed: 5, cycles: 3, kafka: 3, only: []string{"kill", "cut"}}, o)
	require.Equal(t, "go run ./internal/harness/chaos -seed 5 -cycles 3 -kafka 3 -only kill,cut", o.again())
	for _, args := range [][]string{{"-cycles", "0"}, {"-kafka", "2"}, {"-only", "kil"}, {"-soak", "1s"}, {"more"}} {
		_, err := readOptions(args)
		require.Error(t, err, "%v", args)
	}
}

// The list that is uploaded is the list that is expected, and each kind of member is in it.
func TestTheListIsWhatIsExpected(t *testing.T) {
	t.Parallel()
	for _, members := range []int{20_000, large} {
		c := &campaign{first: 59_000, members: members, salt: 1 << 63, redrive: true}
		rows, err := csv.NewReader(c.list()).ReadAll()
		require.NoError(t, err)
		want := c.expected()
		require.Len(t, want, members, "no member twice")
		require.Len(t, rows, members+1)
		refused := map[entry]int{}
		for _, row := range rows[1:] {
			e := want[row[0]]
			require.Equal(t, row[1], strconv.FormatInt(e.amount, 10))
			require.Positive(t, e.amount)
			refused[entry{status: e.status, refusals: e.refusals}]++
		}
		require.Len(t, refused, 3)
		require.Equal(t, refused[entry{status: givenUp, refusals: 1}], members-c.granted())
		require.Greater(t, c.givenUpNow(), members-c.granted(), "the redrive helps some")
		c.redrive = false
		require.Equal(t, c.givenUpNow(), members-c.granted())
	}
}

// The comparison sees each thing that may be wrong with one member, and says it by name.
func TestEachDifferenceIsSeen(t *testing.T) {
	t.Parallel()
	good := entry{amount: 5, status: success}
	for says, d := range map[string]func(*differences){
		"":                                   func(d *differences) { d.compareMember("M1", good, []int64{5}, good) },
		"M1 is 0 times in the ledger, not 1": func(d *differences) { d.compareMember("M1", good, nil, good) },
		"M1 is 2 times in the ledger, not 1": func(d *differences) { d.compareMember("M1", good, []int64{5, 5}, good) },
		"M1 was granted 6, not 5":            func(d *differences) { d.compareMember("M1", good, []int64{6}, good) },
		"the result of M1 is {amount:5 status:SUCCESS refusals:2}": func(d *differences) {
			d.compareMember("M1", good, []int64{5}, entry{5, success, 2})
		},
		"the result of M1 is {amount:0 status: refusals:0}": func(d *differences) {
			d.compareMember("M1", good, []int64{5}, entry{})
		},
		"M1 is 1 times in the ledger, not 0": func(d *differences) {
			lost := entry{5, givenUp, 1}
			d.compareMember("M1", lost, []int64{5}, lost)
		},
		"the ledger have M9, who is not of the list": func(d *differences) {
			d.known("M9", map[string]entry{"M1": good}, "the ledger")
		},
	} {
		got := &differences{}
		if d(got); says == "" {
			require.NoError(t, got.err())
			continue
		}
		require.ErrorContains(t, got.err(), says)
	}
}

// link runs chunks of what a server answers through the toxic, and returns what the client hears of them.
func link(t *testing.T, toxic toxics.StatefulToxic, chunks ...string) (heard []string) {
	t.Helper()
	in, out := make(chan *stream.StreamChunk, len(chunks)), make(chan *stream.StreamChunk, len(chunks))
	for _, c := range chunks {
		in <- &stream.StreamChunk{Data: []byte(c)}
	}
	close(in)
	stub := toxics.NewToxicStub(in, out)
	stub.State = toxic.NewState()
	toxic.(toxics.Toxic).Pipe(stub)
	for c := range out {
		heard = append(heard, string(c.Data))
	}
	return heard
}

// Each so many-th answer to a COMMIT is not heard, and nothing after it: the connection is gone.
func TestLoseCommits(t *testing.T) {
	t.Parallel()
	answer := string(committed) + "Z\x00\x00\x00\x05I"
	require.Empty(t, link(t, &loseCommits{Every: 1}, answer, "more"))
	require.Equal(t, []string{"rows", answer, "COMMIT"},
		link(t, &loseCommits{Every: 2}, "rows", answer, "COMMIT", "x"+answer, "more"))
	require.Len(t, link(t, &loseCommits{Every: 3}, answer, answer, "rows"), 3)
}

// A soak fails for what grows from its second third to its last, and says what it was.
func TestSteady(t *testing.T) {
	t.Parallel()
	flat := func(value float64) gauge { return gauge{values: slices.Repeat([]float64{value}, len(gauges))} }
	list := []gauge{flat(5), flat(900), flat(1000), flat(1000), flat(1010), flat(1000)}
	log := &timeline{out: io.Discard}
	require.NoError(t, steady(log, list))
	list[4].values[2], list[5].values[2] = 1_500, 1_500
	require.EqualError(t, steady(log, list), "open jobs grew from 1000.0 to 1500.0")
	require.NoError(t, steady(log, nil))
}
