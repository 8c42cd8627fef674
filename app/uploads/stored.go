package uploads

import (
	"bytes"
	"context"
	"io"

	"bestow/domain"
	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
)

// Stored is an upload as an import reads it.
type Stored struct {
	uploads *Uploads
	owner   string
	id      int64
	name    string
}

// Stored returns the upload of owner with the id, which need not be there yet.
func (s *Uploads) Stored(owner string, id int64) *Stored {
	return &Stored{uploads: s, owner: owner, id: id}
}

// Open begins to read an upload that is whole, which lives on from now. sha256 is the hash that its sender says; nil
// for none. interrupt makes a Read that waits, and every later one, return an error. Errors: domain.NotFound,
// UploadIncomplete; those of a Read: domain.NotFound if the upload was deleted, BadFile if a piece of
// it is missing.
func (s *Stored) Open(ctx context.Context) (
	r io.Reader, contentType string, sha256 []byte, interrupt func(), err error,
) {
	u, err := pg.ValueWithin(ctx, s.uploads.pool, s.uploads.wait, func(tx pgx.Tx) (Upload, error) {
		return useUpload(ctx, tx, s.owner, s.id)
	})
	if err != nil {
		return nil, "", nil, nil, err
	}
	if !u.Whole() {
		return nil, "", nil, nil, domain.UploadIncompleteError(u.ID, u.Received, u.Size)
	}
	s.name = u.Name
	reading, interrupt := context.WithCancel(ctx)
	return &pieces{ctx: reading, uploads: s.uploads, upload: u}, u.ContentType, u.SHA256, interrupt, nil
}

// Name returns the name of the file, as its sender says, once it is opened; "" for none.
func (s *Stored) Name() string { return s.name }

// Remove removes the upload in the transaction that imports it: what is imported is not stored twice. Error:
// domain.NotFound if it was deleted, or another import has removed it.
func (s *Stored) Remove(ctx context.Context, tx pgx.Tx) error {
	return deleteUpload(ctx, tx, s.owner, s.id)
}

// pieces reads an upload piece by piece, each in a transaction of its own: no connection is held meanwhile.
type pieces struct {
	ctx     context.Context //nolint:containedctx // io.Reader has none
	uploads *Uploads
	upload  Upload
	at      int64 // of the next piece
	rest    bytes.Reader
}

// Read reads on, and asks for the next piece where the last one is read.
func (p *pieces) Read(b []byte) (int, error) {
	if err := p.ctx.Err(); err != nil {
		return 0, err
	}
	if p.rest.Len() == 0 {
		if p.at == p.upload.Size {
			return 0, io.EOF
		}
		piece, err := pg.ValueWithin(p.ctx, p.uploads.pool, p.uploads.wait, func(tx pgx.Tx) ([]byte, error) {
			return selectPiece(p.ctx, tx, p.upload.ID, p.at)
		})
		if interrupted := p.ctx.Err(); interrupted != nil {
			return 0, interrupted
		}
		if err != nil {
			return 0, err
		}
		p.rest.Reset(piece)
		p.at += int64(len(piece))
	}
	return p.rest.Read(b)
}
