package campaign

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
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
	"bestow/internal/english"
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
	r, s, err := c.sendAndImport(ctx, t, server, e, f, u)
	if domain.IsCode(err, domain.NotFound) { // of two commands with one file, one imports what both have sent
		if _, gone := server.Event(ctx, e.ID); gone != nil {
			return r, gone
		}
		t.Say("another command with the same file has imported or deleted what was sent: it is sent anew")
		r, s, err = c.sendAndImport(ctx, t, server, e, f, u)
	}
	if err != nil && s.upload != 0 {
		return r, c.afterwards(ctx, t, server, s, err)
	}
	return r, err
}

// sent is how far a file has come.
type sent struct {
	upload  int64 // its id; 0: none could be begun
	event   int64 // of the import that was requested; 0: none was
	fileSum []byte
}

// sendAndImport sends what is not sent yet of the file, and imports it.
func (*targetsImportCmd) sendAndImport(
	ctx context.Context, t *terminal.Terminal, server *client.Client, e api.Event, f client.File, u client.Upload,
) (r api.ImportResult, s sent, err error) {
	upload, err := server.Resume(ctx, f)
	if err != nil {
		return r, s, err
	}
	s = sent{upload: upload.UploadID, fileSum: f.SHA256}
	if upload.Received > 0 {
		t.Say("%d %% of the file were sent before; the rest is sent now", 100*upload.Received/upload.Size)
	}
	shown := t.Send(nil, f.Size) // piece by piece
	defer shown.End()
	if err := server.SendRest(ctx, f, upload, shown.Piece); err != nil {
		return r, s, err
	}
	s.event = e.ID
	r, err = server.ImportUpload(ctx, e.ID, upload.UploadID, u)
	return r, s, err
}

// afterwards deletes the upload of a file that cannot be imported as it is, and says of each other one what became of
// it.
func (*targetsImportCmd) afterwards(
	ctx context.Context, t *terminal.Terminal, server *client.Client, s sent, err error,
) error {
	if _, ok := errors.AsType[*client.RejectedError](err); ok || hopeless(err) {
		return errors.Join(err, server.DeleteUpload(ctx, s.upload))
	}
	switch {
	case domain.IsCode(err, domain.NotFound):
	case s.event == 0:
		t.Say("%s", kept)
	default:
		t.Say("%s", s.becameOf(ctx, server))
	}
	return err
}

const kept = "what was sent is kept for 24 hours: the same command goes on where it was"

// becameOf asks what became of a file whose import failed, or got no answer, and says it.
func (s sent) becameOf(ctx context.Context, server *client.Client) string {
	uploads, err := server.Uploads(ctx)
	if err == nil && slices.ContainsFunc(uploads.Items, func(u api.Upload) bool { return u.UploadID == s.upload }) {
		return kept
	}
	var imports api.Imports
	if err == nil {
		imports, err = server.Imports(ctx, s.event)
	}
	if err != nil {
		return fmt.Sprintf("no answer says whether the list was imported: `bestow targets list %d` shows it; "+
			"if it was not, the same command goes on where it was", s.event)
	}
	sum := hex.EncodeToString(s.fileSum)
	if i := slices.IndexFunc(imports.Items, func(i api.Import) bool { return i.SHA256 == sum }); i >= 0 {
		return fmt.Sprintf("the list is in: import %d of event %d is the same file, with %s", imports.Items[i].ImportID,
			s.event, english.Count(imports.Items[i].Accepted, "target"))
	}
	return "what was sent is gone, and the event has no import of this file: the same command sends it anew"
}

// hopeless reports whether the same file will be refused again.
func hopeless(err error) bool {
	return slices.ContainsFunc([]domain.Code{
		domain.BadFile, domain.UnsupportedFile, domain.TooManyRows, domain.AmountOverflow, domain.WrongStatus,
	}, func(code domain.Code) bool { return domain.IsCode(err, code) })
}
