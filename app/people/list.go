package people

import (
	"context"
	"fmt"
	"slices"
	"time"

	"bestow/app/command"
	"bestow/domain"
	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
)

// Principal is a person or a service, as an admin sees it.
type Principal struct {
	ID         int64
	Name       string
	IsService  bool
	Role       domain.Role
	CreatedBy  string
	CreatedAt  time.Time
	DisabledAt *time.Time
	Password   bool       // the person signs in with a password and a phone
	Company    bool       // the company's identity provider has signed the person in
	Keys       int        // that are valid, unless the principal is disabled
	SeenAt     *time.Time // the last use of a session or a key, to the minute; nil: none is kept
}

// List returns a page of the people and services, the newest first: at most limit of those whose id is less than
// before; 0: from the newest.
func (s *People) List(ctx context.Context, before int64, limit int) ([]Principal, error) {
	return pg.ValueWithin(ctx, s.pool, pg.ReadWait, func(tx pgx.Tx) ([]Principal, error) {
		return selectPrincipals(ctx, tx, `$1 = 0 OR p.id < $1`, before, limit)
	})
}

// Edit is a change of a principal. What is nil stays.
type Edit struct {
	Role     *domain.Role
	Disabled *bool
	Unread   []domain.Field
	Was      func(role domain.Role, disabled bool) error // refuses an access that is not as the caller has read it; nil: any
}

// applied changes a principal that is locked.
func (e Edit) applied(p *person) error {
	if e.Was != nil {
		if err := e.Was(p.role, p.isDisabled); err != nil {
			return err
		}
	}
	if e.Role != nil {
		p.role = *e.Role
	}
	if e.Disabled != nil {
		p.isDisabled = *e.Disabled
	}
	return nil
}

// Get returns a person or a service. Error: domain.NotFound.
func (s *People) Get(ctx context.Context, id int64) (Principal, error) { return s.principal(ctx, id) }

// Edit changes the role of a person or a service, or takes the access away or gives it back. Their sessions and open
// links end, and within [known.For] their keys have the new access. Errors: domain.NotFound; domain.Invalid for a role
// that there is not, and for the caller's own access; and that of Edit.Was.
func (s *People) Edit(ctx context.Context, by command.Caller, id int64, e Edit) (Principal, error) {
	f := domain.Faults(slices.Clone(e.Unread))
	if e.Role != nil {
		f.Add("role", e.Role.Check())
	}
	if err := f.Refusal("the access cannot be changed like this"); err != nil {
		return Principal{}, err
	}
	p, err := s.principal(ctx, id)
	if err != nil {
		return p, err
	}
	if p.Name == domain.AdminName {
		return p, domain.InvalidError("the access of admin is that of BESTOW_ADMIN_KEY, not of a row",
			"take BESTOW_ADMIN_KEY out of the settings, and start the processes again")
	}
	if p.Name == by.Actor {
		return p, domain.InvalidError("one does not change one's own access",
			"ask another admin, or use `bestow admin` on the host")
	}
	return s.manage(ctx, by, p.Name, "person.edit", e.applied)
}

// principal returns the one with the id. Error: domain.NotFound.
func (s *People) principal(ctx context.Context, id int64) (Principal, error) {
	return pg.ValueWithin(ctx, s.pool, pg.ReadWait, func(tx pgx.Tx) (Principal, error) {
		return selectPrincipal(ctx, tx, id)
	})
}

// selectPrincipal reads the one with the id. Error: domain.NotFound.
func selectPrincipal(ctx context.Context, tx pgx.Tx, id int64) (Principal, error) {
	found, err := selectPrincipals(ctx, tx, `p.id = $1`, id, 1)
	if err != nil {
		return Principal{}, err
	}
	if len(found) == 0 {
		return Principal{}, domain.NotFoundError(fmt.Sprintf("there is no person or service %d", id),
			"GET /people shows them")
	}
	return found[0], nil
}

// selectPrincipals reads at most limit of the principals that the condition lets through, the newest first.
func selectPrincipals(ctx context.Context, tx pgx.Tx, condition string, arg int64, limit int) ([]Principal, error) {
	query := `SELECT p.id, p.name, p.kind = 'service', p.role, p.created_by, p.created_at, p.disabled_at,
			EXISTS (SELECT FROM passwords w WHERE w.principal_id = p.id),
			EXISTS (SELECT FROM identities i WHERE i.principal_id = p.id),
			(SELECT count(*) FROM api_keys k WHERE k.principal_id = p.id AND k.revoked_at IS NULL AND k.expires_at > now()),
			greatest((SELECT max(k.last_used_at) FROM api_keys k WHERE k.principal_id = p.id),
				(SELECT max(v.seen_at) FROM sessions v WHERE v.principal_id = p.id))
		FROM principals p WHERE ` + condition + ` ORDER BY p.id DESC LIMIT $2`
	rows, err := tx.Query(ctx, query, arg, limit)
	if err != nil {
		return nil, fmt.Errorf("read principals: %w", err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Principal])
	if err != nil {
		return nil, fmt.Errorf("read principals: %w", err)
	}
	return all, nil
}
