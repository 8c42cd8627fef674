package app

import (
	"context"
	"slices"

	"bestow/domain"

	"github.com/jackc/pgx/v5"
)

// granters returns the names of the ledgers that p can ask, as a handler: a version that does not name them has ours alone.
func (p Process) granters() []string {
	for _, r := range p.Reports {
		if r.Granters != nil {
			return r.Granters
		}
	}
	return []string{ourGranter}
}

// unserved reports whether no handler that runs has the ledger of the type. Ours is one that each handler has.
func (l look) unserved(t domain.EventType) bool {
	return t.Granter != ourGranter && !slices.ContainsFunc(l.processes, func(p Process) bool {
		return p.works(RoleHandler) && slices.Contains(p.granters(), t.Granter)
	})
}

// isUnserved reports whether no handler that runs has the ledger of the type. For ours nothing is read.
func isUnserved(ctx context.Context, tx pgx.Tx, t domain.EventType) (bool, error) {
	if t.Granter == ourGranter {
		return false, nil
	}
	l, err := selectInstallation(ctx, tx)
	return l.unserved(t), err
}

// granterUnknown is the refusal of an event whose grants no handler could have made.
func granterUnknown(t domain.EventType) *domain.Error {
	return &domain.Error{
		Code:    domain.GranterUnknown,
		Message: "no handler that runs has the ledger " + t.Granter + ", which event type " + t.Code + " names",
		Hint:    "name the ledger in BESTOW_GRANTERS of the handlers, and start them",
	}
}
