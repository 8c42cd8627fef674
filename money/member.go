package money

import (
	"time"
)

// Member holds what a member has. A member that no movement knows has nothing.
type Member struct {
	MemberID string
	Balance  int64 // what can be spent now: open lots less Owed; it may be negative
	Owed     int64
	Expiring []Expiring // the next instants at which points expire, at most 12
}

// Expiring holds what expires at one instant.
type Expiring struct {
	ExpiryAt time.Time
	Amount   int64
}

// HistoryQuery asks for one page of a member's history.
type HistoryQuery struct {
	MemberID string
	Before   string       // the last transaction id of the page before; "" for the newest page
	From, To *time.Time   // created at or after From, before To; nil for no bound
	Kind     MovementKind // "" for all
	Limit    int          // 1 to MaxPage; 0 for 100
}

// MaxPage is the most movements of a page.
const MaxPage = 1000
