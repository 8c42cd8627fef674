package imports

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"bestow/app/eventrow"
	"bestow/app/memberlist"
	"bestow/domain"
	"bestow/internal/english"
	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
)

// rejectedPage says how many rejected rows are read at a time: no connection is held while a slow client takes them,
// and rows of 64 KiB each stay below 16 MiB together.
const rejectedPage = 250

// Rejected hands each rejected row of an import to each, in the order of their lines, for any number with flat memory.
// An error of each ends it and is returned. Error: domain.NotFound.
func (s *Imports) Rejected(ctx context.Context, eventID, importID int64, each func(RejectedRow) error) (Record, error) {
	record, err := pg.Value(ctx, s.pool,
		func(tx pgx.Tx) (Record, error) { return selectImport(ctx, tx, eventID, importID) })
	if err != nil {
		return record, err
	}
	for line := int64(0); ; {
		page, err := s.rejectedAfter(ctx, importID, line)
		if err != nil || len(page) == 0 {
			return record, err
		}
		for _, row := range page {
			if err := each(row); err != nil {
				return record, err
			}
		}
		line = page[len(page)-1].Line
	}
}

func (s *Imports) rejectedAfter(ctx context.Context, importID, line int64) ([]RejectedRow, error) {
	const query = `SELECT line, coalesce(first_line, 0), error_code, reason, raw FROM rejected_rows
		WHERE import_id = $1 AND line > $2 ORDER BY line LIMIT $3`
	rows, err := s.pool.Query(ctx, query, importID, line, rejectedPage)
	if err != nil {
		return nil, fmt.Errorf("read rejected rows: %w", err)
	}
	page, err := pgx.CollectRows(rows, pgx.RowToStructByPos[RejectedRow])
	if err != nil {
		return nil, fmt.Errorf("read rejected rows: %w", err)
	}
	return page, nil
}

func (im *importing) rejected() int { return im.read.rejected + im.load.again.len() }

// judge refuses the upload as a whole for its rejected rows, where that was asked or nothing is left, and for its
// totals.
func (im *importing) judge(ctx context.Context, tx pgx.Tx) error {
	n := im.rejected()
	switch {
	case n >= im.sizes.MaxRejected:
		return im.refuse(ctx, tx, domain.TooManyRejectedError(english.Count(n, "rejected row")))
	case im.load.accepted == 0:
		return im.refuse(ctx, tx, domain.AllRejectedError(n))
	case n > 0 && im.upload.OnReject == Abort:
		return im.refuse(ctx, tx, domain.RowsRejectedError(n))
	}
	return im.judgeTotals()
}

// refuse returns cause with the rejected rows, and with what to do if the same file was imported before.
func (im *importing) refuse(ctx context.Context, tx pgx.Tx, cause *domain.Error) error {
	if err := copyRepeats(ctx, tx, &im.load.again); err != nil {
		return err
	}
	rows, err := selectStageRejects(ctx, tx, im.stage.table, maxShown)
	if err != nil {
		return err
	}
	earlier, rejected, err := im.selectEarlier(ctx, tx)
	if err != nil {
		return err
	}
	switch {
	case earlier > 0 && rejected == 0:
		cause.Message += fmt.Sprintf("; the same file was imported into this event before, as import %d", earlier)
		cause.Hint = "the whole list is in the event: there is nothing to do"
	case earlier > 0:
		cause.Message += fmt.Sprintf("; the same file was imported into this event before, as import %d", earlier)
		cause.Hint = fmt.Sprintf("its members are in the event: correct only the rows that import %d rejected, "+
			"and upload those", earlier)
	}
	return &RejectedError{Cause: cause, Rejected: im.rejected(), Rows: rows}
}

// Found is an import with what its pass over the list found.
type Found struct {
	Record

	Facts    *memberlist.Facts // nil: an import of a version that did not keep them
	Warnings []Warning         // as the import's answer had them
	Samples  []RejectedRow     // the rows whose lines the facts name, by line, where they were asked for
}

