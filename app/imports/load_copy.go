package imports

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/jackc/pgx/v5"
)

// copyFrom runs a COPY … FROM STDIN (FORMAT binary) of the rows that row appends one by one, io.EOF after the last.
// When it returns, row is not at work any more. An error of row is returned as it is.
func copyFrom(ctx context.Context, conn *pgx.Conn, sql string, row func(copyRow) (copyRow, error)) error {
	stream := &copyStream{row: row}
	_, err := conn.PgConn().CopyFrom(ctx, stream, sql)
	if failed := stream.stop(); failed != nil {
		return failed
	}
	if err != nil {
		return fmt.Errorf("copy rows: %w", err)
	}
	return nil
}

// copyStream holds what COPY … FROM STDIN (FORMAT binary) reads: rows that are made as they are asked for.
type copyStream struct {
	row func(copyRow) (copyRow, error)

	mu    sync.Mutex
	buf   copyRow
	off   int
	err   error
	begun bool
}

const (
	copySignature = "PGCOPY\n\xff\r\n\x00" + "\x00\x00\x00\x00" + "\x00\x00\x00\x00" // no flags, no header extension
	copyTrailer   = "\xff\xff"
	copyBlock     = 32 << 10
)

// Read makes the next rows.
func (s *copyStream) Read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.off == len(s.buf) {
		if s.err != nil {
			return 0, s.err
		}
		s.fill()
	}
	n := copy(p, s.buf[s.off:])
	s.off += n
	return n, nil
}

func (s *copyStream) fill() {
	s.buf, s.off = s.buf[:0], 0
	if !s.begun {
		s.buf = append(s.buf, copySignature...)
		s.begun = true
	}
	for len(s.buf) < copyBlock && s.err == nil {
		s.buf, s.err = s.row(s.buf)
	}
	if errors.Is(s.err, io.EOF) {
		s.buf = append(s.buf, copyTrailer...)
	}
}

// stop ends the stream and returns what row failed with, if it did. It waits for a row that is being made: a COPY whose
// connection breaks leaves its reader behind, which may be at work on another connection, or on the body of a request.
func (s *copyStream) stop() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	failed := s.err
	s.buf, s.off, s.err = nil, 0, io.ErrClosedPipe
	if errors.Is(failed, io.EOF) {
		return nil
	}
	return failed
}

// copyRow builds rows of COPY's binary format, field by field.
type copyRow []byte

func (b copyRow) begin(fields int) copyRow {
	return binary.BigEndian.AppendUint16(b, uint16(fields))
}

func (b copyRow) int8(v int64) copyRow {
	b = append(b, 0, 0, 0, 8)
	return binary.BigEndian.AppendUint64(b, uint64(v))
}

func (b copyRow) int4(v int) copyRow {
	b = append(b, 0, 0, 0, 4)
	return binary.BigEndian.AppendUint32(b, uint32(v))
}

func (b copyRow) null() copyRow { return append(b, 0xff, 0xff, 0xff, 0xff) }

func (b copyRow) text(v []byte) copyRow {
	b = binary.BigEndian.AppendUint32(b, uint32(len(v)))
	return append(b, v...)
}
