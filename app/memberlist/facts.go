package memberlist

import (
	"cmp"
	"maps"
	"math/bits"
	"slices"

	"bestow/domain"
)

const (
	// MaxDistinct is the most different amounts that are counted one by one: with their counts they take 3 MiB.
	MaxDistinct = 65_536
	// MaxCommonest is the most amounts that Facts names.
	MaxCommonest = 10
	// MaxSamples is the most rejected rows of a code that Facts names.
	MaxSamples = 5
)

// Facts holds what one pass over a list found.
type Facts struct {
	Rows     int   // accepted
	Sum      int64 // of the amounts of the accepted rows, like all below
	Min, Max int64
	// Distinct is the number of different amounts; 0: more than MaxDistinct.
	Distinct int
	// Buckets counts rows by the bit length of their amount: Buckets[n] those from 2^(n-1) to 2^n - 1.
	Buckets [64]int32
	// Commonest are the amounts that most rows have, at most MaxCommonest. Of more than MaxDistinct amounts it knows
	// those that came first in the order of the targets.
	Commonest []AmountRows
	Rejected  []RejectedCode // by code
}

// AmountRows says how many rows have an amount.
type AmountRows struct {
	Amount int64 `json:"amount"`
	Rows   int   `json:"rows"`
}

// RejectedCode says how many rows were rejected with a code.
type RejectedCode struct {
	Code  domain.Code `json:"error_code"`
	Rows  int         `json:"rows"`
	Lines []int64     `json:"lines"` // of the first of them, at most MaxSamples
}

// Range is the amounts from From to To, both included, and how many accepted rows have one of them.
type Range struct {
	From, To int64
	Rows     int
}

// Histogram returns the rows by powers of two, from the range of the least amount to that of the most.
func (f Facts) Histogram() []Range {
	first, last := bits.Len64(uint64(f.Min)), bits.Len64(uint64(f.Max))
	ranges := make([]Range, 0, last-first+1)
	for n := first; n <= last; n++ {
		from := int64(1) << (n - 1)
		ranges = append(ranges, Range{From: from, To: from - 1 + from, Rows: int(f.Buckets[n])})
	}
	return ranges
}

// Mean returns the mean amount, rounded to a whole unit.
func (f Facts) Mean() int64 {
	rows := int64(f.Rows)
	mean := f.Sum / rows
	if rest := f.Sum % rows; rest >= rows-rest {
		mean++
	}
	return mean
}

// Duplicates returns how many rows were rejected for a member that the file has already.
func (f Facts) Duplicates() int {
	for _, r := range f.Rejected {
		if r.Code == domain.DuplicateMember {
			return r.Rows
		}
	}
	return 0
}

// Amounts counts the amounts of accepted rows. Its zero value is ready.
type Amounts struct {
	sum, least, most int64
	rows             int
	buckets          [64]int32
	counts           map[int64]*int // of the first MaxDistinct amounts; a row costs one look-up
	many             bool           // there are more
}

// Add counts a row.
func (a *Amounts) Add(amount int64) {
	if a.rows == 0 {
		a.least, a.counts = amount, map[int64]*int{}
	}
	a.rows++
	a.sum += amount
	a.least, a.most = min(a.least, amount), max(a.most, amount)
	a.buckets[bits.Len64(uint64(amount))]++
	switch n := a.counts[amount]; {
	case n != nil:
		*n++
	case len(a.counts) < MaxDistinct:
		a.counts[amount] = new(1)
	default:
		a.many = true
	}
}

// Max returns the largest amount; 0 if there is no row.
func (a *Amounts) Max() int64 { return a.most }

// commonest returns the amounts that most rows have, of equals the smaller one first.
func (a *Amounts) commonest() []AmountRows {
	all := make([]AmountRows, 0, len(a.counts))
	for amount, rows := range a.counts {
		all = append(all, AmountRows{amount, *rows})
	}
	slices.SortFunc(all, func(x, y AmountRows) int {
		return cmp.Or(cmp.Compare(y.Rows, x.Rows), cmp.Compare(x.Amount, y.Amount))
	})
	return slices.Clone(all[:min(len(all), MaxCommonest)])
}

// Rejects counts rejected rows by their code.
type Rejects map[domain.Code]RejectedCode

// Add counts a row.
func (r Rejects) Add(code domain.Code, line int64) {
	c := r[code]
	c.Code = code
	c.Rows++
	if at, _ := slices.BinarySearch(c.Lines, line); at < MaxSamples {
		c.Lines = slices.Insert(c.Lines, at, line)
		c.Lines = c.Lines[:min(len(c.Lines), MaxSamples)]
	}
	r[code] = c
}

// FactsOf returns what was counted of a list.
func FactsOf(a *Amounts, rejects Rejects) Facts {
	f := Facts{
		Rows: a.rows, Sum: a.sum, Min: a.least, Max: a.most, Distinct: len(a.counts), Buckets: a.buckets,
		Commonest: a.commonest(), Rejected: slices.AppendSeq([]RejectedCode{}, maps.Values(rejects)),
	}
	if a.many {
		f.Distinct = 0
	}
	slices.SortFunc(f.Rejected, func(x, y RejectedCode) int {
		return cmp.Or(cmp.Compare(y.Rows, x.Rows), cmp.Compare(x.Code, y.Code))
	})
	return f
}
