package page

import (
	"strconv"

	"bestow/app/reports"
)

// Place is where a part of the bar lies, in percent of its width.
type Place struct {
	X     string `json:"x"`
	Width string `json:"width"`
}

// Part is a term of the sum.
type Part struct {
	Place

	Key  string // of its live text, its class, and its word
	N    int
	from float64 // where it begins, in percent
}

// leastWidth is the percent of the bar that a part which is not 0 has at least: a person must see it.
const leastWidth = 0.45

// Parts returns the terms of a sum in their fixed order, those of 0 too.
func Parts(s reports.Sum) []Part {
	parts := []Part{
		{Key: "ok", N: s.Granted},
		{Key: "bad", N: s.GivenUp},
		{Key: "wait", N: s.Waiting},
		{Key: "unk", N: s.Unknown},
		{Key: "hand", N: s.InHand},
		{Key: "kafka", N: s.InKafka},
		{Key: "rest", N: s.Unsent},
	}
	at := 0.0
	for i := range parts {
		p := &parts[i]
		width := 0.0
		if s.Total > 0 {
			width = float64(p.N) / float64(s.Total) * 100
		}
		if p.N > 0 {
			width = max(width, leastWidth)
		}
		p.from = at
		p.Place = Place{Percent(at), Percent(width)}
		at += width
	}
	return parts
}

// Percent writes a length in percent.
func Percent(x float64) string { return strconv.FormatFloat(x, 'f', 2, 64) + "%" }
