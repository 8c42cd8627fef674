package money

import (
	"time"
)

// Identity says which ledger this is.
type Identity struct {
	ID           string // a UUID, made with its tables
	Installation string // whose grants it takes, a UUID; "": no installation has been paired with it
	Now          time.Time
}
