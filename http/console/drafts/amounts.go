package drafts

import (
	"cmp"
	"maps"
	"slices"

	"bestow/app/imports"
	"bestow/app/memberlist"
	"bestow/domain"
)

// amounts are the amounts of all lists of a campaign.
type amounts struct {
	Rows     int
	Sum      int64
	Min, Max int64
	Distinct int // 0: not known
	// Exact holds every amount, where there are few.
	Exact []memberlist.AmountRows
	// Commonest are the amounts that most rows have, where Exact does not hold all of them.
	Commonest []memberlist.AmountRows
	Ranges    []memberlist.Range
}

// Mean returns the mean amount, rounded.
func (a amounts) Mean() int64 { return memberlist.Facts{Sum: a.Sum, Rows: a.Rows}.Mean() }

// amountsOf adds the lists up; nil if there is none, or nothing is known of one.
func amountsOf(lists []imports.Found) *amounts {
	if len(lists) == 0 || slices.ContainsFunc(lists, func(l imports.Found) bool { return l.Facts == nil }) {
		return nil
	}
	a := amounts{Min: lists[0].Facts.Min}
	var ranges memberlist.Facts
	for _, l := range lists {
		f := l.Facts
		a.Rows += f.Rows
		a.Sum += f.Sum
		a.Min, a.Max = min(a.Min, f.Min), max(a.Max, f.Max)
		for n, rows := range f.Buckets {
			ranges.Buckets[n] += rows
		}
	}
	ranges.Min, ranges.Max = a.Min, a.Max
	a.Ranges = ranges.Histogram()
	if len(lists) == 1 { // of several lists, what is common in all together is not always known
		a.Distinct, a.Commonest = lists[0].Facts.Distinct, lists[0].Facts.Commonest
	}
	if rows, whole := eachAmount(lists); whole {
		a.Distinct = len(rows)
		if len(rows) <= memberlist.MaxCommonest {
			a.Exact, a.Commonest = rows, nil
		}
	}
	return &a
}

// eachAmount returns the rows of every amount of the lists. whole is false if a list has more amounts than its facts
// name.
func eachAmount(lists []imports.Found) (all []memberlist.AmountRows, whole bool) {
	rows := map[int64]int{}
	for _, l := range lists {
		if l.Facts.Distinct == 0 || l.Facts.Distinct > len(l.Facts.Commonest) {
			return nil, false
		}
		for _, c := range l.Facts.Commonest {
			rows[c.Amount] += c.Rows
		}
	}
	for _, amount := range slices.Sorted(maps.Keys(rows)) {
		all = append(all, memberlist.AmountRows{Amount: amount, Rows: rows[amount]})
	}
	return all, true
}

// line is a line of the histogram.
type line struct {
	from, to int64
	rows     int
	sum      int64 // 0: not known
	share    float64
}

// lines returns the histogram: each amount, or each range of amounts.
func (a amounts) lines() (all []line) {
	for _, e := range a.Exact {
		all = append(all, line{from: e.Amount, to: e.Amount, rows: e.Rows, sum: e.Amount * int64(e.Rows)})
	}
	if a.Exact == nil {
		for _, r := range a.Ranges {
			all = append(all, line{from: max(r.From, a.Min), to: min(r.To, a.Max), rows: r.Rows})
		}
	}
	most := 1
	for _, l := range all {
		most = max(most, l.rows)
	}
	for i := range all {
		all[i].share = float64(all[i].rows) * 100 / float64(most)
	}
	return all
}

// rejectedCode is how many rows of all lists were rejected for a code, with some of them. Without a code they are those
// of lists that an older version imported, which did not count them by code.
type rejectedCode struct {
	code    domain.Code
	rows    int
	samples []imports.RejectedRow
}

// rejectedByCode adds the lists up, the most rows first, and last those without a code.
func rejectedByCode(lists []imports.Found) []rejectedCode {
	codes := map[domain.Code]rejectedCode{}
	uncounted := 0
	for _, l := range lists {
		if l.Facts == nil {
			uncounted += l.Rejected
			continue
		}
		for _, c := range l.Facts.Rejected {
			r := codes[c.Code]
			r.code, r.rows = c.Code, r.rows+c.Rows
			if room := memberlist.MaxSamples - len(r.samples); room > 0 {
				samples := l.Of(c.Code)
				r.samples = append(r.samples, samples[:min(room, len(samples))]...)
			}
			codes[c.Code] = r
		}
	}
	all := slices.SortedFunc(maps.Values(codes), func(x, y rejectedCode) int {
		return cmp.Or(cmp.Compare(y.rows, x.rows), cmp.Compare(x.code, y.code))
	})
	if uncounted > 0 {
		all = append(all, rejectedCode{rows: uncounted})
	}
	return all
}

// shownRaw is the most characters of a rejected row that a page shows.
const shownRaw = 200

// shortRaw cuts a rejected row.
func shortRaw(raw string) string {
	if runes := []rune(raw); len(runes) > shownRaw {
		return string(runes[:shownRaw]) + "…"
	}
	return raw
}