// Facts returns an import of an event with what it found. Error: domain.NotFound.
func (s *Imports) Facts(ctx context.Context, eventID, importID int64, samples bool) (Found, error) {
	return pg.ValueWithin(ctx, s.pool, pg.ReadWait, func(tx pgx.Tx) (f Found, err error) {
		if f.Record, err = selectImport(ctx, tx, eventID, importID); err != nil {
			return f, err
		}
		if f.Facts, f.Warnings, err = selectFacts(ctx, tx, importID); err != nil || f.Facts == nil || !samples {
			return f, err
		}
		f.Samples, err = selectSamples(ctx, tx, importID, *f.Facts)
		return f, err
	})
}

// AllFacts returns all imports of an event with what they found, newest first. Samples, where they are asked for, are
// the first of each code, those of the newest imports first. Error: domain.NotFound.
func (s *Imports) AllFacts(ctx context.Context, eventID int64, samples bool) ([]Found, error) {
	return pg.ValueWithin(ctx, s.pool, pg.ReadWait, func(tx pgx.Tx) ([]Found, error) {
		if _, err := eventrow.Select(ctx, tx, eventID); err != nil {
			return nil, err
		}
		all, err := selectAllFacts(ctx, tx, eventID)
		if err != nil || !samples {
			return all, err
		}
		return all, selectAllSamples(ctx, tx, all)
	})
}

// Span returns the least and the largest amount of an event's targets; 0 where a list of an older version leaves one
// unknown.
func (s *Imports) Span(ctx context.Context, eventID int64) (least, most int64, err error) {
	err = pg.InTxWithin(ctx, s.pool, pg.ReadWait, func(tx pgx.Tx) error {
		least, most, err = selectSpan(ctx, tx, eventID)
		return err
	})
	return least, most, err
}

// Of returns the samples with a code.
func (f Found) Of(code domain.Code) []RejectedRow {
	return slices.DeleteFunc(slices.Clone(f.Samples), func(r RejectedRow) bool { return r.Code != code })
}

