package checks

import (
	"slices"

	"bestow/app/memberlist"
	"bestow/domain"
)

// What is unusual in the lists of an event, beside what the imports noticed.
const (
	SumUnusual    domain.Code = "sum_unusual"       // the sum is over Times the median sum of events of the type
	AmountUnusual domain.Code = "amount_unusual"    // the largest amount is over Times the largest of events of the type
	Dominates     domain.Code = "amount_dominates"  // one member gets half of the sum, or more
	StandsOut     domain.Code = "amount_stands_out" // the largest amount is Outlier times the median, or more
	Duplicates    domain.Code = "duplicate_rows"    // rows named a member that had one before them
)

const (
	// Times is how many times the usual is unusual.
	Times = 3
	// Outlier is how many times the median amount stands out of a list.
	Outlier = 100
	// leastBefore is the least number of earlier events that say what is usual.
	leastBefore = 3
	// leastRows is the least number of members of whom one can get too large a part.
	leastRows = 10
)

// passing are notices about the moment of the import: the event's page says whether they still hold.
var passing = []domain.Code{domain.Missed, domain.Expired}

// list is what an import found.
type list struct {
	id      int64
	facts   *memberlist.Facts // nil: an import of a version that did not keep them
	notices []notice
}

// notice is a warning of an import.
type notice struct {
	Code domain.Code `json:"code"`
	Text string      `json:"text"`
}

// usual holds what the last events of the type granted.
type usual struct {
	events int   // how many
	sum    int64 // the median of their sums
	most   int64 // the largest amount of a member; 0: not known
}

// amountsOf returns what is unusual in the amounts and the rows of an event's lists.
func amountsOf(e domain.Event, lists []list, u usual) (all []Finding) {
	total, duplicates, known := sumOf(lists)
	before := u.events >= leastBefore
	if before && e.TotalAmount/Times > u.sum {
		all = append(all, Finding{Code: SumUnusual, Value: e.TotalAmount, Usual: u.sum})
	}
	if before && u.most > 0 && total.Max/Times > u.most {
		all = append(all, Finding{Code: AmountUnusual, Value: total.Max, Usual: u.most})
	}
	if known {
		median := medianOf(total)
		switch {
		case total.Rows >= leastRows && total.Max >= total.Sum-total.Max:
			all = append(all, Finding{Code: Dominates, Value: total.Max, Usual: total.Sum})
		case total.Max/Outlier >= median:
			all = append(all, Finding{Code: StandsOut, Value: total.Max, Usual: median})
		}
	}
	if duplicates > 0 {
		all = append(all, Finding{Code: Duplicates, Count: duplicates})
	}
	for i := range all { // they compare all lists: of others with the same numbers they are others
		all[i].list = newest(lists)
	}
	return all
}

func newest(lists []list) (id int64) {
	for _, l := range lists {
		id = max(id, l.id)
	}
	return id
}

// sumOf adds the lists up, with their duplicate rows; known is false if nothing is known of one of them.
func sumOf(lists []list) (total memberlist.Facts, duplicates int, known bool) {
	known = true
	for _, l := range lists {
		if l.facts == nil {
			known = false
			continue
		}
		add(&total, *l.facts)
		duplicates += l.facts.Duplicates()
	}
	return total, duplicates, known
}

// add adds the facts of a list to those of others.
func add(total *memberlist.Facts, f memberlist.Facts) {
	if total.Rows == 0 {
		total.Min = f.Min
	}
	total.Rows += f.Rows
	total.Sum += f.Sum
	total.Min, total.Max = min(total.Min, f.Min), max(total.Max, f.Max)
	for n, rows := range f.Buckets {
		total.Buckets[n] += rows
	}
}

// medianOf returns an amount that half of the rows do not pass: the end of the power of two that the median lies in.
func medianOf(f memberlist.Facts) int64 {
	half := 0
	for n, rows := range f.Buckets {
		if half += int(rows); n > 0 && half*2 >= f.Rows {
			return min(int64(1)<<(n-1)-1+int64(1)<<(n-1), f.Max)
		}
	}
	return f.Max
}

// noticesOf adds up what the imports noticed, by code, in the order in which it was noticed.
func noticesOf(lists []list) (all []Finding) {
	for _, l := range lists {
		for _, n := range l.notices {
			if slices.Contains(passing, n.Code) {
				continue
			}
			at := slices.IndexFunc(all, func(f Finding) bool { return f.Code == n.Code })
			if at < 0 {
				at = len(all)
				all = append(all, Finding{Code: n.Code, Text: n.Text})
			}
			all[at].Count++
			all[at].list = max(all[at].list, l.id)
		}
	}
	return all
}
