package campaigns

import (
	"math"
	"strconv"
	"strings"
	"time"

	"bestow/app/reports"
	"bestow/http/console/page"
	"bestow/http/console/words"
)

// The chart's drawing: its width, and where its highest and its lowest value lie.
const (
	chartWidth  = 600
	chartTop    = 8
	chartBottom = 126
)

// marks is how many moments stand under the chart.
const marks = 4

// chart draws how fast a campaign went.
type chart struct {
	line, area string // points
	top        float64
	marks      []time.Time
	shape      words.Shape // of the marks: no two of them look the same
}

// chartOf draws the rates; they must be two or more.
func chartOf(rates []reports.Rate) chart {
	c := chart{top: 1, shape: words.Minute}
	for _, r := range rates {
		c.top = max(c.top, r.PerS)
	}
	c.top = roundUp(c.top)
	points := make([]string, len(rates))
	for i, r := range rates {
		x := float64(i) * chartWidth / float64(len(rates)-1)
		y := chartBottom - r.PerS/c.top*(chartBottom-chartTop)
		points[i] = coordinate(x) + "," + coordinate(y)
	}
	c.line = strings.Join(points, " ")
	c.area = "0," + coordinate(chartBottom) + " " + c.line + " " + coordinate(chartWidth) + "," + coordinate(chartBottom)
	if rates[len(rates)-1].At.Sub(rates[0].At) < marks*time.Minute {
		c.shape = words.Clock
	}
	for i := range min(marks, len(rates)) {
		c.marks = append(c.marks, rates[i*(len(rates)-1)/(min(marks, len(rates))-1)].At)
	}
	return c
}

func coordinate(x float64) string { return strconv.FormatFloat(x, 'f', 0, 64) }

// roundUp returns the next number that is 1, 2 or 5 times a power of ten.
func roundUp(x float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(x)))
	for _, step := range []float64{1, 2, 5} {
		if x <= step*power {
			return step * power
		}
	}
	return 10 * power
}

// perSecond writes a rate.
func perSecond(x float64) string { return words.Count(int64(math.Round(x))) }

// lastRate is the newest rate.
func lastRate(rates []reports.Rate) reports.Rate { return rates[len(rates)-1] }

// mostCells is the most partitions that have a cell of their own; above it, each is a part of a strip.
const mostCells = 16

// heldAfter is how long a message waits before its partition is told to be behind.
const heldAfter = 30

// cell is how far a partition is.
type cell struct {
	reports.Partition

	settled page.Place // of the bar
	rest    page.Place
	class   string
}

func cells(all []reports.Partition) []cell {
	made := make([]cell, len(all))
	for i, p := range all {
		share := float64(p.Settled) / float64(max(p.Total, 1)) * 100
		made[i] = cell{
			Partition: p,
			settled:   page.Place{X: page.Percent(0), Width: page.Percent(share)},
			rest:      page.Place{X: page.Percent(share), Width: page.Percent(100 - share)},
		}
		if p.OldestS > heldAfter {
			made[i].class = "hot"
		}
	}
	return made
}
