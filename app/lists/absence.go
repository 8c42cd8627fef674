package lists

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"bestow/app/eventrow"
	"bestow/app/memberlist"
	"bestow/domain"
	"bestow/internal/english"
	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
	"golang.org/x/text/unicode/norm"
)

// The codes of an [Absence].
const (
	NotListed   domain.Code = "not_in_list"  // no list of the event has the member
	RowRejected domain.Code = "row_rejected" // a list had the member, in a row that was rejected
	NotStarted  domain.Code = "not_started"  // the member is in the list, and the event has not started
	NotAsked    domain.Code = "not_asked"    // the member is in the list, and the ledger was not asked for it yet
	OtherResult domain.Code = "other_result" // the member has a result, and it is not one that was asked for
)

// Absence says why a member is not among the results of an event.
type Absence struct {
	Code     domain.Code
	Text     string // for people
	ImportID int64  // of [RowRejected]: the upload
	Line     int64  // of [RowRejected]: the row's line in the file
	RowCode  string // of [RowRejected]: why the row was rejected
}

// WhyAbsent returns why an event has no result of a member that fits, in the order of what is most certain. Error:
// domain.NotFound.
func (s *Lists) WhyAbsent(ctx context.Context, eventID int64, member string) (Absence, error) {
	return pg.Value(ctx, s.pool, func(tx pgx.Tx) (Absence, error) {
		e, err := eventrow.Select(ctx, tx, eventID)
		if err != nil {
			return Absence{}, err
		}
		spellings := memberlist.Spellings(member)
		listed, asked, err := selectStanding(ctx, tx, e, spellings)
		if err != nil {
			return Absence{}, err
		}
		switch {
		case asked:
			return Absence{
				Code: OtherResult,
				Text: "the member has a result in the event, but not with this status or error code",
			}, nil
		case listed && e.Status == domain.Pending:
			return Absence{
				Code: NotStarted,
				Text: "the member is in the list of the event, and the event has not started",
			}, nil
		case listed:
			return Absence{
				Code: NotAsked,
				Text: "the member is in the list of the event, and the ledger was not asked for it yet",
			}, nil
		}
		if spellings[0] == "" { // blanks alone are no member, and an empty field of a row is not looked for
			return Absence{Code: NotListed, Text: notListedText(e, 0)}, nil
		}
		return selectRejection(ctx, tx, e, spellings)
	})
}

// selectStanding reports whether the event's list has a member, and whether the ledger was asked for it.
func selectStanding(ctx context.Context, tx pgx.Tx, e domain.Event,
	spellings []string,
) (listed, asked bool, err error) {
	query := `SELECT EXISTS (SELECT FROM ` + pg.Quoted(e.Type.TargetTable()) +
		` WHERE event_id = $1 AND member_id = ANY ($2)),
		EXISTS (SELECT FROM ` + pg.Quoted(e.Type.ResultTable()) + ` WHERE event_id = $1 AND member_id = ANY ($2))`
	if err := tx.QueryRow(ctx, query, e.ID, spellings).Scan(&listed, &asked); err != nil {
		return false, false, fmt.Errorf("read standing of member: %w", err)
	}
	return listed, asked, nil
}

// searchedRows says how many rejected rows of an event are searched for a member. No index serves the search, and an
// event may have millions.
const searchedRows = 20_000

// selectRejection looks for a member among the rejected rows of an event's uploads, the newest first, in searchedRows
// of them. A row keeps its raw text only: a row whose member_id is the member comes before one that has it in another
// field.
func selectRejection(ctx context.Context, tx pgx.Tx, e domain.Event, spellings []string) (Absence, error) {
	const count = `SELECT coalesce(sum(rejected), 0)::bigint FROM imports WHERE event_id = $1`
	var rejected int64
	if err := tx.QueryRow(ctx, count, e.ID).Scan(&rejected); err != nil {
		return Absence{}, fmt.Errorf("count rejected rows: %w", err)
	}
	const query = `WITH uploads AS (
			SELECT id, coalesce(header, '') AS header, sum(rejected) OVER (ORDER BY id DESC) - rejected AS before
			FROM imports WHERE event_id = $1 AND rejected > 0
		)
		SELECT u.id, u.header, r.line, r.error_code, r.raw FROM uploads u CROSS JOIN LATERAL (
			SELECT line, error_code, raw FROM rejected_rows WHERE import_id = u.id ORDER BY line LIMIT $3 - u.before) r
		WHERE u.before < $3 AND r.raw ~ $2 ORDER BY u.id DESC, r.line`
	rows, err := tx.Query(ctx, query, e.ID, wholeField(spellings), searchedRows)
	if err != nil {
		return Absence{}, fmt.Errorf("read rejected rows: %w", err)
	}
	defer rows.Close()
	a := Absence{Code: NotListed, Text: notListedText(e, rejected)}
	for rows.Next() {
		var found rejection
		if err := rows.Scan(&found.importID, &found.header, &found.line, &found.code, &found.raw); err != nil {
			return Absence{}, fmt.Errorf("read rejected row: %w", err)
		}
		if memberlist.MemberOf(found.header, found.raw) == spellings[0] {
			return found.absence("a row with the member was rejected"), nil
		}
		if a.Code == NotListed {
			a = found.absence("a rejected row has this text in one of its fields")
		}
	}
	if err := rows.Err(); err != nil {
		return Absence{}, fmt.Errorf("read rejected rows: %w", err)
	}
	return a, nil
}

// rejection is a rejected row that has a member's id as a field.
type rejection struct {
	importID, line    int64
	header, code, raw string // no header: the upload is NDJSON
}

func (r rejection) absence(what string) Absence {
	return Absence{
		Code: RowRejected,
		Text: fmt.Sprintf("%s (%s): line %d of import %d", what, r.code, r.line, r.importID), ImportID: r.importID,
		Line: r.line, RowCode: r.code,
	}
}

// notListedText says where a member was looked for in vain, of an event with so many rejected rows.
func notListedText(e domain.Event, rejected int64) string {
	switch {
	case rejected > searchedRows:
		return fmt.Sprintf("the member is not in the list of the event, "+
			"and in none of the %s rejected rows that were searched, those of the newest imports first; "+
			"there are %s: `bestow targets rejected %d --import ID` prints all of an import",
			english.Number(searchedRows), english.Number(rejected), e.ID)
	case e.TotalCount == 0:
		return "the event has no member list"
	}
	return "the member is not in the list of the event, and no row with it was rejected"
}

// wholeField is a pattern of PostgreSQL that finds any of the spellings as a field of a line of CSV or a string of
// NDJSON.
func wholeField(spellings []string) string {
	quoted := make([]string, 0, len(spellings)+1)
	for _, s := range append(spellings, norm.NFD.String(spellings[0])) {
		quoted = append(quoted, regexp.QuoteMeta(s))
	}
	return `(^|[,;:"\t])\s*(` + strings.Join(quoted, "|") + `)\s*($|[,;"\t}])`
}
