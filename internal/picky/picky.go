// Package picky decides which members a ledger of a demo or a harness refuses: some for now, a few for good, as real
// ledgers do. The decision follows only from the member's id and the try. So the list alone determines the results,
// even if processes were killed meanwhile.
package picky

import "hash/crc32"

// Kind says how a ledger treats a member.
type Kind int

// The kinds of members.
const (
	Easy     Kind = iota // granted
	Busy                 // refused for now at the first try, then granted
	Closed               // refused for good
	Reopened             // refused for good at the first try; granted when a person asks again
)

// Of returns the kind of a member: of a thousand, ten are Busy, one is Closed and one Reopened.
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
