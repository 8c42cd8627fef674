package wire

import "time"

// Prefix says where the money API is.
const Prefix = "/money/v1"

// DefaultBudget is the time that a request may take that does not say how long.
const DefaultBudget = 10 * time.Second

// DefaultPage is the number of movements that a page has where the request does not say.
const DefaultPage = 100

// The headers of the money API.
const (
	HeaderDeadline     = "Bestow-Deadline"
	HeaderInstallation = "Bestow-Installation"
	HeaderLedger       = "Bestow-Ledger"
)

// The capabilities of a ledger. They are wire format: never renamed.
const (
	GrantsPoints   = "points"
	GrantsVouchers = "vouchers"
	Pairs          = "pairing"         // it can be paired with one installation
	RepeatsSecrets = "repeats_secrets" // a replay or a lookup of a voucher has its code and PIN
)

// Identity is the answer to GET /identity.
type Identity struct {
	LedgerID       string    `json:"ledger_id" doc:"the same for ever, also after a restore or a move to another host"`
	InstallationID string    `json:"installation_id,omitzero" doc:"the installation whose grants the ledger takes; absent while it has none"`
	Capabilities   []string  `json:"capabilities" doc:"points, vouchers, pairing, repeats_secrets; unknown ones are to be passed over" nullable:"false"`
	Time           time.Time `json:"time" doc:"the ledger's clock, by which it tells whether a deadline is over"`
}

// Pairing is the body of PUT /pairing.
type Pairing struct {
	InstallationID string `json:"installation_id" doc:"a UUID"`
}
