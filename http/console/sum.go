package console

import (
	"strconv"

	"bestow/app/reports"
	"bestow/domain"
)

// barPart is where a part of the bar lies, in percent of its width.
type barPart struct {
	X     string `json:"x"`
	Width string `json:"width"`
}

// part is a term of the sum.
type part struct {
	barPart

	key  string // of its live text, its class, and its word
	n    int
	from float64 // where it begins, in percent
}

// leastWidth is the percent of the bar that a part which is not 0 has at least: a person must see it.
const leastWidth = 0.45

// partsOf returns the terms of a sum in their fixed order, those of 0 too.
func partsOf(s reports.Sum) []part {
	parts := []part{
		{key: "ok", n: s.Granted},
		{key: "bad", n: s.GivenUp},
		{key: "wait", n: s.Waiting},
		{key: "unk", n: s.Unknown},
		{key: "hand", n: s.InHand},
		{key: "kafka", n: s.InKafka},
		{key: "rest", n: s.Unsent},
	}
	at := 0.0
	for i := range parts {
		p := &parts[i]
		width := 0.0
		if s.Total > 0 {
			width = float64(p.n) / float64(s.Total) * 100
		}
		if p.n > 0 {
			width = max(width, leastWidth)
		}
		p.from = at
		p.barPart = barPart{percent(at), percent(width)}
		at += width
	}
	return parts
}

func percent(x float64) string { return strconv.FormatFloat(x, 'f', 2, 64) + "%" }

// summarySum is the sum of a campaign in a list, which knows its summary alone: what is sent and not settled is told as
// in Kafka.
func summarySum(e domain.Event) reports.Sum {
	s := reports.Sum{Total: e.TotalCount, Granted: e.Summary.Success, GivenUp: e.Summary.Fail}
	s.Unsent = max(0, min(e.TotalCount-e.Summary.Published, s.Left()))
	s.InKafka = s.Left() - s.Unsent
	return s
}
