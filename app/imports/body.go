package imports

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"mime"

	"bestow/app/memberlist"
	"bestow/app/sheet"
	"bestow/domain"
)

// body is an upload's bytes, counted and hashed as they are read.
type body struct {
	r     *bufio.Reader
	hash  hash.Hash
	bytes int64
}

// firstPiece says how many bytes of an upload must have come, or all of it, before it takes a place and a connection.
const firstPiece = 64 << 10

func newBody(r io.Reader) *body {
	return &body{r: bufio.NewReaderSize(r, firstPiece), hash: sha256.New()}
}

// arrive waits for the first piece.
func (b *body) arrive() error {
	if _, err := b.r.Peek(firstPiece); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read upload: %w", err)
	}
	return nil
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	b.hash.Write(p[:n])
	b.bytes += int64(n)
	return n, err
}

// sum is the hash of what was read so far.
func (b *body) sum() []byte { return b.hash.Sum(nil) }

// fingerprint reads what is left and returns that of a request: of the hash of its body, and all else that was asked.
func (b *body) fingerprint(rest []byte) ([]byte, error) {
	if _, err := io.Copy(io.Discard, b); err != nil {
		return nil, fmt.Errorf("read upload: %w", err)
	}
	whole := sha256.Sum256(append(append([]byte{}, rest...), b.sum()...))
	return whole[:], nil
}

// settleType replaces Guessed by the format that the first bytes show. An old spreadsheet (.xls) is read as CSV, which
// refuses it by name.
func (im *importing) settleType() error {
	media, charset := memberlist.MediaType(im.upload.ContentType)
	if media != Guessed {
		return nil
	}
	head, err := im.body.r.Peek(len(zipHead))
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read upload: %w", err)
	}
	im.upload.ContentType = "text/csv"
	switch {
	case string(head) == zipHead:
		im.upload.ContentType = sheet.MediaType
	case charset != "":
		im.upload.ContentType = mime.FormatMediaType("text/csv", map[string]string{"charset": charset})
	}
	return nil
}

// zipHead begins a spreadsheet (.xlsx), which is an archive.
const zipHead = "PK\x03\x04"

// openStored begins to read a Stored upload.
func (im *importing) openStored(ctx context.Context) error {
	if im.upload.Stored == nil {
		return nil
	}
	r, contentType, said, interrupt, err := im.upload.Stored.Open(ctx)
	if err != nil {
		return fmt.Errorf("open upload: %w", err)
	}
	im.body, im.said = newBody(r), said
	im.upload.ContentType, im.upload.Interrupt = contentType, interrupt
	im.upload.FileName = im.upload.Stored.Name()
	return nil
}

// checkSum refuses an upload whose bytes are not those that its sender hashed.
func (im *importing) checkSum() error {
	if im.said == nil {
		return nil
	}
	if _, err := io.Copy(io.Discard, im.body); err != nil {
		return fmt.Errorf("read upload: %w", err)
	}
	if !bytes.Equal(im.said, im.body.sum()) {
		return domain.BadFileError("the upload is not the file whose SHA-256 its sender named",
			"delete the upload, and upload the file again")
	}
	return nil
}
