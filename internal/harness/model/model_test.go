package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// run explores what the command line says.
func run(t *testing.T, line string) *search {
	t.Helper()
	c, _, err := parse(strings.Fields(line))
	require.NoError(t, err)
	s, err := explore(c)
	require.NoError(t, err)
	return s
}

func (s *search) broken() (names []invariant) {
	for _, v := range s.found {
		names = append(names, v.name)
	}
	return names
}

// The rules as they are break nothing, in whatever order things happen.
func TestEveryInvariantHolds(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		"-open 2",
		"-open 2 -relay-kills 1 -lost-messages 1",
		"-open 2 -retries 1 -handler-kills 1 -answers granted,refused,unknown-done",
		"-chunks 2 -stops 1 -answers granted",
		"-stops 1 -relay-kills 1 -handler-kills 1",
		"-stops 1 -relays 2 -relay-pauses 1 -relay-kills 1",
		"-stops 1 -lost-acks 1 -handler-kills 1 -lost-messages 1 -answers granted,refused-good,unknown-done",
		"-stops 2 -handler-kills 1 -answers granted,refused-good,unknown-late",
		"-retries 1 -stops 1 -handler-kills 1 -count-tries -answers granted,refused,unknown-done",
		"-retries 1 -lost-acks 1 -handler-kills 1 -count-tries -answers granted,refused,refused-good",
		"-stops 1 -handler-kills 1 -redrives 1 -answers granted,refused-good,unknown-late",
		"-stops 1 -lost-messages 1 -redrives 2",
		"-stops 1 -handler-kills 2 -isolate-after 1 -answers granted,refused,unknown",
		"-handler-kills 1 -redrives 1 -isolate-after 1 -answers granted,refused-good,unknown",
		"-brakes 2 -stops 1 -answers granted",
		"-brakes 1 -relay-kills 1 -handler-kills 1 -answers granted",
		"-brakes 1 -retries 1 -answers granted,refused",
		"-brakes 1 -redrives 1 -lost-messages 1",
		"-contradicts -handler-kills 1 -lost-messages 1 -answers granted",
		"-open 2 -parts -stops 1 -handler-kills 1 -answers granted,refused-good",
		"-open 2 -parts -relay-kills 1 -lost-messages 1 -handler-kills 1 -answers granted",
	} {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			s := run(t, line)
			for _, v := range s.found {
				t.Errorf("%s:\n%s", v.name, strings.Join(s.trace(v), "\n"))
			}
			t.Logf("%d states", s.count())
		})
	}
}

