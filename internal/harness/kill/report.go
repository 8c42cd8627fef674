package main

import (
	"io"
	"time"

	"bestow/internal/harness/testbed"
)

// line tells what came of one try.
func line(out io.Writer, r result, members int) {
	done := "granted"
	if r.publish {
		done = "published"
	}
	testbed.Say(out, "%5d  %-7s %4d  %-10s  %3.0f %% %-9s ", r.number, r.eventType(), r.event, r.name, 100*r.done, done)
	switch {
	case r.err != nil:
		testbed.Say(out, "  FAILED: %v\n", r.err)
	case r.missed != "":
		testbed.Say(out, "  missed, played again: %s, and complete after %.1f s\n", r.missed, r.took.Seconds())
	default:
		testbed.Say(out, "  %4.1f s  %6.1f s  %4d %6d   ok, %d of %d in the ledger\n",
			r.pause.Seconds(), r.took.Seconds(), r.jobs, r.chunks, members, members)
	}
}

// heading stands above the lines.
func heading(out io.Writer) {
	testbed.Say(out, "%5s  %-7s %4s  %-10s  %-15s   %6s  %8s  %-11s   %s\n", "", "", "", "", "", "", "complete",
		"done again:", "")
	testbed.Say(out, "%5s  %-7s %4s  %-10s  %-15s   %6s  %8s  %4s %6s   %s\n",
		"round", "event", "", "killed", "in the moment", "dead", "after", "jobs", "chunks", "verify")
}

// summary tells how long the recoveries took, by victim.
func summary(out io.Writer, results []result) {
	testbed.Say(out, "\nseconds from the restart to COMPLETED\n%-12s %5s %8s %8s %8s\n", "killed", "times", "median",
		"p99", "max")
	for v := relay; v <= victims; v++ {
		var took []time.Duration
		for _, r := range results {
			if r.err == nil && (r.victim == v || v == victims) {
				took = append(took, r.took)
			}
		}
		if len(took) > 0 {
			testbed.Say(out, "%-12s %5d %8.1f %8.1f %8.1f\n", v, len(took),
				testbed.Percentile(took, 50).Seconds(), testbed.Percentile(took, 99).Seconds(),
				testbed.Percentile(took, 100).Seconds())
		}
	}
}
