package imports

import (
	"context"
	"fmt"

	"bestow/app/memberlist"
	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
)

// lostZeros warns of ids that are in the event with and without zeros at their beginning, and of ids that are shorter
// than those that begin with 0. The event's members are asked for only where zeros may be lost.
func (im *importing) lostZeros(ctx context.Context, tx pgx.Tx) ([]memberlist.Notice, error) {
	pairs := im.load.look.Pairs(im.event.TotalCount > 0)
	found, err := im.selectMembers(ctx, tx, pairs.Others)
	if err != nil {
		return nil, err
	}
	return im.load.look.LostZeros(pairs, found), nil
}

// selectMembers returns the numbers of those ids that are members of the event. It asks for them one by one in the
// index of members, since a plan for all of them may read the whole event.
func (im *importing) selectMembers(ctx context.Context, tx pgx.Tx, ids []string) ([]int32, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	query := `SELECT id.at::int - 1 FROM unnest($2::text[]) WITH ORDINALITY id (member_id, at) CROSS JOIN LATERAL (
		SELECT FROM ` + pg.Quoted(im.event.Type.TargetTable()) + ` target
		WHERE target.event_id = $1 AND target.member_id = id.member_id LIMIT 1) found`
	rows, err := tx.Query(ctx, query, im.event.ID, ids)
	if err != nil {
		return nil, fmt.Errorf("look for ids without their zeros: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowTo[int32])
	if err != nil {
		return nil, fmt.Errorf("look for ids without their zeros: %w", err)
	}
	return found, nil
}
