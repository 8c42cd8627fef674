package app

import (
	"context"
	"io"
	"time"

	"bestow/domain"
	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
)

// Targets is who gets what.
type Targets struct {
	Deps
	places chan struct{} // one for each import at work
}

// RejectPolicy says what a rejected row does to the upload that it stands in.
type RejectPolicy int

// The policies.
const (
	Skip  RejectPolicy = iota // the other rows are imported
	Abort                     // nothing is
)

// Upload is a member list as it comes.
type Upload struct {
	Body        io.Reader    // read once, from beginning to end
	ContentType string       // text/csv or application/x-ndjson, with or without parameters
	OnReject    RejectPolicy // what to do about rejected rows
	DryRun      bool         // count, and keep nothing
	Interrupt   func()       // makes a Read of Body that waits return an error; nil: nothing does
}

// ImportResult is what became of an upload.
type ImportResult struct {
	EventID     int64  `json:",omitempty"` // 0 for a dry run, and in an answer that an older version stored
	ImportID    int64  // 0 for a dry run
	Accepted    int    // rows that are targets now
	Rejected    int    // rows that are not
	TotalAmount int64  // of the accepted ones
	Unit        string `json:",omitempty"` // of the amounts; "" for none
	Warnings    []Warning
}

// RejectedRow is a row that was not imported.
type RejectedRow struct {
	Line      int64 // of the record's first line; a CSV file's header is line 1
	FirstLine int64 // of a member that stands twice in the file: the line that counts; else 0
	Code      domain.Code
	Reason    string // for people
	Raw       string // the row as it came; what is not text stands as U+FFFD
}

// maxShown is the most rejected rows that an error carries.
const maxShown = 100

// RejectedError is an upload refused for its rows: domain.AllRejected, RowsRejected or TooManyRejected.
type RejectedError struct {
	Cause    *domain.Error
	Rejected int           // how many rows were rejected
	Rows     []RejectedRow // the first of them, at most 100, by line
}

func (e *RejectedError) Error() string { return e.Cause.Message }

// Unwrap lets errors.As find the *domain.Error.
func (e *RejectedError) Unwrap() error { return e.Cause }

// ImportRecord is an upload that was imported.
type ImportRecord struct {
	ID          int64
	EventID     int64
	CreatedBy   string
	ContentType string
	Header      string // a CSV file's first line; "" for NDJSON
	SHA256      []byte // of the bytes as uploaded
	Bytes       int64
	Accepted    int
	Rejected    int
	TotalAmount int64
	Defaulted   int   // accepted rows that took the event's default amount; not read from the imports of before
	MaxAmount   int64 // the largest amount of an accepted row; likewise
	mark        listMark
	CreatedAt   time.Time
}

// Imports lists an event's imports, newest first. Error: domain.NotFound.
func (s *Targets) Imports(ctx context.Context, eventID int64) ([]ImportRecord, error) {
	return pg.Value(ctx, s.Pool, func(tx pgx.Tx) ([]ImportRecord, error) {
		if _, err := selectEvent(ctx, tx, eventID); err != nil {
			return nil, err
		}
		return selectImports(ctx, tx, eventID)
	})
}
