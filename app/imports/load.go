package imports

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"bestow/app/memberlist"
	"bestow/domain"
	"bestow/domain/content"
	"bestow/internal/pgcopy"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// load is the ordered pass over a stage. It decides which rows become targets, numbers them, and cuts them into chunks.
type load struct {
	event  domain.Event
	rows   *pgconn.ResultReader // the stage, ordered by key and line
	probes bool                 // whether rows say that the event has their member already
	nextID int64

	accepted  int
	amount    int64 // of the accepted rows
	amounts   memberlist.Amounts
	defaulted int    // accepted rows that took the event's default amount
	standard  []byte // the event's default amount, as a column
	limit     int    // of rejected rows
	again     repeats
	look      memberlist.Look
	mark      listMark
	chunker   domain.Chunker
	chunks    []content.Chunk
	hasher    *content.Hasher // nil where nothing is kept

	key  []byte // of the last accepted row
	line int64
}

// The fields of an ordered row.
const (
	orderedKey = iota
	orderedAmount
	orderedLine
	orderedReason
	orderedExists // only where the event has targets already
)

// openLoad begins to read the stage in the order of (partition_key, member_id, line). ids begin at firstID.
func (s *Imports) openLoad(ctx context.Context, st *stage, e domain.Event, own *bool, counts stageCounts, firstID int64,
	hasher *content.Hasher,
) (*load, error) {
	binaryFormat := []int16{pgx.BinaryFormatCode}
	how := lookupFor(e, own, counts.staged)
	if how == hashAll {
		if err := forbidNestedLoops(ctx, st.conn); err != nil {
			return nil, err
		}
	}
	query := orderedQuery(st.table, e, how)
	return &load{
		event:    e,
		rows:     st.conn.PgConn().ExecParams(ctx, query, nil, nil, nil, binaryFormat),
		probes:   how != noMembers,
		nextID:   firstID,
		standard: binary.BigEndian.AppendUint64(nil, uint64(e.DefaultAmount)),
		limit:    s.sizes.MaxRejected - counts.rejected,
		chunker:  domain.Chunker{EventID: e.ID, MaxTargets: s.sizes.MessageTargets},
		hasher:   hasher,
	}, nil
}

// next appends the next target; io.EOF after the last, or where too many rows were rejected.
func (l *load) next(b pgcopy.Row) (pgcopy.Row, error) {
	for l.again.len() < l.limit && l.rows.NextRow() {
		v := l.rows.Values()
		if l.rejects(v) {
			continue
		}
		if err := l.count(v); err != nil {
			return b, err
		}
		return l.append(b, v), nil
	}
	if l.again.len() >= l.limit {
		return b, io.EOF
	}
	if _, err := l.rows.Close(); err != nil {
		return b, fmt.Errorf("read stage in order: %w", err)
	}
	if last, ok := l.chunker.Flush(); ok {
		l.end(last)
	}
	return b, io.EOF
}

// discard makes all targets and keeps none: what a dry run does.
func (l *load) discard() error {
	var b pgcopy.Row
	for {
		var err error
		if b, err = l.next(b[:0]); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// rejects reports whether a row is the second of its member, in the file or in the event. The first row of the file
// stands.
func (l *load) rejects(v [][]byte) bool {
	line := decodeInt8(v[orderedLine])
	switch {
	case l.probes && v[orderedExists][0] != 0:
		l.again.add(line, 0)
		return true
	case bytes.Equal(v[orderedKey], l.key):
		l.again.add(line, l.line)
		return true
	}
	l.key, l.line = append(l.key[:0], v[orderedKey]...), line
	return false
}

// count adds a row up, unless the event's totals could not hold it. A row without an amount gets the event's.
func (l *load) count(v [][]byte) error {
	if v[orderedAmount] == nil {
		v[orderedAmount] = l.standard
		l.defaulted++
	}
	amount := decodeInt8(v[orderedAmount])
	if amount > math.MaxInt64-l.event.TotalAmount-l.amount {
		return domain.AmountOverflowError()
	}
	if l.event.TotalCount+l.accepted == math.MaxInt32 {
		return tooManyRows(math.MaxInt32)
	}
	l.amount += amount
	l.amounts.Add(amount)
	l.accepted++
	return nil
}

// append numbers a row, puts it into a chunk and writes it.
func (l *load) append(b pgcopy.Row, v [][]byte) pgcopy.Row {
	id := l.nextID
	l.nextID++
	partition, member := cutStageKey(v[orderedKey])
	reason := v[orderedReason]
	l.look.Add(decodeInt8(v[orderedLine]), member, reason)
	size := domain.GrantSize(string(member), string(reason))
	if reason == nil {
		size = domain.GrantSize(string(member), l.event.DefaultReason)
	}
	if done, full := l.chunker.Add(id, partition, size); full {
		l.end(done)
	}
	amount := decodeInt8(v[orderedAmount])
	l.mark.add(member, amount)
	if l.hasher != nil {
		l.hasher.Add(id, amount, member, reason)
	}
	b = b.Begin(6).Int8(id).Int8(l.event.ID).Int8(amount).Int4(partition).Text(member)
	if reason == nil {
		return b.Null()
	}
	return b.Text(reason)
}

// end keeps a chunk whose targets are all written, with the hash of what was written.
func (l *load) end(c domain.Chunk) {
	done := content.Chunk{Chunk: c, Count: c.Size()}
	if l.hasher != nil {
		done.Hash = l.hasher.Sum()
	}
	l.chunks = append(l.chunks, done)
}

func decodeInt8(b []byte) int64 { return int64(binary.BigEndian.Uint64(b)) }

// repeats are the lines that hold a member a second time, and of each the line that counts, 0 for one that the event
// had already. They are bounded by the limit of rejected rows and kept in blocks, so that they never need to be moved.
type repeats struct{ blocks [][]repeat }

type repeat struct{ line, first int64 }

const repeatBlock = 4096

func (r *repeats) len() int {
	if len(r.blocks) == 0 {
		return 0
	}
	return (len(r.blocks)-1)*repeatBlock + len(r.blocks[len(r.blocks)-1])
}

func (r *repeats) add(line, first int64) {
	if r.len()%repeatBlock == 0 {
		r.blocks = append(r.blocks, make([]repeat, 0, repeatBlock))
	}
	last := &r.blocks[len(r.blocks)-1]
	*last = append(*last, repeat{line, first})
}

func (r *repeats) at(i int) repeat { return r.blocks[i/repeatBlock][i%repeatBlock] }
