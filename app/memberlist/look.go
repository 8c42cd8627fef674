package memberlist

import (
	"fmt"
	"slices"

	"bestow/domain"
)

// maxNotices says how many rows of one kind are told one by one.
const maxNotices = 100

// Look finds what is suspicious in the accepted rows of a list: leftovers, text in a wrong encoding, and ids that a
// spreadsheet took for numbers. Its zero value is ready.
type Look struct {
	suspects suspects
	zeros    zeros
	rounded  rounded
	reasons  garbledReasons
}

// Add looks at an accepted row.
func (l *Look) Add(line int64, member, reason []byte) {
	l.suspects.look(line, string(member))
	l.zeros.look(line, member)
	l.rounded.look(line, member)
	l.reasons.look(line, reason)
}

// Notices returns all that was found, with lost, the notices of [Look.LostZeros], which needs the other members of the
// event.
func (l *Look) Notices(lost []Notice) []Notice {
	return slices.Concat(l.suspects.Notices(), lost, l.rounded.Notices(), l.reasons.Notices())
}

// Pairs are ids of the list, each with another one from which it differs by zeros at the beginning.
type Pairs struct {
	Others []string // may be members of the event

	ids []digitID
}

// Pairs returns the pairs to look for among the event's members. hasMembers is whether it had some before the list:
// with none, and no id that may have lost its zeros, there are no pairs.
func (l *Look) Pairs(hasMembers bool) Pairs {
	if count, _ := l.zeros.short(); count == 0 && !hasMembers {
		return Pairs{}
	}
	ids, others := l.zeros.twins()
	return Pairs{others, ids}
}

// LostZeros returns notices of ids that may have lost the zeros at their beginning: found has the numbers of those
// pairs whose other id is a member of the event.
func (l *Look) LostZeros(p Pairs, found []int32) []Notice {
	notices := twinNotices(p.ids, p.Others, found)
	if count, first := l.zeros.short(); count > len(notices) {
		notices = append(notices, Notice{Code: domain.SuspiciousMemberID, Text: fmt.Sprintf(
			"%d member_ids are digits alone and shorter than those that begin with 0, such as %q on line %d: "+
				"a spreadsheet removes the zeros "+
				"at the beginning of a number; check them before the event starts", count, first.member, first.line)})
	}
	return notices
}
