package money

import "errors"

// The most items or keys of one call, and the most cancels.
const (
	MaxItems   = 5000
	MaxCancels = 1000
)

// The errors of a call as a whole. After each of them nothing was applied; after any other error it is unknown what
// was: ask again with the same keys.
var (
	// ErrDeadline says that the deadline passed first: nothing of this call will be applied.
	ErrDeadline = errors.New("the deadline has passed: nothing was applied")
	// ErrTooMany says that a call had more than MaxItems items or keys, or more than MaxCancels cancels.
	ErrTooMany = errors.New("too many items in one call")
	// ErrNoMaster says that vouchers need the master key, which this ledger was not given.
	ErrNoMaster = errors.New("vouchers need a master key, and none is configured")
	// ErrBusy says that others changed the member's lots again and again meanwhile: ask again.
	ErrBusy = errors.New("the member's lots changed meanwhile: nothing was applied")
	// ErrOtherInstallation says that the ledger takes the grants of another installation.
	ErrOtherInstallation = errors.New("the ledger takes the grants of another installation")
)