// Each clause is there because without it the model shows a loss, a double count or a stop that was none.
func TestAClauseLeftOutIsFound(t *testing.T) {
	t.Parallel()
	for _, leftOut := range []struct {
		clause string
		in     string
		breaks invariant
	}{
		{"no-reconcile,mark-unaware", "-stops 1 -answers granted -without no-reconcile", completes},
		{"claims-counted", "-handler-kills 1 -answers granted,refused-good,unknown-done", givenUpRepaired},
		{"claim-over-open", "-handler-kills 1 -answers granted,refused-good,unknown-done", givenUpRepaired},
		{"tries-ignored", "-retries 1 -lost-acks 1 -count-tries -answers granted,refused", triesCounted},
		{"ask-after-lease", "-stops 1 -answers granted", nothingAfterStop},
		{"no-deadline", "-stops 1 -answers granted,unknown-late", nothingAfterStop},
		{"settle-any-token", "-handler-kills 1", givenUpRepaired},
		{"unknown-closes", "-stops 1 -answers granted,unknown-late", nothingAfterStop},
		{"redrive-once", "-stops 1 -redrives 1", redriveAnswered},
		{"contradicted-for-ever", "-contradicts -answers granted", completes},
		{"mark-stays", "-handler-kills 1 -isolate-after 1 -answers granted,unknown", onlyDeathRefuses},
		{"release-then-unmark", "-handler-kills 1 -isolate-after 1 -answers granted,unknown", onlyDeathRefuses},
		{"mark-any-row", "-handler-kills 1 -isolate-after 1 -answers granted,refused", countersRight},
		{"redrive-keeps-mark", "-handler-kills 1 -redrives 1 -isolate-after 1 -answers granted,refused-good,unknown", onlyDeathRefuses},
		{"redrive-asleep", "-redrives 1", redriveAnswered},
		{"close-unpublished", "-answers granted", completedIsDone},
		{"answer-at-once", "-stops 1 -answers granted", nothingAfterStop},
		{"answer-unsettled", "-stops 1 -redrives 1", nothingAfterStop},
		{"no-sweep", "-stops 1 -relay-kills 1 -answers granted", completes},
		{"sweep-unsettled", "-stops 1 -relay-kills 1 -answers granted", completes},
		{"no-reconcile", "-lost-messages 1 -answers granted", completes},
		{"reconcile-no-redrive", "-lost-messages 1 -redrives 1", redriveAnswered},
		{"reconcile-running", "-lost-messages 1 -redrives 1", redriveAnswered},
		{"retry-publishes", "-retries 1 -stops 1 -relay-kills 1 -answers granted,refused", completes},
		{"release-forgets", "-stops 1 -handler-kills 1 -answers granted", grantedIsSettled},
		{"error-closes", "-stops 1 -answers granted,unknown-late", nothingAfterStop},
		{"error-counts", "-isolate-after 1 -answers granted,unknown", livesAreNotDeaths},
		{"requeue-refused", "-retries 1 -stops 2 -answers granted,refused,unknown", resumedWhole},
		{"brake-unread", "-brakes 1 -redrives 1", nothingAfterBrake},
		{"brake-unawaited", "-brakes 1 -redrives 1", nothingAfterBrake},
		{"brake-running", "-brakes 1 -redrives 1", nothingAfterBrake},
		{"brake-no-lock", "-brakes 1 -answers granted", brakedStands},
		{"start-unbraked", "-brakes 1 -answers granted", brakedStands},
		{"no-reconcile,part-acks", "-open 2 -parts -answers granted -without no-reconcile", completes},
		{"part-closes", "-open 2 -parts -stops 1 -handler-kills 1 -answers granted", grantedIsSettled},
		{"part-unknown-returns", "-open 2 -parts -stops 1 -answers granted,unknown-done", grantedIsSettled},
		{"lookup-closes", "-open 2 -parts -stops 1 -handler-kills 1 -answers granted", grantedIsSettled},
		{"lookup-remembers", "-open 2 -parts -stops 2 -answers granted", grantedIsSettled},
		{"answers-count", "-retries 1 -isolate-after 1 -answers granted,refused", livesAreNotDeaths},
	} {
		t.Run(leftOut.clause, func(t *testing.T) {
			t.Parallel()
			require.Empty(t, run(t, leftOut.in).broken(), "with every clause")
			s := run(t, leftOut.in+" -without "+leftOut.clause) // the last one counts
			require.Contains(t, s.broken(), leftOut.breaks)
		})
	}
}

// A clause that no test leaves out would stand in the list for nothing.
func TestEveryClauseIsNamed(t *testing.T) {
	t.Parallel()
	var all fault
	for _, f := range faultNames {
		require.Zero(t, all&f.fault, f.name)
		all |= f.fault
	}
	require.Equal(t, lookupRemembers<<1-1, all)
}

// A violation is told as the shortest way to it: what a person reads must end in the state that breaks the rule.
func TestTraceTellsTheWay(t *testing.T) {
	t.Parallel()
	s := run(t, "-stops 1 -answers granted -without answer-at-once")
	lines := s.trace(s.found[0])
	require.Len(t, lines, 9)
	require.Contains(t, lines[4], "claims")
	require.Contains(t, lines[len(lines)-2], "the ledger answers handler 0: a granted")
	require.Contains(t, lines[len(lines)-1], "STOPPED (200)")
	for _, line := range lines {
		require.NotEmpty(t, line)
	}
}

// Packing loses nothing, or states that differ would be taken for one.
func TestPackedStatesAreWhole(t *testing.T) {
	t.Parallel()
	s := run(t, "-chunks 2 -relays 2 -stops 1 -answers granted")
	for id := range uint32(s.count()) {
		now := s.state(id)
		require.Equal(t, s.encoded(id), now.encode(nil, 2))
		require.Equal(t, s.encoded(id), s.symmetry.canonical(&now), "renamed for good")
	}
	c := config{chunks: 1, open: 2, may: budget{1, 2, 3, 4, 5, 6, 7, 8}}
	start := c.initial()
	require.Equal(t, start, decode(start.encode(nil, 1), 1))
}

// What the model has no room for is refused, not explored in part.
func TestTooMuchIsRefused(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		"-chunks 3", "-open 0", "-retries 2", "-isolate-after 1 -open 2", "-parts",
		"-count-tries -redrives 1",
		"-stops 16", "-redrives 3", "-answers perhaps", "-without nothing",
	} {
		_, _, err := parse(strings.Fields(line))
		require.Error(t, err, line)
	}
	c, _, err := parse([]string{"-max", "5"})
	require.NoError(t, err)
	_, err = explore(c)
	require.ErrorIs(t, err, errTooLarge)
}
