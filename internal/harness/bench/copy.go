package bench

import (
	"encoding/binary"
	"errors"
	"io"
)

// copyReader gives rows to COPY … FROM STDIN (FORMAT binary), and makes them as they are read.
type copyReader struct {
	row   func([]byte) ([]byte, error) // appends one row; io.EOF after the last
	buf   []byte
	off   int
	err   error
	begun bool
}

const (
	copyHeader  = "PGCOPY\n\xff\r\n\x00\x00\x00\x00\x00\x00\x00\x00\x00"
	copyTrailer = "\xff\xff"
	copyBlock   = 32 << 10
)

// Read makes the next rows.
func (r *copyReader) Read(p []byte) (int, error) {
	if r.off == len(r.buf) {
		if r.err != nil {
			return 0, r.err
		}
		r.fill()
	}
	n := copy(p, r.buf[r.off:])
	r.off += n
	return n, nil
}

func (r *copyReader) fill() {
	r.buf, r.off = r.buf[:0], 0
	if !r.begun {
		r.buf, r.begun = append(r.buf, copyHeader...), true
	}
	for len(r.buf) < copyBlock && r.err == nil {
		r.buf, r.err = r.row(r.buf)
	}
	if errors.Is(r.err, io.EOF) {
		r.buf, r.err = append(r.buf, copyTrailer...), io.EOF
	}
}

func appendFields(b []byte, n int) []byte { return binary.BigEndian.AppendUint16(b, uint16(n)) }

func appendLength(b []byte, n int) []byte { return binary.BigEndian.AppendUint32(b, uint32(n)) }

func appendInt8(b []byte, v int64) []byte {
	return binary.BigEndian.AppendUint64(appendLength(b, 8), uint64(v))
}

func appendNull(b []byte) []byte { return append(b, 0xff, 0xff, 0xff, 0xff) }
