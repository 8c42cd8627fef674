package bench

import (
	"bufio"
	"fmt"
	"os"
	"slices"
	"strconv"
)

// The member list: ids in no order, every third member with an amount of its own, no reasons.
const (
	prime         = 10_000_019 // ids below it are hit once each
	stride        = 7919
	header        = "member_id,amount,reason\n"
	defaultAmount = 1000
	defaultReason = "Spring campaign"
)

// MostMembers is the most members that a list can have.
const MostMembers = prime - 1

// memberAt is the member of line i, beginning with 0.
func memberAt(i int) string { return "M" + strconv.Itoa(10_000_000+i*stride%prime) }

// amountAt is the amount on line i; 0: none stands there, and the event's own is for it.
func amountAt(i int) int64 {
	if i%3 != 0 {
		return 0
	}
	return int64(100 * (1 + i%25))
}

// appendLine appends line i as it stands in the file, without its end.
func appendLine(b []byte, i int) []byte {
	b = append(append(b, memberAt(i)...), ',')
	if a := amountAt(i); a > 0 {
		b = strconv.AppendInt(b, a, 10)
	}
	return append(b, ',')
}

// writeList writes the member list of n members.
func writeList(path string, n int) (err error) {
	f, err := os.Create(path) //nolint:gosec // a path of our own making
	if err != nil {
		return fmt.Errorf("write member list: %w", err)
	}
	defer func() { err = closeAll(err, f) }()
	w := bufio.NewWriterSize(f, 1<<16)
	line := []byte(header)
	for i := range n {
		line = append(appendLine(line, i), '\n')
		if _, err := w.Write(line); err != nil {
			return fmt.Errorf("write member list: %w", err)
		}
		line = line[:0]
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("write member list: %w", err)
	}
	return nil
}

// known is every second member of n, in order: those whom the ledger has seen before.
func known(n int) []string {
	list := make([]string, 0, (n+1)/2)
	for i := 0; i < n; i += 2 {
		list = append(list, memberAt(i))
	}
	slices.Sort(list)
	return list
}
