package conformance

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Ledger is the one that is tried.
type Ledger struct {
	URL   string // without /money/v1
	Token string
}

// Check is one thing that a ledger must do.
type Check struct {
	Name string
	Must string // what the ledger must do

	run func(*session) error
}

// Checks lists all checks of the four grant routes.
func Checks() []Check {
	return []Check{
		{"replay", "repeat the outcome of a key with the same money_tx_id, and answer in the order asked", (*session).replay},
		{"conflict", "answer conflict to a key that stands for another grant, and say nothing of that grant", (*session).conflict},
		{"twice_in_a_batch", "make the grant of a key once that stands in a batch twice", (*session).twiceInABatch},
		{"mixed_items", "grant the good items of a batch, and refuse the bad ones", (*session).mixedItems},
		{"refused_key", "leave the key of a refused item free", (*session).refusedKey},
		{"lookup", "say of each key whether it stands for a grant, and for which", (*session).lookUp},
		{"deadline", "apply nothing after the earlier of deadline and budget_ms, ever, and still repeat what was granted before", (*session).deadline},
		{"clock", "have a clock that is less than two seconds off", (*session).clock},
		{"lost_answer", "make a grant once whose answer was lost", (*session).lostAnswer},
		{"at_once", "make a grant once that is asked for 16 times at once", (*session).atOnce},
		{"largest_batch", "take 5,000 items, and refuse 5,001 as a whole", (*session).largestBatch},
		{"amounts", "keep amounts up to 10^15 exactly, and refuse what it cannot keep", (*session).amounts},
		{"member_ids", "keep member ids as they are sent", (*session).memberIDs},
		{"exact_keys", "take keys for different that differ in case, in an accent or in width", (*session).exactKeys},
		{"another_ledger", "refuse a request whose Bestow-Ledger is not the ledger_id that GET identity says, if there is that route", (*session).anotherLedger},
		{"form", "answer in application/json, refuse in application/problem+json, and redirect nothing", (*session).form},
		{"token", "refuse what has no token or a wrong one with 401, and apply nothing of it", (*session).token},
		{"vouchers", "give each voucher a code of its own, and repeat code and PIN", (*session).vouchers},
	}
}

// checkBudget is the time that a check may take.
const checkBudget = 2 * time.Minute

// Run tries the ledger. Its error says how the ledger does otherwise than it must.
func (c Check) Run(ctx context.Context, l Ledger) error {
	ctx, cancel := context.WithTimeout(ctx, checkBudget)
	defer cancel()
	s := &session{ctx: ctx, ledger: l, name: strings.ToLower(rand.Text()[:8]), http: &http.Client{
		Transport:     &http.Transport{Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: 16},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	defer s.http.CloseIdleConnections()
	if err := c.run(s); err != nil {
		return fmt.Errorf("the ledger must %s: %w", c.Must, err)
	}
	return nil
}
