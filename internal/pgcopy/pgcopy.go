// Package pgcopy writes rows by COPY … FROM STDIN (FORMAT binary) as they are made, one by one, without a value of any
// type between a row and its bytes.
package pgcopy

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"sync"

	"github.com/jackc/pgx/v5"
)

// CopyIn runs a COPY … FROM STDIN (FORMAT binary) of the rows that row appends one by one, io.EOF after the last.
// When it returns, row is not at work any more. An error of row is returned as it is, and a panic of it as an error:
// the rows are made on a goroutine of pgconn, where it would end the process.
func CopyIn(ctx context.Context, conn *pgx.Conn, sql string, row func(Row) (Row, error)) error {
	from := &stream{row: row}
	_, err := conn.PgConn().CopyFrom(ctx, from, sql)
	if failed := from.stop(); failed != nil {
		return failed
	}
	if err != nil {
		return fmt.Errorf("copy rows: %w", err)
	}
	return nil
}

// stream holds what COPY … FROM STDIN (FORMAT binary) reads: rows that are made as they are asked for.
type stream struct {
	row func(Row) (Row, error)

	mu    sync.Mutex
	buf   Row
	off   int
	err   error
	begun bool
}

const (
	signature = "PGCOPY\n\xff\r\n\x00" + "\x00\x00\x00\x00" + "\x00\x00\x00\x00" // no flags, no header extension
	trailer   = "\xff\xff"
	block     = 32 << 10
)

// Read makes the next rows.
func (s *stream) Read(p []byte) (int, error) {
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

func (s *stream) fill() {
	defer func() {
		if p := recover(); p != nil {
			s.err = fmt.Errorf("panic while a row was made: %v\n%s", p, debug.Stack())
		}
	}()
	s.buf, s.off = s.buf[:0], 0
	if !s.begun {
		s.buf = append(s.buf, signature...)
		s.begun = true
	}
	for len(s.buf) < block && s.err == nil {
		s.buf, s.err = s.row(s.buf)
	}
	if errors.Is(s.err, io.EOF) {
		s.buf = append(s.buf, trailer...)
	}
}

// stop ends the stream and returns what row failed with, if it did. It waits for a row that is being made: a COPY whose
// connection breaks leaves its reader behind, which may be at work on another connection, or on the body of a request.
func (s *stream) stop() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	failed := s.err
	s.buf, s.off, s.err = nil, 0, io.ErrClosedPipe
	if errors.Is(failed, io.EOF) {
		return nil
	}
	return failed
}

// Row builds rows of COPY's binary format, field by field.
type Row []byte

// Begin begins a row of so many fields.
func (b Row) Begin(fields int) Row {
	return binary.BigEndian.AppendUint16(b, uint16(fields))
}

// Int8 appends a bigint.
func (b Row) Int8(v int64) Row {
	b = append(b, 0, 0, 0, 8)
	return binary.BigEndian.AppendUint64(b, uint64(v))
}

// Int4 appends an integer.
func (b Row) Int4(v int) Row {
	b = append(b, 0, 0, 0, 4)
	return binary.BigEndian.AppendUint32(b, uint32(v))
}

// Null appends a field without a value.
func (b Row) Null() Row { return append(b, 0xff, 0xff, 0xff, 0xff) }

// Text appends a text, varchar or bytea.
func (b Row) Text(v []byte) Row {
	b = binary.BigEndian.AppendUint32(b, uint32(len(v)))
	return append(b, v...)
}
