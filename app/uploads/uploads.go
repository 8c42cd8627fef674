// Package uploads keeps member lists that come in pieces, so that an upload that broke off goes on where it was,
// through any process. The pieces stand in the database: a crash leaves whole pieces, and a backup has them.
//
// Start with Uploads.Append. No lock and no connection is held while a piece is on its way: a piece is stored only if
// it follows the last one, so that of two senders one is refused.
//
// What it must never do: read rows. [bestow/app/imports] reads a Stored and removes it with its commit.
package uploads

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"bestow/app/command"
	"bestow/app/memberlist"
	"bestow/app/sheet"
	"bestow/domain"
	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	// Piece is the most bytes of a piece.
	Piece = 1 << 20
	// MaxSize is the most bytes of an upload: ten million rows with long reasons are less.
	MaxSize = 4 << 30
	// MaxOpen is the most uploads of a principal that are not imported, deleted or expired.
	MaxOpen = 5
	// DefaultSpace is the most bytes of all uploads together, by the settings' default: five of the largest.
	DefaultSpace = MaxOpen * MaxSize
	// Lifetime is the time after which an upload expires that neither got a byte nor was read.
	Lifetime = 24 * time.Hour

	lockWait = 10 * time.Second

	maxName = 255
	maxType = 200
	maxMeta = 4096
)

// Uploads are the lists that come in pieces.
type Uploads struct {
	pool  *pgxpool.Pool
	space int64         // the most bytes of all of them
	wait  time.Duration // for a lock
}

// New returns the uploads in the database of pool, which together have at most so many bytes.
func New(pool *pgxpool.Pool, space int64) (*Uploads, error) {
	if pool == nil || space < 1 {
		return nil, errors.New("uploads need a pool and space")
	}
	return &Uploads{pool, space, lockWait}, nil
}

// Upload is a list, or the part of it that has come.
type Upload struct {
	ID          int64
	Owner       string // the name of the principal
	Size        int64
	Received    int64
	ContentType string
	Name        string // of the file; "" for none
	Metadata    string // as the client sent it; printable ASCII
	SHA256      []byte // of the whole file, as the client says; nil: it does not
	CreatedAt   time.Time
	ExpiresAt   time.Time
}

// Whole reports whether all of it has come.
func (u Upload) Whole() bool { return u.Received == u.Size }

// Create begins an upload of the caller with the Size, ContentType, Name, Metadata and SHA256 of u, and lets the audit
// keep it. Errors: domain.Invalid, UnsupportedFile, UploadTooLarge, TooManyUploads, UploadsFull.
func (s *Uploads) Create(ctx context.Context, by command.Caller, u Upload) (Upload, error) {
	if err := check(u); err != nil {
		return Upload{}, err
	}
	return pg.ValueWithin(ctx, s.pool, s.wait, func(tx pgx.Tx) (Upload, error) {
		if err := lockBegin(ctx, tx); err != nil {
			return Upload{}, err
		}
		open, err := countOpen(ctx, tx, by.Actor)
		if err != nil {
			return Upload{}, err
		}
		if open >= MaxOpen {
			return Upload{}, domain.TooManyUploadsError(MaxOpen)
		}
		taken, err := sumSizes(ctx, tx)
		if err != nil {
			return Upload{}, err
		}
		if u.Size > s.space-taken {
			return Upload{}, domain.UploadsFullError(u.Size, taken, s.space)
		}
		u.Owner = by.Actor
		u, err := insertUpload(ctx, tx, u)
		if err != nil {
			return u, err
		}
		return u, command.Record(ctx, tx, by, command.Change{
			Action: "upload.create", Object: objectOf(u), After: factsOf(u),
		})
	})
}

// guessed is what a browser says of a .csv file: the import looks at the bytes.
const guessed = "application/vnd.ms-excel"

