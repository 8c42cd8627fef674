package domain

import "strings"

const (
	maskEnds  = 2 // the characters that are shown at each end
	maskStars = 6 // the least number of stars between them
)

// MaskMember hides a member's id from those who may not see it: its first two and last two characters stay, with six
// stars or more between them. Of an id of fewer than eight characters nothing stays.
func MaskMember(id string) string {
	text := []rune(id)
	if len(text) < 2*(maskEnds+maskEnds) {
		return strings.Repeat("*", maskStars)
	}
	stars := max(maskStars, len(text)-2*maskEnds)
	return string(text[:maskEnds]) + strings.Repeat("*", stars) + string(text[len(text)-maskEnds:])
}
