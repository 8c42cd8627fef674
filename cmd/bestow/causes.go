package main

import (
	"strings"

	"bestow/app"
	"bestow/http/api"
)

// causes remembers what was said of why an event waits, so that each cause is told once and in full.
type causes struct{ said string }

// news returns in words what the event waits for, if that is something else than the last time; changed reports that. No text:
// the event goes on.
func (c *causes) news(reasons []api.Reason) (text string, changed bool) {
	same := sameCause(reasons)
	if same == c.said {
		return "", false
	}
	c.said = same
	if len(reasons) == 0 {
		return "", true
	}
	return reasonTexts(reasons), true
}

// sameCause is equal for reasons that tell a person the same. The next retry comes later again and again.
func sameCause(reasons []api.Reason) string {
	var same strings.Builder
	for _, r := range reasons {
		if r.Code == app.RetryWaits {
			r.Text = ""
		}
		same.WriteString(r.Code + ": " + r.Text + "\n")
	}
	return same.String()
}

// reasonTexts joins what is waited for, each by its code and in words; "-" for nothing.
func reasonTexts(reasons []api.Reason) string {
	if len(reasons) == 0 {
		return "-"
	}
	texts := make([]string, len(reasons))
	for i, r := range reasons {
		texts[i] = r.Code + ": " + r.Text
	}
	return strings.Join(texts, "; ")
}

// reasonCodes joins the codes of what is waited for; "-" for nothing.
func reasonCodes(reasons []api.Reason) string {
	if len(reasons) == 0 {
		return "-"
	}
	codes := make([]string, len(reasons))
	for i, r := range reasons {
		codes[i] = r.Code
	}
	return strings.Join(codes, ",")
}
