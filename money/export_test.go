package money

// The statements whose plans are tested.
const (
	LotsBySaveSQL   = lotsBySaveSQL
	LotsByExpirySQL = lotsByExpirySQL
	WriteSQL        = writeSQL
	ListPlanSQL     = listPlanSQL
	ListSQL         = listSQL
)
