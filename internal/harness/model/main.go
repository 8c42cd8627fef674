package main

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

func main() {
	c, quiet, err := parse(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	began := time.Now()
	s, err := explore(c)
	fmt.Printf("%d states, %d steps, %.1f s\n", s.count(), len(s.edges), time.Since(began).Seconds())
	for _, v := range s.found {
		fmt.Printf("BROKEN %s (%d)\n", v.name, v.count)
		if !quiet {
			fmt.Println("  " + strings.Join(s.trace(v), "\n  "))
		}
	}
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, "not complete:", err)
		os.Exit(2)
	case len(s.found) > 0:
		os.Exit(1)
	}
	fmt.Println("every invariant holds")
}

// parse reads the command line.
func parse(args []string) (c config, quiet bool, err error) {
	f := flag.NewFlagSet("model", flag.ContinueOnError)
	f.IntVar(&c.chunks, "chunks", 1, "chunks of the event, 1 or 2")
	f.IntVar(&c.open, "open", 1, "members of a chunk without a result, 1 or 2")
	f.IntVar(&c.retries, "retries", 0, "retries of a refused grant, 0 or 1")
	f.IntVar(&c.relays, "relays", 1, "relay workers at once, 1 or 2")
	f.IntVar(&c.isolateAfter, "isolate-after", 0,
		"claims that do not come back before members are asked for one by one; 0: never")
	f.BoolVar(&c.contradicts, "contradicts", false, "the ledger contradicts itself about member a")
	f.BoolVar(&c.parts, "parts", false, "the ledger may answer for one member of two")
	f.BoolVar(&c.countTries, "count-tries", false, "check retry_count against what the ledger refused")
	f.IntVar(&c.max, "max", 9_000_000, "states at which a run is given up")
	f.BoolVar(&quiet, "q", false, "no traces")
	for _, b := range []struct {
		to    *uint8
		name  string
		usage string
	}{
		{&c.may.stops, "stops", "how often a person stops the event"},
		{&c.may.lostAcks, "lost-acks", "how often a message comes again after it was settled"},
		{&c.may.handlerKills, "handler-kills", "how often a handler is killed"},
		{&c.may.relayKills, "relay-kills", "how often a relay is killed"},
		{&c.may.relayPauses, "relay-pauses", "how often a relay is paused until its job is rescued"},
		{&c.may.lostMessages, "lost-messages", "how often Kafka loses a message"},
		{&c.may.brakes, "brakes", "how often a person engages the brake; the event begins PENDING"},
		{&c.may.redrives, "redrives", "how often a person redrives what was given up"},
	} {
		f.Func(b.name, b.usage, func(text string) error {
			_, err := fmt.Sscan(text, b.to)
			if err == nil && *b.to > 15 {
				err = fmt.Errorf("at most 15")
			}
			return err
		})
	}
	said := f.String("answers", "granted,refused-good", "what the ledger may say: "+strings.Join(answerFlags[1:], ", "))
	broken := f.String("without", "", "rules to leave out, a comma list of: "+faultList())
	if err := f.Parse(args); err != nil {
		return c, quiet, err
	}
	if err := c.setAnswers(*said); err != nil {
		return c, quiet, err
	}
	if err := c.setFaults(*broken); err != nil {
		return c, quiet, err
	}
	return c, quiet, c.validate()
}

// answerFlags are the answers' names on the command line.
var answerFlags = []string{"", "granted", "refused", "refused-good", "unknown", "unknown-done", "unknown-late"}

func (c *config) setAnswers(list string) error {
	for _, name := range strings.Split(list, ",") {
		i := slices.Index(answerFlags, name)
		if i <= 0 {
			return fmt.Errorf("no answer %q", name)
		}
		c.answers |= setOf(answer(i))
	}
	return nil
}

func (c *config) setFaults(list string) error {
	for _, name := range strings.FieldsFunc(list, func(r rune) bool { return r == ',' }) {
		known := c.broken
		for _, f := range faultNames {
			if f.name == name {
				c.broken |= f.fault
			}
		}
		if c.broken == known {
			return fmt.Errorf("no rule %q, or named twice", name)
		}
	}
	return nil
}

func faultList() string {
	names := make([]string, len(faultNames))
	for i, f := range faultNames {
		names[i] = f.name
	}
	return strings.Join(names, ", ")
}

// validate refuses what the encoding has no room for, or what has no meaning.
func (c *config) validate() error {
	oneOf := func(name string, n, low, high int) error {
		if n < low || n > high {
			return fmt.Errorf("-%s is %d to %d", name, low, high)
		}
		return nil
	}
	for _, err := range []error{
		oneOf("chunks", c.chunks, 1, 2), oneOf("open", c.open, 1, 2),
		oneOf("retries", c.retries, 0, 1),
		oneOf("relays", c.relays, 1, 2), oneOf("isolate-after", c.isolateAfter, 0, 14),
		oneOf("redrives", int(c.may.redrives), 0, 2),
	} {
		if err != nil {
			return err
		}
	}
	if c.isolateAfter > 0 && c.open != 1 {
		return fmt.Errorf("-isolate-after needs -open 1: members are asked for one by one")
	}
	if c.parts && c.open != 2 {
		return fmt.Errorf("-parts needs -open 2: a part of one member is all of it")
	}
	if c.countTries && c.may.redrives > 0 {
		return fmt.Errorf("-count-tries knows no redrives")
	}
	return nil
}
