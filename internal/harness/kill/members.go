package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"bestow/internal/harness/testbed"
)

// defaultAmount is granted to who has no amount in the list.
const defaultAmount = 1000

// amountOf returns what the i-th member gets.
func amountOf(i int) int64 {
	if i%3 == 0 {
		return int64(100 * (1 + i%25))
	}
	return defaultAmount
}

// memberList returns a CSV of n members, written while it is read.
func memberList(n int) io.Reader {
	r, w := io.Pipe()
	go func() {
		err := testbed.WriteList(w, n, func(i int) string {
			if i%3 == 0 {
				return strconv.FormatInt(amountOf(i), 10)
			}
			return "" // the default
		})
		_ = w.CloseWithError(err) // the reader hears of the end
	}()
	return r
}

// tally compares a ledger with the list: each of its members once, with its amount, and no other member.
type tally struct {
	seen  []bool
	count int
	wrong []string
}

func newTally(members int) *tally { return &tally{seen: make([]bool, members)} }

// add takes one row of the ledger.
func (t *tally) add(member string, amount int64) {
	t.count++
	i, err := strconv.Atoi(strings.TrimPrefix(member, "M"))
	switch {
	case err != nil, i < 0, i >= len(t.seen), testbed.MemberID(i) != member:
		t.wrong = append(t.wrong, "member "+member+" is not of the list")
	case t.seen[i]:
		t.wrong = append(t.wrong, "member "+member+" was granted twice")
	case amount != amountOf(i):
		t.wrong = append(t.wrong, fmt.Sprintf("member %s was granted %d instead of %d", member, amount, amountOf(i)))
	}
	if err == nil && i >= 0 && i < len(t.seen) {
		t.seen[i] = true
	}
}

// check says how the ledger differs from the list, nil if it does not.
func (t *tally) check() error {
	for i, seen := range t.seen {
		if !seen {
			t.wrong = append(t.wrong, "member "+testbed.MemberID(i)+" was forgotten")
		}
	}
	if len(t.wrong) == 0 {
		return nil
	}
	return fmt.Errorf("compare the ledger with the list: %d differences in %d rows: %s",
		len(t.wrong), t.count, strings.Join(t.wrong[:min(3, len(t.wrong))], "; "))
}
