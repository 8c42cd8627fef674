package inspect

import (
	"context"
	"errors"

	"bestow/domain"
	"bestow/http/web"
	"bestow/internal/seal"
)

// sight says how a caller sees members: whole, or masked, with cursors that hide the last one of a page.
type sight struct {
	handlers *Handlers
	masked   bool
}

func (h *Handlers) sightOf(ctx context.Context) sight {
	return sight{h, !web.Principal(ctx).Role.May(domain.ReadWhole)}
}

// show returns the member's id as the caller may see it.
func (s sight) show(member string) string {
	if s.masked {
		return domain.MaskMember(member)
	}
	return member
}

// after returns the member after which the page of the cursor begins.
func (s sight) after(ctx context.Context, c web.Cursor, cursor string) (string, error) {
	if !s.masked {
		return c.ReadText(cursor)
	}
	sealed, err := web.HiddenCursor.ReadBytes(cursor)
	if err != nil || sealed == nil {
		return "", err
	}
	member, err := s.handlers.reports.Reveal(ctx, sealed)
	if errors.Is(err, seal.ErrOpen) {
		return "", web.BadCursor()
	}
	return member, err
}

// cursor returns the cursor of the page after the member.
func (s sight) cursor(ctx context.Context, c web.Cursor, member string) (string, error) {
	if !s.masked {
		return c.WriteText(member), nil
	}
	sealed, err := s.handlers.reports.Hide(ctx, member)
	if err != nil {
		return "", err
	}
	return web.HiddenCursor.WriteBytes(sealed), nil
}
