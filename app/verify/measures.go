package verify

import (
	"fmt"
	"math/big"
	"regexp"
	"strings"

	"bestow/internal/english"

	"github.com/jackc/pgx/v5/pgtype"
)

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
