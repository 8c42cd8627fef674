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
	sealed, err := c.ReadSealed(cursor)
	if err != nil || sealed == nil {
		return "", err
	}
	member, err := s.handlers.lists.Reveal(ctx, sealed)
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
	sealed, err := s.handlers.lists.Hide(ctx, member)
	if err != nil {
		return "", err
	}
	return c.WriteSealed(sealed), nil
}

// pageOf returns at most limit of what was read, and the cursor of the next page as s may see it, nil for none.
func pageOf[T any](
	ctx context.Context, s sight, c web.Cursor, read []T, limit int, member func(T) string,
) (kept []T, next *string, err error) {
	kept, next = web.Page(read, limit, func(last T) (cursor string) {
		cursor, err = s.cursor(ctx, c, member(last))
		return cursor
	})
	return kept, next, err
}
