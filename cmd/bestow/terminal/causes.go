package terminal

import (
	"strings"

	"bestow/app/reports"
	"bestow/http/api"
)

// Causes remembers the last reasons that were told, so that each cause is told once and in full.
type Causes struct{ said string }

// News returns in words what the event waits for, and whether that has changed since the last call. The text is empty
// if the event goes on.
func (c *Causes) News(reasons []api.Reason) (text string, changed bool) {
	same := SameCause(reasons)
	if same == c.said {
		return "", false
	}
	c.said = same
	if len(reasons) == 0 {
		return "", true
	}
	return ReasonSentences(reasons), true
}

// SameCause returns a text that is equal for reasons that say the same to a person. The time of the next retry does not
// count; that it is late does.
func SameCause(reasons []api.Reason) string {
	var same strings.Builder
	for _, r := range reasons {
		if r.Code == reports.RetryWaits {
			r.Text = serverTime.ReplaceAllString(r.Text, "")
		}
		same.WriteString(r.Code + ": " + r.Text + "\n")
	}
	return same.String()
}

// ReasonTexts joins reasons, each by its code and in words; "-" for none.
func ReasonTexts(reasons []api.Reason) string {
	if len(reasons) == 0 {
		return "-"
	}
	texts := make([]string, len(reasons))
	for i, r := range reasons {
		texts[i] = r.Code + ": " + r.Text
	}
	return strings.Join(texts, "; ")
}

// ReasonSentences joins reasons in words alone.
func ReasonSentences(reasons []api.Reason) string {
	texts := make([]string, len(reasons))
	for i, r := range reasons {
		texts[i] = r.Text
	}
	return strings.Join(texts, "; ")
}

// ReasonCodes joins the codes of reasons; "-" for none.
func ReasonCodes(reasons []api.Reason) string {
	if len(reasons) == 0 {
		return "-"
	}
	codes := make([]string, len(reasons))
	for i, r := range reasons {
		codes[i] = r.Code
	}
	return strings.Join(codes, ",")
}
