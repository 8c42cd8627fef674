package memberlist

import (
	"cmp"
	"fmt"
	"slices"

	"bestow/domain"
	"bestow/internal/english"
)

// suspects are the accepted rows whose member looks like a leftover. At most maxNotices are kept, the first ones by
// line.
type suspects struct {
	found []Notice
	more  int // that were not kept
}

// look keeps a warning if the member of an accepted row is suspicious.
func (s *suspects) look(line int64, member string) {
	why := cmp.Or(domain.SuspiciousMember(member), garbled(member))
	if why == "" {
		return
	}
	w := Notice{
		Code: domain.SuspiciousMemberID, Line: line,
		Text: fmt.Sprintf("the member_id %q %s: check it before the event starts", member, why),
	}
	at, _ := slices.BinarySearchFunc(s.found, w, func(a, b Notice) int { return cmp.Compare(a.Line, b.Line) })
	s.found = slices.Insert(s.found, at, w)
	if len(s.found) > maxNotices {
		s.found = s.found[:maxNotices]
		s.more++
	}
}

// Notices returns what was found, and one more that counts the rest.
func (s *suspects) Notices() []Notice {
	if s.more == 0 {
		return s.found
	}
	return append(s.found, Notice{
		Code: domain.SuspiciousMemberID,
		Text: english.Count(s.more, "more row") + " like that",
	})
}
