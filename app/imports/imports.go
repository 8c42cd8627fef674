// Package imports takes a member list into an event (T1): the upload is staged while it comes, put in order and
// checked, and written in one transaction with its chunks and relay jobs.
//
// Start with Imports.Import. Package memberlist reads the list.
package imports

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"bestow/app/eventrow"
	"bestow/app/listkey"
	"bestow/domain"
	"bestow/internal/pg"
	"bestow/internal/places"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
)

// Imports says who gets what.
type Imports struct {
	pool   *pgxpool.Pool
	river  *river.Client[pgx.Tx]
	keys   listkey.Keys
	log    *slog.Logger
	sizes  Sizes
	places *places.Places // one for each import at work
	wait   time.Duration  // for a place
}

// Config holds what imports stand on.
type Config struct {
	Pool  *pgxpool.Pool
	River *river.Client[pgx.Tx] // inserts relay jobs
	Keys  listkey.Keys
	Log   *slog.Logger // nil: nothing is logged
	Sizes Sizes
}

// Sizes bound an import and what it makes. All are 1 or more.
type Sizes struct {
	MessageTargets int // targets a message at the most
	RelayChunks    int // chunks a relay job at the most
	MaxRows        int // rows an upload at the most
	MaxRejected    int // rejected rows that end an upload
	Imports        int // imports at work in a process at the most, of a principal one less; each holds a connection
	OwnPartition   int // a first import of at least as many targets gets a partition of its own
}

// DefaultSizes are those of the settings' defaults.
func DefaultSizes() Sizes {
	return Sizes{
		MessageTargets: 1000,
		RelayChunks:    5,
		MaxRows:        10_000_000,
		MaxRejected:    1_000_000,
		Imports:        5,
		OwnPartition:   100_000,
	}
}

// New returns the imports of c, or an error that says what c lacks.
func New(c Config) (*Imports, error) {
	switch s := c.Sizes; {
	case c.Pool == nil || c.River == nil:
		return nil, errors.New("imports need a pool and a River client")
	case min(s.MessageTargets, s.RelayChunks, s.MaxRows, s.MaxRejected, s.Imports, s.OwnPartition) < 1:
		return nil, fmt.Errorf("sizes of imports must be 1 or more, not %+v", s)
	}
	log := cmp.Or(c.Log, slog.New(slog.DiscardHandler))
	c.Keys.Log = cmp.Or(c.Keys.Log, log)
	return &Imports{
		pool: c.Pool, river: c.River, keys: c.Keys, log: log, sizes: c.Sizes,
		places: places.New(places.ButOne(c.Sizes.Imports)), wait: placeWait,
	}, nil
}

// RejectPolicy says what a rejected row does to the upload that it stands in.
type RejectPolicy int

// The policies.
const (
	Skip  RejectPolicy = iota // the other rows are imported
	Abort                     // nothing is
)

// Guessed is the Content-Type that a browser gives a .csv file where Excel is installed: the first bytes show what the
// list is.
const Guessed = "application/vnd.ms-excel"

// MaxFileName is the most characters of the name of a file.
const MaxFileName = 255

// Upload is a member list as it comes.
type Upload struct {
	Body        io.Reader    // read once, from beginning to end
	ContentType string       // text/csv, application/x-ndjson, sheet.MediaType or Guessed, with or without parameters
	FileName    string       // for people; "" for none
	Sheet       string       // of a spreadsheet: the sheet with the list; "": the first one
	OnReject    RejectPolicy // what to do about rejected rows
	DryRun      bool         // count, and keep nothing
	Interrupt   func()       // makes a Read of Body that waits return an error; nil: nothing does
	Stored      Stored       // in place of Body, ContentType and Interrupt; nil: the list comes with the request
	// Ending is closed when the process stops: an upload that waits for its turn is refused then. Nil: it is not told.
	Ending <-chan struct{}
}

// Stored is a member list that has come before.
type Stored interface {
	// Open begins to read the list. sha256 is the hash that its sender says; nil for none. interrupt makes a Read that
	// waits, and every later one, return an error.
	Open(ctx context.Context) (r io.Reader, contentType string, sha256 []byte, interrupt func(), err error)
	// Name returns the name of the file once the list is opened; "" for none.
	Name() string
	// Remove removes the list in the transaction that imports it. Error: domain.NotFound if it is gone.
	Remove(ctx context.Context, tx pgx.Tx) error
}

// Result holds what became of an upload.
type Result struct {
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

// Error says why the upload was refused.
func (e *RejectedError) Error() string { return e.Cause.Message }

// Unwrap lets errors.As find the *domain.Error.
func (e *RejectedError) Unwrap() error { return e.Cause }

// Record is an upload that was imported.
type Record struct {
	ID          int64
	EventID     int64
	CreatedBy   string
	ContentType string
	FileName    string // "" for none
	Header      string // a CSV file's first line; "" for NDJSON
	SHA256      []byte // of the bytes as uploaded
	Bytes       int64
	Accepted    int
	Rejected    int
	TotalAmount int64
	CreatedAt   time.Time

	// These are written only: an import that is listed does not have them.
	defaulted int   // accepted rows that took the event's default amount
	maxAmount int64 // the largest amount of an accepted row
	mark      listMark
}

// Find returns one import of an event. Error: domain.NotFound.
func (s *Imports) Find(ctx context.Context, eventID, importID int64) (Record, error) {
	return pg.Value(ctx, s.pool, func(tx pgx.Tx) (Record, error) {
		if _, err := eventrow.Select(ctx, tx, eventID); err != nil {
			return Record{}, err
		}
		return selectImport(ctx, tx, eventID, importID)
	})
}

// Imports lists an event's imports, newest first. Error: domain.NotFound.
func (s *Imports) Imports(ctx context.Context, eventID int64) ([]Record, error) {
	return pg.Value(ctx, s.pool, func(tx pgx.Tx) ([]Record, error) {
		if _, err := eventrow.Select(ctx, tx, eventID); err != nil {
			return nil, err
		}
		return selectImports(ctx, tx, eventID)
	})
}

// Places returns how many imports are at work in this process, and how many wait for their turn.
func (s *Imports) Places() (atWork, waiting int) { return s.places.Counts() }
