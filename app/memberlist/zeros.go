package memberlist

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"bestow/domain"
)

// zeros are the accepted ids of digits alone, by their length: a spreadsheet takes such an id for a number and removes
// the zeros at its beginning, and what is left may be the id of another member, or of none.
type zeros [domain.MaxMemberID + 1]struct {
	led   digitIDs // that begin with 0
	plain digitIDs
}

// digitIDs counts ids and keeps the first ones.
type digitIDs struct {
	count int
	first []digitID
}

type digitID struct {
	line   int64
	member string
}

const (
	// keptDigitIDs says how many ids of each kind and length are compared with the event's members.
	keptDigitIDs = 100
	// lostZeros says how many zeros at most are put before an id to find it as it was.
	lostZeros = 4
)

// look counts the member of an accepted row.
func (z *zeros) look(line int64, member []byte) {
	for _, c := range member {
		if c < '0' || c > '9' {
			return
		}
	}
	ids := &z[len(member)].plain
	if member[0] == '0' {
		ids = &z[len(member)].led
	}
	if ids.count++; len(ids.first) < keptDigitIDs {
		ids.first = append(ids.first, digitID{line, string(member)})
	}
}

// short counts the ids that are shorter than one that begins with 0, and returns the first of those that were kept.
func (z *zeros) short() (count int, first digitID) {
	longest := len(z) - 1
	for longest > 0 && z[longest].led.count == 0 {
		longest--
	}
	for _, ids := range z[:longest] {
		count += ids.plain.count
		for _, id := range ids.plain.first {
			if first.line == 0 || id.line < first.line {
				first = id
			}
		}
	}
	return count, first
}

// twins are pairs of ids that are one id with and without its zeros; the second of each may be a member of the event.
func (z *zeros) twins() (ids []digitID, others []string) {
	for _, kinds := range z {
		for _, id := range kinds.plain.first {
			for n := 1; n <= lostZeros; n++ {
				ids, others = append(ids, id), append(others, strings.Repeat("0", n)+id.member)
			}
		}
		for _, id := range kinds.led.first {
			if other := strings.TrimLeft(id.member, "0"); other != "" {
				ids, others = append(ids, id), append(others, other)
			}
		}
	}
	return ids, others
}

// twinNotices tells each pair once, by the line that comes first.
func twinNotices(ids []digitID, others []string, found []int32) (notices []Notice) {
	slices.SortFunc(found, func(a, b int32) int { return cmp.Compare(ids[a].line, ids[b].line) })
	told := map[string]bool{}
	for _, i := range found {
		id, other := ids[i], others[i]
		if pair := min(id.member, other) + " " + max(id.member, other); !told[pair] && len(notices) < maxNotices {
			told[pair] = true
			notices = append(notices, Notice{Code: domain.SuspiciousMemberID, Line: id.line, Text: fmt.Sprintf(
				"the member_id %q is %q but for zeros at the beginning, which a spreadsheet removes, "+
					"and the event has that too: "+
					"check it before the event starts", id.member, other)})
		}
	}
	return notices
}
