package sheet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"bestow/app/memberlist"
	"bestow/domain"
	"bestow/internal/english"
)

// HiddenCells is the code of a warning: rows or columns of the list are hidden.
const HiddenCells domain.Code = "hidden_cells"

// List is a sheet of a spreadsheet as a member list. The caller closes it.
type List struct {
	memberlist.Reader

	sheet *sheet
}

// Open reads a spreadsheet to its end and begins with the sheet of the name, the first one that is not hidden for "".
// It ends with ctx, and so does Next. The other parameters are those of [memberlist.Open]. Errors:
// domain.UnsupportedFile, domain.BadFile, domain.Unavailable where it cannot be kept, and what body returns.
func Open(ctx context.Context, body io.Reader, name string, limits Limits, defaultAmount int64,
	checkAmount func(int64) string,
) (*List, error) {
	s, err := openSheet(ctx, body, name, limits)
	if err != nil {
		return nil, err
	}
	reader, err := memberlist.OpenCSV(s, ',', defaultAmount, checkAmount)
	if err != nil {
		return nil, errors.Join(s.named(err, name), s.Close())
	}
	return &List{reader, s}, nil
}

// Next implements memberlist.Reader.
func (l *List) Next(r *memberlist.Row) error {
	if err := l.Reader.Next(r); err != nil {
		return err
	}
	if why, refused := l.sheet.row.refused[r.Line]; refused {
		delete(l.sheet.row.refused, r.Line)
		r.Code, r.Why = why.code, why.why
	}
	return nil
}

// Notices implements memberlist.Reader.
func (l *List) Notices() []memberlist.Notice {
	notices := l.Reader.Notices()
	h, width := l.sheet.row.hidden, len(l.sheet.row.columns)
	var what []string
	for _, c := range h.columns {
		if c[0] <= width {
			what = append(what, "column "+strings.TrimRight(nameOf(max(c[0], 1), 1), "1"))
		}
	}
	if h.rows > 0 {
		what = append(what, english.Count(h.rows, "row"))
	}
	if len(what) > 0 {
		notices = append(notices, memberlist.Notice{
			Code: HiddenCells, Line: int64(h.first),
			Text: fmt.Sprintf("%s of the sheet are hidden, and were read like the others: look whether they belong to the list",
				strings.Join(what, ", ")),
		})
	}
	return notices
}

// Close deletes what was kept of the spreadsheet.
func (l *List) Close() error { return l.sheet.Close() }
