package demo

import (
	"context"
	"slices"
	"strings"
	"time"

	"bestow/app"
	"bestow/app/grants"
	"bestow/cmd/bestow/daemon"
	"bestow/domain"
	"bestow/internal/picky"
)

const (
	// demoCampaign begins the campaign ids of the demo's own events: other events are never touched.
	demoCampaign = "demo-"
	// demoBackoff is the wait before a retry in the demo: shorter than usual, since a person watches.
	demoBackoff = 100 * time.Millisecond
)

// played are the beginnings of campaigns whose members may be refused in play: the demo's, and those of a harness,
// whose build has the failpoints.
var played = []string{demoCampaign, "chaos-"}

// PickyLedger refuses some members for now and a few for good, as ledgers do. Who it is follows from the member's id
// and the try alone, so that a demo that is killed and started again is refused the same.
type PickyLedger struct{ grants.Granter }

// Grant asks the ledger for those who are not refused.
func (p PickyLedger) Grant(ctx context.Context, e domain.Event, deadline time.Time,
	batch []domain.Grant,
) ([]domain.Outcome, error) {
	outcomes := make([]domain.Outcome, len(batch))
	var asked []domain.Grant
	var at []int
	for n, g := range batch {
		if refused, o := refuse(e, g); refused {
			outcomes[n] = o
			continue
		}
		asked, at = append(asked, g), append(at, n)
	}
	if len(asked) == 0 {
		return outcomes, nil
	}
	answers, err := p.Granter.Grant(ctx, e, deadline, asked)
	if err != nil || len(answers) != len(asked) {
		return answers, err
	}
	for n, o := range answers {
		outcomes[at[n]] = o
	}
	return outcomes, nil
}

// refuse reports whether g is refused, and how. Try counts refusals, so a member that was refused for good has one
// already when a person asks again.
func refuse(e domain.Event, g domain.Grant) (bool, domain.Outcome) {
	if !slices.ContainsFunc(played, func(prefix string) bool { return strings.HasPrefix(e.CampaignID, prefix) }) {
		return false, domain.Outcome{}
	}
	switch kind := picky.Of(g.MemberID); {
	case kind == picky.Busy && g.Try == 0:
		return true, domain.Outcome{
			Verdict: domain.RefusedForNow, Code: "account_busy",
			Message: "the demo's ledger has no time for this account now",
		}
	case kind == picky.Closed, kind == picky.Reopened && g.Try == 0:
		return true, domain.Outcome{
			Verdict: domain.RefusedForGood, Code: "account_closed",
			Message: "the demo's ledger says that this account is closed",
		}
	}
	return false, domain.Outcome{}
}

// demoOverrides let the demo's ledger refuse some members.
func demoOverrides() daemon.Overrides {
	return daemon.Overrides{
		Granter: func(g grants.Granter) grants.Granter { return PickyLedger{g} },
		Limits:  func(l *app.Limits) { l.Retry.Backoff = demoBackoff },
	}
}
