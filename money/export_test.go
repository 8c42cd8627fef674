package money

// The statements whose plans are tested.
const (
	LotsBySaveSQL   = lotsBySaveSQL
	LotsByExpirySQL = lotsByExpirySQL
	WriteSQL        = writeSQL
	ListPlanSQL     = listPlanSQL
	ListSQL         = listSQL
)

// ExpiryOf is when points expire that are saved by p at now.
var ExpiryOf = (*Policy).expiry

// ListAtMost bounds how many lots l lists at once.
func ListAtMost(l *Ledger, n int) { l.listChunk = n }
