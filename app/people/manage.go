package people

import (
	"context"
	"errors"
	"fmt"

	"bestow/app/command"
	"bestow/app/known"
	"bestow/domain"
	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
)

// Disable takes the access of a person or a service away: their sessions and open links end, and within [known.For] no
// process takes their keys. One who is disabled stays so. Error: domain.NotFound.
func (s *People) Disable(ctx context.Context, by command.Caller, name string) error {
	_, err := s.manage(ctx, by, name, "person.disable", func(p *person) error {
		p.isDisabled = true
		return nil
	})
	return err
}

// Enable gives the access back: keys are valid again, and a person signs in anew. Error: domain.NotFound.
func (s *People) Enable(ctx context.Context, by command.Caller, name string) error {
	_, err := s.manage(ctx, by, name, "person.enable", func(p *person) error {
		p.isDisabled = false
		return nil
	})
	return err
}

// SetRole gives a person or a service another role, which their keys have within [known.For]. Their sessions and open
// links end. Errors: domain.NotFound; domain.Invalid for a role that there is not.
func (s *People) SetRole(ctx context.Context, by command.Caller, name string, role domain.Role) error {
	if why := role.Check(); why != "" {
		return domain.InvalidError("there is no such role", "take viewer, operator, approver or admin",
			domain.Field{Name: "role", Message: why})
	}
	_, err := s.manage(ctx, by, name, "person.role", func(p *person) error {
		p.role = role
		return nil
	})
	return err
}

// manage makes the change to the principal with the name, unless it changes nothing, and returns the principal as it is
// then.
func (s *People) manage(
	ctx context.Context, by command.Caller, name, action string, change func(p *person) error,
) (Principal, error) {
	changed, err := pg.Value(ctx, s.pool, func(tx pgx.Tx) (p Principal, err error) {
		before, err := lockPerson(ctx, tx, name)
		if errors.Is(err, pgx.ErrNoRows) {
			return p, domain.NotFoundError("there is no person or service "+name, "`bestow audit` shows the names")
		}
		if err != nil {
			return p, err
		}
		after := before
		if err := change(&after); err != nil {
			return p, err
		}
		if after != before {
			if err := updatePrincipal(ctx, tx, after); err != nil {
				return p, err
			}
			if err := updateAllEnded(ctx, tx, after.id, by.Actor); err != nil {
				return p, err
			}
			err = command.Record(ctx, tx, by, command.Change{
				Action: action, Object: fmt.Sprintf("principal %s", name), Before: before.facts(), After: after.facts(),
			})
			if err != nil {
				return p, err
			}
		}
		return selectPrincipal(ctx, tx, after.id)
	})
	if err == nil {
		s.sessions.Forget(func(_ known.Sum, o owner) bool { return o.principal.Name == name })
	}
	return changed, err
}

// facts returns what the audit shows of a principal.
func (p person) facts() map[string]any {
	return map[string]any{"role": p.role, "disabled": p.isDisabled}
}

// updatePrincipal stores p's role and whether p is disabled, and ends p's open links.
func updatePrincipal(ctx context.Context, tx pgx.Tx, p person) error {
	const update = `UPDATE principals
		SET role = $2, disabled_at = CASE WHEN $3 THEN coalesce(disabled_at, now()) END WHERE id = $1`
	if err := pg.ExecOne(ctx, tx, update, p.id, p.role, p.isDisabled); err != nil {
		return err
	}
	return deleteOpenInvites(ctx, tx, p.id)
}
