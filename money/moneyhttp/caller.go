package moneyhttp

import (
	"context"
	"fmt"
	"slices"

	"bestow/internal/pg"
	"bestow/money"
	"bestow/money/moneyhttp/wire"

	"github.com/danielgtaylor/huma/v2"
)

// callerParams return what a request may say of itself: which ledger it means, and which installation sends it.
func callerParams() []*huma.Param {
	header := func(name, doc string) *huma.Param {
		return &huma.Param{
			Name: name, In: "header", Description: doc,
			Schema: &huma.Schema{Type: huma.TypeString, Description: doc},
		}
	}
	return []*huma.Param{
		header(wire.HeaderLedger, "the id of the ledger that is meant; another ledger refuses the request: 409, "+
			wire.CodeOtherLedger),
		header(wire.HeaderInstallation,
			"the id of the installation that asks; a ledger that is not paired with it refuses the request: 409, "+
				wire.CodeOtherInstallation),
	}
}

// forAnyCaller makes o a route that answers requests for any ledger: it tells which ledger this is.
func forAnyCaller(o huma.Operation) huma.Operation {
	o.Parameters = nil
	return o
}

// checkCaller refuses a request that names another ledger or another installation, on each route that has these
// headers.
func (s *Server) checkCaller(ctx huma.Context, next func(huma.Context)) {
	if !slices.ContainsFunc(ctx.Operation().Parameters,
		func(p *huma.Param) bool { return p.Name == wire.HeaderLedger }) {
		next(ctx)
		return
	}
	if err := s.admit(ctx.Context(), ctx.Header(wire.HeaderLedger), ctx.Header(wire.HeaderInstallation)); err != nil {
		s.refuse(ctx, s.problem(ctx.Context(), err))
		return
	}
	next(ctx)
}

// admit refuses a request that is meant for another ledger, or that comes from an installation with which this ledger
// is not paired; "" names none. What was found right once is not read again. Errors: money.ErrOtherInstallation, a
// problem.
func (s *Server) admit(ctx context.Context, ledger, installation string) error {
	known := func(p *string, is string) bool { return is == "" || p != nil && *p == is }
	if known(s.id.Load(), ledger) && known(s.paired.Load(), installation) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, wire.DefaultBudget)
	defer cancel()
	id, err := s.ledger.Identity(ctx)
	if err != nil {
		return fmt.Errorf("%w: %w", pg.ErrNotBegun, err)
	}
	s.id.Store(&id.ID)
	s.paired.Store(&id.Installation)
	switch {
	case ledger != "" && ledger != id.ID:
		return newProblem(wire.CodeOtherLedger, "this ledger has another id than the request names",
			"see where the caller's URL leads: GET "+wire.Prefix+"/identity")
	case installation != "" && installation != id.Installation:
		return money.ErrOtherInstallation
	}
	return nil
}
