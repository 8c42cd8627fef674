package campaign

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"bestow/cmd/bestow/terminal"
	"bestow/domain"
	"bestow/http/api"
	"bestow/http/client"
)

// resumeFrom is the size from which on a file is sent in pieces: a smaller one is sent again in a moment.
const resumeFrom = 16 << 20

// resume sends the file in pieces, from where an earlier import of it broke off, and imports it.
func (c *targetsImportCmd) resume(
	ctx context.Context, t *terminal.Terminal, server *client.Client, e api.Event, file *os.File, u client.Upload,
) (r api.ImportResult, err error) {
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return r, fmt.Errorf("read member list: %w", err)
	}
	f := client.File{
		Body: file, Size: u.Size, Name: filepath.Base(c.File), SHA256: sum.Sum(nil), ContentType: u.ContentType,
	}
	r, id, err := c.sendAndImport(ctx, t, server, e, f, u)
	if domain.IsCode(err, domain.NotFound) { // of two commands with one file, one imports what both have sent
		if _, gone := server.Event(ctx, e.ID); gone != nil {
			return r, gone
		}
		t.Say("another command with the same file has imported or deleted what was sent: it is sent anew")
		r, id, err = c.sendAndImport(ctx, t, server, e, f, u)
	}
	if err != nil && id != 0 {
		return r, c.afterwards(ctx, t, server, id, err)
	}
	return r, err
}

// sendAndImport sends what is not sent yet of the file, and imports it. id is the upload's, 0 if none could be begun.
func (*targetsImportCmd) sendAndImport(
	ctx context.Context, t *terminal.Terminal, server *client.Client, e api.Event, f client.File, u client.Upload,
) (r api.ImportResult, id int64, err error) {
	upload, err := server.Resume(ctx, f)
	if err != nil {
		return r, 0, err
	}
	if upload.Received > 0 {
		t.Say("%d %% of the file were sent before; the rest is sent now", 100*upload.Received/upload.Size)
	}
	sent := t.Send(nil, f.Size) // piece by piece
	defer sent.End()
	if err := server.SendRest(ctx, f, upload, sent.Piece); err != nil {
		return r, upload.UploadID, err
	}
	r, err = server.ImportUpload(ctx, e.ID, upload.UploadID, u)
	return r, upload.UploadID, err
}

// afterwards deletes the upload of a file that cannot be imported as it is, and says of each other one that it is kept.
func (*targetsImportCmd) afterwards(
	ctx context.Context, t *terminal.Terminal, server *client.Client, id int64, err error,
) error {
	if _, ok := errors.AsType[*client.RejectedError](err); ok || hopeless(err) {
		return errors.Join(err, server.DeleteUpload(ctx, id))
	}
	if !domain.IsCode(err, domain.NotFound) {
		t.Say("what was sent is kept for 24 hours: the same command goes on where it was")
	}
	return err
}

// hopeless reports whether the same file will be refused again.
func hopeless(err error) bool {
	return slices.ContainsFunc([]domain.Code{
		domain.BadFile, domain.UnsupportedFile, domain.TooManyRows, domain.AmountOverflow, domain.WrongStatus,
	}, func(code domain.Code) bool { return domain.IsCode(err, code) })
}
