package testbed

import (
	"bufio"
	"fmt"
	"io"
)

// MemberID returns the id of the i-th member of every list.
func MemberID(i int) string { return fmt.Sprintf("M%08d", i) }

// WriteList writes a CSV of n members. amountOf returns what stands in the column of the amounts, "" for the default.
func WriteList(w io.Writer, n int, amountOf func(i int) string) error {
	b := bufio.NewWriterSize(w, 64<<10)
	_, err := b.WriteString("member_id,amount\n")
	for i := 0; i < n && err == nil; i++ {
		_, err = fmt.Fprintf(b, "%s,%s\n", MemberID(i), amountOf(i))
	}
	if err == nil {
		err = b.Flush()
	}
	if err != nil {
		return fmt.Errorf("write member list: %w", err)
	}
	return nil
}

// Say prints for people.
func Say(out io.Writer, format string, args ...any) {
	_, _ = fmt.Fprintf(out, format, args...) // an error cannot be reported
}
