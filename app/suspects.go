package app

import (
	"cmp"
	"fmt"
	"slices"

	"bestow/domain"
	"bestow/internal/english"
)

// suspects are the accepted rows whose member looks like a leftover. At most maxShown are kept, the first ones by line.
type suspects struct {
	found []Warning
	more  int // that were not kept
}

// look keeps a warning if the member of an accepted row is suspicious.
func (s *suspects) look(line int64, member string) {
	why := cmp.Or(domain.SuspiciousMember(member), garbled(member))
	if why == "" {
		return
	}
	w := Warning{Code: domain.SuspiciousMemberID, Line: line, Text: fmt.Sprintf("the member_id %q %s: check it before the event starts", member, why)}
	at, _ := slices.BinarySearchFunc(s.found, w, func(a, b Warning) int { return cmp.Compare(a.Line, b.Line) })
	s.found = slices.Insert(s.found, at, w)
	if len(s.found) > maxShown {
		s.found = s.found[:maxShown]
		s.more++
	}
}

// warnings returns what was found, and one more that counts the rest.
func (s *suspects) warnings() []Warning {
	if s.more == 0 {
		return s.found
	}
	return append(s.found, Warning{Code: domain.SuspiciousMemberID, Text: english.Count(s.more, "more row") + " like that"})
}
