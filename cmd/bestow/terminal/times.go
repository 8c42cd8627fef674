package terminal

import (
	"regexp"
	"time"
)

// Zone returns where people read their clocks: BESTOW_TIME_ZONE.
func (t *Terminal) Zone() (*time.Location, error) {
	name := t.Env("BESTOW_TIME_ZONE")
	if name == "" {
		name = "Asia/Seoul"
	}
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		return nil, Usage("BESTOW_TIME_ZONE is %q: it must be a name such as Asia/Seoul", name)
	}
	return zone, nil
}

// When shows a moment in a zone, "-" for none.
func When(at *time.Time, zone *time.Location) string {
	if at == nil {
		return "-"
	}
	return at.In(zone).Format("2006-01-02 15:04:05 MST")
}

// serverTime says how the service writes a moment in a sentence.
var serverTime = regexp.MustCompile(`[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z`)

// InZone shows the moments of a sentence of the service in a zone, as all other moments are shown.
func InZone(text string, zone *time.Location) string {
	return serverTime.ReplaceAllStringFunc(text, func(moment string) string {
		at, err := time.Parse(time.RFC3339, moment)
		if err != nil {
			return moment // digits that are no moment
		}
		return When(&at, zone)
	})
}

// ReadTime reads a moment with its zone, or on the clock of zone; nil for "".
func ReadTime(flag, text string, zone *time.Location) (*time.Time, error) {
	if text == "" {
		return nil, nil //nolint:nilnil // no time is no error
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006-01-02 15:04"} {
		at, err := time.ParseInLocation(layout, text, zone)
		if err != nil {
			continue
		}
		if layout != time.RFC3339 && at.Format(layout) != text {
			return nil, Usage("%s is %q: the clocks in %s pass over that time; write it with its offset, "+
				"as 2026-12-31T23:59:59+09:00", flag, text, zone)
		}
		return &at, nil
	}
	return nil, Usage("%s is %q: write a time as 2026-12-31T23:59:59+09:00 or '2026-12-31 23:59:59'", flag, text)
}
