package app

import (
	"fmt"
	"math/big"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5/pgtype"
)

// measures are what a statement compared, by column. Sums of amounts and hashes pass int64.
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
	measureSlot   = regexp.MustCompile(`\{[a-z_]+\}`)
	measureOption = regexp.MustCompile(`\[[^\]]*\]`)
)

// fill puts the numbers into an invariant's text.
func (m measures) fill(text string) string {
	text = measureOption.ReplaceAllStringFunc(text, func(part string) string {
		for _, slot := range measureSlot.FindAllString(part, -1) {
			if m.get(strings.Trim(slot, "{}")) != 0 {
				return part[1 : len(part)-1]
			}
		}
		return ""
	})
	return measureSlot.ReplaceAllStringFunc(text, func(slot string) string { return m.text(strings.Trim(slot, "{}")) })
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
	return thousands(n.String())
}

// thousands separates the digits of an integer: 1,234,567.
func thousands(digits string) string {
	sign, digits := "", digits
	if strings.HasPrefix(digits, "-") {
		sign, digits = "-", digits[1:]
	}
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	return sign + b.String()
}
