package verify

import (
	"bufio"
	"fmt"
	"io"
	"math/big"
	"regexp"
	"strings"
	"time"

	"bestow/internal/english"

	"github.com/jackc/pgx/v5/pgtype"
)

// Write prints the report for people: a line that says what must hold and whether it does, what was compared below it,
// and at the end what it all means.
func (r Report) Write(w io.Writer) error {
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, "%s at %s", english.Count(r.Events, "event"), r.CheckedAt.Format(time.RFC3339))
	if r.Schema != "" {
		fmt.Fprintf(out, ", schema %s", r.Schema)
	}
	fmt.Fprint(out, "\n\n")
	for _, inv := range r.Invariants {
		inv.write(out)
	}
	fmt.Fprintf(out, "\n%s\n", r.Conclusion())
	if err := out.Flush(); err != nil {
		return fmt.Errorf("print report: %w", err)
	}
	return nil
}

func (i Invariant) write(out *bufio.Writer) {
	mark := "✓"
	switch {
	case i.Differences > 0:
		mark = "✗"
	case !i.OK:
		mark = "–"
	}
	fmt.Fprintf(out, "%s %-4s %s\n       %s\n", mark, i.ID, i.Statement, i.Compared)
	for _, gap := range i.NotCompared {
		if i.Checked {
			fmt.Fprintf(out, "       not compared, of %s: %s\n", english.Count(gap.Events, "event"), gap.Why)
		}
	}
	if i.Differences == 0 {
		return
	}
	fmt.Fprintf(out, "       %s:\n", english.Count(i.Differences, "difference"))
	for _, example := range i.Examples {
		fmt.Fprintf(out, "         %s\n", example)
	}
	if more := i.Differences - int64(len(i.Examples)); more > 0 && len(i.Examples) > 0 {
		fmt.Fprintf(out, "         and %s more\n", english.Number(more))
	}
}

// Conclusion says in one sentence what the report means.
func (r Report) Conclusion() string {
	var broken, open []string
	why := ""
	for _, inv := range r.Invariants {
		switch {
		case inv.Differences > 0:
			broken = append(broken, inv.ID)
		case !inv.OK:
			open = append(open, inv.ID)
			if why == "" && len(inv.NotCompared) > 0 {
				why = inv.NotCompared[0].Why
			}
		}
	}
	switch {
	case len(broken) > 0:
		return fmt.Sprintf("✗ %d of %d invariants do not hold: %s. %s", len(broken), len(r.Invariants),
			strings.Join(broken, ", "), r.Totals)
	case len(open) > 0:
		return fmt.Sprintf("✗ not proved: %d of %d invariants hold, not compared: %s: %s. %s",
			len(r.Invariants)-len(open), len(r.Invariants), strings.Join(open, ", "), why, r.Totals)
	}
	return fmt.Sprintf("✓ all %d invariants hold: %s", len(r.Invariants), r.Totals)
}

// String shows the totals side by side: equal ones if every member was granted.
func (t Totals) String() string {
	names, numbers := "targets = published = results", []int64{t.Targets, t.Published, t.Success + t.Fail}
	if t.Ledger != nil && t.Fail == 0 {
		names, numbers = names+" = ledger", append(numbers, *t.Ledger)
	}
	same := true
	texts := make([]string, len(numbers))
	for i, n := range numbers {
		texts[i] = english.Number(n)
		same = same && n == numbers[0]
	}
	if !same {
		return t.parts()
	}
	equation := names + ": " + strings.Join(texts, " = ")
	if t.Fail == 0 {
		return equation
	}
	equation += fmt.Sprintf(", of them %s granted and %s given up", english.Number(t.Success), english.Number(t.Fail))
	if t.Ledger != nil {
		equation += ", ledger " + english.Number(*t.Ledger)
	}
	return equation
}

// parts shows the totals where they are not equal, because events still run or something is wrong.
func (t Totals) parts() string {
	text := fmt.Sprintf("%s, %s published, %s granted, %s given up", english.Count(t.Targets, "target"),
		english.Number(t.Published), english.Number(t.Success), english.Number(t.Fail))
	if t.Ledger != nil {
		text += ", " + english.Number(*t.Ledger) + " in the ledger"
	}
	return text
}

// measures hold what a statement compared, by column. Sums of amounts and hashes pass int64.
type measures map[string]*big.Int

// add adds a column's value: of several types, numbers and order-independent hashes add up alike.
func (m measures) add(column string, value any) error {
	n := new(big.Int)
	switch v := value.(type) {
	case nil: // the sum of nothing
	case int64:
		n.SetInt64(v)
	case pgtype.Numeric:
		if v.Valid && v.Exp >= 0 {
			n.Mul(v.Int, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(v.Exp)), nil))
		}
	default:
		return fmt.Errorf("read %s: a %T is no number", column, value)
	}
	if sum, ok := m[column]; ok {
		n.Add(n, sum)
	}
	m[column] = n
	return nil
}

// get is a column's value, 0 if nothing was measured.
func (m measures) get(column string) int64 {
	if n, ok := m[column]; ok {
		return n.Int64()
	}
	return 0
}

var (
	// measureSlot is {column} for its number, or {column noun} for so many things.
	measureSlot   = regexp.MustCompile(`\{([a-z_]+)(?: ([A-Za-z ]+))?\}`)
	measureOption = regexp.MustCompile(`\[[^\]]*\]`)
)

// fill puts the numbers into an invariant's text.
func (m measures) fill(text string) string {
	text = measureOption.ReplaceAllStringFunc(text, func(part string) string {
		for _, slot := range measureSlot.FindAllStringSubmatch(part, -1) {
			if m.get(slot[1]) != 0 {
				return part[1 : len(part)-1]
			}
		}
		return ""
	})
	return measureSlot.ReplaceAllStringFunc(text, func(slot string) string {
		column, noun, counts := strings.Cut(strings.Trim(slot, "{}"), " ")
		if !counts {
			return m.text(column)
		}
		if m.get(column) != 1 {
			noun = english.Plural(noun)
		}
		return m.text(column) + " " + noun
	})
}

func (m measures) text(column string) string {
	n, ok := m[column]
	if !ok {
		n = new(big.Int)
	}
	if strings.HasSuffix(column, "_hash") {
		modulus := new(big.Int).Lsh(big.NewInt(1), 64)
		return fmt.Sprintf("%016x", new(big.Int).Mod(n, modulus))
	}
	return english.Group(n.String())
}