// selectSamples reads the rejected rows that the facts name, each by its key.
func selectSamples(ctx context.Context, tx pgx.Tx, importID int64, f memberlist.Facts) ([]RejectedRow, error) {
	var lines []int64
	for _, c := range f.Rejected {
		lines = append(lines, c.Lines...)
	}
	const query = `SELECT line, coalesce(first_line, 0), error_code, reason, raw FROM rejected_rows
		WHERE import_id = $1 AND line = ANY ($2) ORDER BY line`
	rows, err := tx.Query(ctx, query, importID, lines)
	if err != nil {
		return nil, fmt.Errorf("read rejected rows: %w", err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[RejectedRow])
	if err != nil {
		return nil, fmt.Errorf("read rejected rows: %w", err)
	}
	return all, nil
}

// facts returns what the import found, once all its rows are read.
func (im *importing) facts() memberlist.Facts {
	rejects := maps.Clone(im.read.byCode)
	for _, block := range im.load.again.blocks {
		for _, r := range block {
			code := domain.DuplicateMember
			if r.first == 0 {
				code = domain.ExistingMember
			}
			rejects.Add(code, r.line)
		}
	}
	return memberlist.FactsOf(&im.load.amounts, rejects)
}

// selectAllFacts reads all imports of an event with their facts, newest first.
func selectAllFacts(ctx context.Context, tx pgx.Tx, eventID int64) ([]Found, error) {
	const query = `SELECT i.id, i.event_id, i.created_by, i.content_type, coalesce(f.file_name, ''), coalesce(i.header, ''),
			i.sha256, i.bytes, i.accepted, i.rejected, i.total_amount, i.created_at,
			f.import_id IS NOT NULL, coalesce(f.rows, 0), coalesce(f.sum, 0), coalesce(f.min, 0), coalesce(f.max, 0),
			coalesce(f.distinct_amounts, 0), f.hist, f.top, f.rejected, f.warnings
		FROM imports i LEFT JOIN event_facts f ON f.import_id = i.id
		WHERE i.event_id = $1 ORDER BY i.id DESC`
	rows, err := tx.Query(ctx, query, eventID)
	if err != nil {
		return nil, fmt.Errorf("read facts of event: %w", err)
	}
	all, err := pgx.CollectRows(rows, scanFound)
	if err != nil {
		return nil, fmt.Errorf("read facts of event: %w", err)
	}
	return all, nil
}

func scanFound(row pgx.CollectableRow) (found Found, err error) {
	f, known := &memberlist.Facts{}, false
	var buckets []int32
	var kept []keptWarning
	r := &found.Record
	err = row.Scan(&r.ID, &r.EventID, &r.CreatedBy, &r.ContentType, &r.FileName, &r.Header, &r.SHA256, &r.Bytes,
		&r.Accepted, &r.Rejected, &r.TotalAmount, &r.CreatedAt, &known, &f.Rows, &f.Sum, &f.Min, &f.Max, &f.Distinct,
		&buckets, &f.Commonest, &f.Rejected, &kept)
	if err != nil || !known {
		return found, err
	}
	copy(f.Buckets[:], buckets)
	found.Facts = f
	for _, w := range kept {
		found.Warnings = append(found.Warnings, Warning(w))
	}
	return found, nil
}

// selectAllSamples reads rejected rows that the facts name, each by its key: of each code memberlist.MaxSamples in all
// imports.
func selectAllSamples(ctx context.Context, tx pgx.Tx, all []Found) error {
	taken, at := map[domain.Code]int{}, map[int64]int{}
	var ids, lines []int64
	for i, f := range all {
		at[f.ID] = i
		if f.Facts == nil {
			continue
		}
		for _, c := range f.Facts.Rejected {
			some := c.Lines[:min(len(c.Lines), memberlist.MaxSamples-taken[c.Code])]
			taken[c.Code] += len(some)
			for _, line := range some {
				ids, lines = append(ids, f.ID), append(lines, line)
			}
		}
	}
	if len(ids) == 0 {
		return nil
	}
	const query = `SELECT import_id, line, coalesce(first_line, 0), error_code, reason, raw FROM rejected_rows
		JOIN unnest($1::bigint[], $2::bigint[]) AS wanted (import_id, line) USING (import_id, line) ORDER BY import_id, line`
	rows, err := tx.Query(ctx, query, ids, lines)
	if err != nil {
		return fmt.Errorf("read rejected rows: %w", err)
	}
	var id int64
	var r RejectedRow
	_, err = pgx.ForEachRow(rows, []any{&id, &r.Line, &r.FirstLine, &r.Code, &r.Reason, &r.Raw}, func() error {
		found := &all[at[id]]
		found.Samples = append(found.Samples, r)
		return nil
	})
	if err != nil {
		return fmt.Errorf("read rejected rows: %w", err)
	}
	return nil
}

func selectSpan(ctx context.Context, tx pgx.Tx, eventID int64) (least, most int64, err error) {
	const query = `SELECT CASE WHEN count(*) = count(f.min) THEN min(f.min) END,
			CASE WHEN count(*) = count(coalesce(f.max, i.max_amount)) THEN max(coalesce(f.max, i.max_amount)) END
		FROM imports i LEFT JOIN event_facts f ON f.import_id = i.id WHERE i.event_id = $1`
	var from, to *int64
	if err := tx.QueryRow(ctx, query, eventID).Scan(&from, &to); err != nil {
		return 0, 0, fmt.Errorf("read amounts of event: %w", err)
	}
	if from != nil {
		least = *from
	}
	if to != nil {
		most = *to
	}
	return least, most, nil
}
