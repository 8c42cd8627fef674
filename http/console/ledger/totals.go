package ledger

import (
	"time"

	"bestow/app/ledger"
)

// totalName names what a row of the totals is of: a type or a policy, by the key of its heading.
func (v ledgerView) totalName(of string, t ledger.Total) string {
	switch {
	case t.Others:
		return v.T("totals.others")
	case of == "policy.one" && t.Code == "":
		return v.T("totals.no_policy")
	case of == "policy.type_code" && t.Code == ledger.CampaignCode:
		return v.T("totals.campaigns", t.Code)
	case of == "policy.type_code" && t.Code == regrantType:
		return v.T("totals.regrants", t.Code)
	}
	return t.Code
}

// regrantType is the type of what the ledger saves anew for a use that was cancelled.
const regrantType = "RG"

// late is how long after it ran out a lot may expire: the report of verify allows the same (I18).
const late = time.Hour

// ExpiryLate reports whether the expiry is behind: no process expires points, or they are too many for it.
func (v ledgerView) ExpiryLate() bool { return v.Now.Sub(v.Totals.Expiry.Until) > late }
