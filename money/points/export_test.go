package points

// The statements whose plans are tested.
const (
	LotsBySaveSQL   = lotsBySaveSQL
	LotsByExpirySQL = lotsByExpirySQL
	WriteSQL        = writeSQL
	ListPlanSQL     = listPlanSQL
	ListSQL         = listSQL
)

// ListAtMost bounds how many lots l lists at once.
func ListAtMost(l *Lots, n int) { l.listChunk = n }
