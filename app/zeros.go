package app

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"bestow/domain"

	"github.com/jackc/pgx/v5"
)

// zeros are the accepted ids of digits alone, by their length: a spreadsheet takes such an id for a number and removes the zeros
// at its beginning, and what is left may be the id of another member, or of none.
type zeros [domain.MaxMemberID + 1]struct {
	led   digitIDs // that begin with 0
	plain digitIDs
}

// digitIDs counts ids and keeps the first ones.
type digitIDs struct {
	count int
	first []digitID
}

type digitID struct {
	line   int64
	member string
}

const (
	// keptDigitIDs is how many ids of each kind and length are compared with the event's members.
	keptDigitIDs = 100
	// lostZeros is how many zeros at most are put before an id to find it as it was.
	lostZeros = 4
)

// look counts the member of an accepted row.
func (z *zeros) look(line int64, member []byte) {
	for _, c := range member {
		if c < '0' || c > '9' {
			return
		}
	}
	ids := &z[len(member)].plain
	if member[0] == '0' {
		ids = &z[len(member)].led
	}
	if ids.count++; len(ids.first) < keptDigitIDs {
		ids.first = append(ids.first, digitID{line, string(member)})
	}
}

// short counts the ids that are shorter than one that begins with 0, and returns the first of those that were kept.
func (z *zeros) short() (count int, first digitID) {
	longest := len(z) - 1
	for longest > 0 && z[longest].led.count == 0 {
		longest--
	}
	for _, ids := range z[:longest] {
		count += ids.plain.count
		for _, id := range ids.plain.first {
			if first.line == 0 || id.line < first.line {
				first = id
			}
		}
	}
	return count, first
}

// twins are pairs of ids that are one id with and without its zeros; the second of each may be a member of the event.
func (z *zeros) twins() (ids []digitID, others []string) {
	for _, kinds := range z {
		for _, id := range kinds.plain.first {
			for n := 1; n <= lostZeros; n++ {
				ids, others = append(ids, id), append(others, strings.Repeat("0", n)+id.member)
			}
		}
		for _, id := range kinds.led.first {
			if other := strings.TrimLeft(id.member, "0"); other != "" {
				ids, others = append(ids, id), append(others, other)
			}
		}
	}
	return ids, others
}

// lostZeros warns of ids that are in the event with and without zeros at their beginning, and of ids that are shorter than
// those that begin with 0. The event's members are asked for only where zeros may be lost: it has members already, or the
// list has ids that begin with 0 beside shorter ones.
func (im *importing) lostZeros(ctx context.Context, tx pgx.Tx) ([]Warning, error) {
	count, first := im.load.zeros.short()
	var warnings []Warning
	if count > 0 || im.event.TotalCount > 0 {
		var err error
		if warnings, err = im.selectTwins(ctx, tx); err != nil {
			return nil, err
		}
	}
	if count > len(warnings) {
		warnings = append(warnings, Warning{Code: domain.SuspiciousMemberID, Text: fmt.Sprintf(
			"%d member_ids are digits alone and shorter than those that begin with 0, such as %q on line %d: a spreadsheet removes the zeros "+
				"at the beginning of a number; check them before the event starts", count, first.member, first.line)})
	}
	return warnings, nil
}

// selectTwins asks for the twins one by one in the index of members, since a plan for all of them may read the whole event.
func (im *importing) selectTwins(ctx context.Context, tx pgx.Tx) ([]Warning, error) {
	ids, others := im.load.zeros.twins()
	if len(ids) == 0 {
		return nil, nil
	}
	at := make([]int32, len(ids))
	for i := range at {
		at[i] = int32(i)
	}
	query := `SELECT twin.at FROM unnest($2::int[], $3::text[]) twin (at, member_id) CROSS JOIN LATERAL (
		SELECT FROM ` + pgx.Identifier{im.event.Type.TargetTable()}.Sanitize() + ` target
		WHERE target.event_id = $1 AND target.member_id = twin.member_id LIMIT 1) found`
	rows, err := tx.Query(ctx, query, im.event.ID, at, others)
	if err != nil {
		return nil, fmt.Errorf("look for ids without their zeros: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowTo[int32])
	if err != nil {
		return nil, fmt.Errorf("look for ids without their zeros: %w", err)
	}
	return twinWarnings(ids, others, found), nil
}

// twinWarnings tells each pair once, by the line that comes first.
func twinWarnings(ids []digitID, others []string, found []int32) (warnings []Warning) {
	slices.SortFunc(found, func(a, b int32) int { return cmp.Compare(ids[a].line, ids[b].line) })
	told := map[string]bool{}
	for _, i := range found {
		id, other := ids[i], others[i]
		if pair := min(id.member, other) + " " + max(id.member, other); !told[pair] && len(warnings) < maxShown {
			told[pair] = true
			warnings = append(warnings, Warning{Code: domain.SuspiciousMemberID, Line: id.line, Text: fmt.Sprintf(
				"the member_id %q is %q but for zeros at the beginning, which a spreadsheet removes, and the event has that too: "+
					"check it before the event starts", id.member, other)})
		}
	}
	return warnings
}
