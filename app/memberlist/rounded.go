package memberlist

import (
	"fmt"

	"bestow/domain"
)

// keptDigits says how many digits of a number a spreadsheet keeps. It writes 0 for each that follows.
const keptDigits = 15

// rounded counts the accepted ids of digits alone that are longer than keptDigits.
type rounded struct {
	all   int
	cut   int // of all: those with zeros only behind keptDigits
	zeros int // of those that are cut: how many, which by chance would be 0 one time in ten each
	first digitID
}

// look counts the member of an accepted row.
func (r *rounded) look(line int64, member []byte) {
	if len(member) <= keptDigits || member[0] == '0' { // one that begins with 0 was never a number
		return
	}
	cut := true
	for i, c := range member {
		if c < '0' || c > '9' {
			return
		}
		cut = cut && (i < keptDigits || c == '0')
	}
	r.all++
	if !cut {
		return
	}
	r.cut++
	r.zeros += len(member) - keptDigits
	if r.first.line == 0 || line < r.first.line {
		r.first = digitID{line, string(member)}
	}
}

// Notices returns a warning if nearly all of the ids end in zeros, more often than by chance.
func (r *rounded) Notices() []Notice {
	const enough = 3 // zeros: one list in a thousand has them by chance
	if r.zeros < enough || r.cut*10 < r.all*9 {
		return nil
	}
	return []Notice{{Code: domain.SuspiciousMemberID, Text: fmt.Sprintf(
		"%d of %d member_ids of more than %d digits have zeros from digit %d on, such as %q on line %d: "+
			"a spreadsheet keeps %[3]d digits of a number, and what it writes may be the id of another member; "+
			"export the list again with the column as text",
		r.cut, r.all, keptDigits, keptDigits+1, r.first.member, r.first.line)}}
}
