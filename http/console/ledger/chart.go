package ledger

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"bestow/app/ledger"
)

// The chart's drawing: its width, and where its highest and its lowest value lie.
const (
	chartWidth  = 600
	chartTop    = 8
	chartBottom = 120
	gap         = 2 // between two bars
)

const (
	leastMonths = 12 // that the chart of months shows, also if the last of them have nothing
	mostMonths  = 61 // of a forecast: this one and five years
	marks       = 5  // names that stand under a chart
	monthLayout = "2006-01"
)

// bar is what expires on a day or in a month, as it is drawn.
type bar struct {
	ledger.Period

	x, y, width, height string
	highest             bool
}

// DayBars draws the days of the forecast; none if nothing expires on any of them.
func (v ledgerView) DayBars() []bar {
	var names []string
	if v.CountedAt != nil {
		first := v.CountedAt.In(v.Zones[0].Location) // the ledger's days are those of the installation
		for n := range ledger.ForecastDays {
			names = append(names, first.AddDate(0, 0, n).Format(time.DateOnly))
		}
	}
	return barsOf(names, v.Days)
}

// MonthBars draws the months of the forecast, a year or as many as have something; none if nothing expires.
func (v ledgerView) MonthBars() []bar {
	if v.CountedAt == nil || len(v.Months) == 0 {
		return nil
	}
	at := v.CountedAt.In(v.Zones[0].Location)
	first := time.Date(at.Year(), at.Month(), 1, 0, 0, 0, 0, time.UTC)
	last := v.Months[len(v.Months)-1].Name
	var names []string
	for n := 0; n < leastMonths || n < mostMonths && names[n-1] < last; n++ {
		names = append(names, first.AddDate(0, n, 0).Format(monthLayout))
	}
	return barsOf(names, v.Months)
}

// barsOf draws a bar for each name, whose sums stand in all; none if all of them are 0.
func barsOf(names []string, all []ledger.Period) []bar {
	sums, most := map[string]ledger.Sum{}, int64(0)
	for _, p := range all {
		sums[p.Name] = p.Sum
		most = max(most, p.Points)
	}
	if most == 0 {
		return nil
	}
	bars := make([]bar, len(names))
	step := float64(chartWidth) / float64(len(names))
	for n, name := range names {
		sum := sums[name]
		height := float64(sum.Points) / float64(most) * (chartBottom - chartTop)
		if sum.Points > 0 {
			height = max(height, 1) // what is little is seen
		}
		bars[n] = bar{
			Period: ledger.Period{Name: name, Sum: sum}, highest: sum.Points == most,
			x: coordinate(float64(n) * step), width: coordinate(step - gap),
			y: coordinate(chartBottom - height), height: coordinate(height),
		}
	}
	return bars
}

func coordinate(x float64) string { return strconv.FormatFloat(x, 'f', 1, 64) }

// highest returns the first of the bars that is as high as any.
func highest(bars []bar) bar {
	return slices.MaxFunc(bars, func(a, b bar) int { return cmp.Compare(a.Points, b.Points) })
}

// marksOf returns the names that stand under a chart, from its first to its last bar.
func marksOf(bars []bar) (names []string) {
	for n := range min(marks, len(bars)) {
		names = append(names, bars[n*(len(bars)-1)/(min(marks, len(bars))-1)].Name)
	}
	return names
}

// Soon returns what expires within so many days, the day of the count among them.
func (v ledgerView) Soon() (sum ledger.Sum) {
	bars := v.DayBars()
	for _, b := range bars[:min(soonDays, len(bars))] {
		sum.Lots, sum.Points = sum.Lots+b.Lots, sum.Points+b.Points
	}
	return sum
}

// soonDays are the days of Soon.
const soonDays = 30