func check(u Upload) error {
	if u.Size > MaxSize {
		return domain.UploadTooLargeError(MaxSize)
	}
	media, _ := memberlist.MediaType(u.ContentType)
	types := []string{"text/csv", "application/x-ndjson", sheet.MediaType, guessed}
	unprintable := func(r rune) bool { return r < ' ' || r > '~' }
	if !slices.Contains(types, media) || len(u.ContentType) > maxType || strings.ContainsFunc(u.ContentType, unprintable) {
		return domain.UnsupportedFileError(fmt.Sprintf("the filetype %.100q of the upload is no member list", u.ContentType),
			"name "+strings.Join(types, ", ")+" as filetype in Upload-Metadata")
	}
	var faults domain.Faults
	if u.Size < 1 {
		faults.Add("header.Upload-Length", "must be 1 or more")
	}
	if len(u.Metadata) > maxMeta || strings.ContainsFunc(u.Metadata, unprintable) {
		faults.Add("header.Upload-Metadata", "must be at most 4096 printable ASCII characters")
	}
	if u.Name != "" {
		faults.Add("header.Upload-Metadata", domain.CheckText(u.Name, maxName))
	}
	return faults.Refusal("the upload cannot be made")
}

// List returns the uploads of owner that can be gone on with or imported, newest first.
func (s *Uploads) List(ctx context.Context, owner string) ([]Upload, error) {
	return pg.ValueWithin(ctx, s.pool, s.wait, func(tx pgx.Tx) ([]Upload, error) { return selectUploads(ctx, tx, owner) })
}

// Share holds what the uploads of one principal take.
type Share struct {
	Owner    string
	Uploads  int
	Size     int64 // of the whole files, which counts against the space
	Received int64 // of it, which the database has
}

// Shares returns who takes how much of the space, the most first. What has expired counts until it is deleted.
func (s *Uploads) Shares(ctx context.Context) ([]Share, error) {
	return pg.ValueWithin(ctx, s.pool, s.wait, func(tx pgx.Tx) ([]Share, error) { return selectShares(ctx, tx) })
}

// Find returns an upload of owner. Error: domain.NotFound.
func (s *Uploads) Find(ctx context.Context, owner string, id int64) (Upload, error) {
	return pg.ValueWithin(ctx, s.pool, s.wait, func(tx pgx.Tx) (Upload, error) { return selectUpload(ctx, tx, owner, id) })
}

// Append stores a piece of at most [Piece] bytes that begins at a byte of the upload. It is kept when Append returns,
// and all that reads the upload sees it with the new length or not at all. Errors: domain.NotFound, UploadMoved if the
// upload goes on elsewhere, and UploadTooLarge past its size.
func (s *Uploads) Append(ctx context.Context, owner string, id, at int64, piece []byte) (Upload, error) {
	return pg.ValueWithin(ctx, s.pool, s.wait, func(tx pgx.Tx) (Upload, error) {
		u, stored, err := appendPiece(ctx, tx, owner, id, at, piece)
		if err != nil || stored {
			return u, err
		}
		if u, err = selectUpload(ctx, tx, owner, id); err != nil {
			return u, err
		}
		if at == u.Received {
			return u, domain.UploadTooLargeError(u.Size)
		}
		return u, domain.UploadMovedError(u.ID, u.Received)
	})
}

// Delete removes an upload of the caller with its bytes, or of anyone if the caller may, and lets the audit keep it.
// Error: domain.NotFound.
func (s *Uploads) Delete(ctx context.Context, by command.Caller, ofAnyone bool, id int64) error {
	return pg.InTxWithin(ctx, s.pool, s.wait, func(tx pgx.Tx) error {
		u, err := lockUpload(ctx, tx, id)
		if err != nil {
			return err
		}
		if u.Owner != by.Actor && !ofAnyone {
			return domain.NoUploadError(id)
		}
		if err := deleteUpload(ctx, tx, u.Owner, id); err != nil {
			return err
		}
		return command.Record(ctx, tx, by, command.Change{
			Action: "upload.delete", Object: objectOf(u), Before: factsOf(u),
		})
	})
}

// objectOf names an upload for the audit.
func objectOf(u Upload) string { return fmt.Sprintf("upload %d", u.ID) }

// facts holds what the audit shows of an upload.
type facts struct {
	Owner    string `json:"owner"`
	Name     string `json:"name"`
	Size     int64  `json:"size"`
	Received int64  `json:"received"`
	SHA256   string `json:"sha256,omitempty"`
}

func factsOf(u Upload) facts {
	return facts{u.Owner, u.Name, u.Size, u.Received, hex.EncodeToString(u.SHA256)}
}

// Tidy removes the uploads that have expired.
func (s *Uploads) Tidy(ctx context.Context) error {
	for {
		more, err := pg.ValueWithin(ctx, s.pool, s.wait, func(tx pgx.Tx) (bool, error) { return deleteExpired(ctx, tx) })
		if err != nil || !more {
			return err
		}
	}
}
