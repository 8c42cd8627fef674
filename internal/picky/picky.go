// Package picky is the rule by which a ledger of a demo or a harness refuses members, as ledgers do: some for now, a
// few for good. Who it is follows from the member's id and the try alone, so whoever knows the list knows what must
// come out, whatever was killed in between.
package picky

import "hash/crc32"

// Kind is how a ledger treats a member.
type Kind int

// The kinds of members.
const (
	Easy     Kind = iota // granted
	Busy                 // refused for now at the first try, then granted
	Closed               // refused for good
	Reopened             // refused for good at the first try; granted when a person asks again
)

// Of says what kind of member it is: of a thousand ten are Busy, one is Closed and one Reopened.
func Of(member string) Kind {
	switch lot := crc32.ChecksumIEEE([]byte(member)) % 1000; {
	case lot < 10:
		return Busy
	case lot == 10:
		return Closed
	case lot == 11:
		return Reopened
	}
	return Easy
}
