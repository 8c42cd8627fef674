package words

import (
	"strings"
	"time"
)

// Span writes a time in its two largest units. A second is the least.
func (w Words) Span(d time.Duration) string {
	d = d.Round(time.Second)
	days, hours, minutes, seconds := int(d.Hours())/24, int(d.Hours())%24, int(d.Minutes())%60, int(d.Seconds())%60
	units := []struct {
		n    int
		text string
	}{
		{days, "span.days"}, {hours, "span.hours"}, {minutes, "span.minutes"}, {seconds, "span.seconds"},
	}
	for i, u := range units {
		if u.n == 0 && i < len(units)-1 {
			continue
		}
		text := w.T(u.text, u.n)
		if i+1 < len(units) && units[i+1].n > 0 {
			text += " " + w.T(units[i+1].text, units[i+1].n)
		}
		return text
	}
	return ""
}

// Left writes how long something will still take: to 5 seconds over two minutes, to the minute over an hour, since a
// forecast knows no more.
func (w Words) Left(d time.Duration) string {
	switch {
	case d > time.Hour:
		d = d.Round(time.Minute)
	case d > 2*time.Minute:
		d = d.Round(5 * time.Second)
	}
	return w.Span(d)
}

// Shape says how much of a moment is shown.
type Shape string

// The shapes.
const (
	Clock  Shape = "t"    // 10:42:16
	Minute Shape = "hm"   // 10:42
	Brief  Shape = "dt"   // 03-19 10:42
	Exact  Shape = "dts"  // 03-19 10:42:16
	Day    Shape = "d"    // 2026-03-19
	Whole  Shape = "full" // 2026-03-19 10:42:16
)

var layouts = map[Shape]string{
	Clock: "15:04:05", Minute: "15:04", Brief: "01-02 15:04", Exact: "01-02 15:04:05", Day: time.DateOnly,
	Whole: time.DateTime,
}

// Zone is a time zone in which the console shows moments.
type Zone struct {
	*time.Location

	Name string // as people call it: KST
}

// UTC is the zone of logs.
var UTC = Zone{time.UTC, "UTC"}

// ZoneOf returns the zone with the IANA name; "" is Asia/Seoul, which is called KST.
func ZoneOf(name string) (Zone, error) {
	if name == "" {
		name = "Asia/Seoul"
	}
	l, err := time.LoadLocation(name)
	if err != nil {
		return Zone{}, err
	}
	short, _ := time.Now().In(l).Zone()
	if strings.ContainsAny(short, "+-0123456789") { // the zone has no letters
		short = name
	}
	return Zone{l, short}, nil
}

// Format writes a moment in the zone. One of another year than now has the year.
func (z Zone) Format(t, now time.Time, s Shape) string {
	t = t.In(z.Location)
	if (s == Brief || s == Exact) && t.Year() != now.In(z.Location).Year() {
		return t.Format("2006-" + layouts[s])
	}
	return t.Format(layouts[s])
}
