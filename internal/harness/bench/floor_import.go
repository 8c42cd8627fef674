package bench

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strconv"
	"strings"
	"time"

	"bestow/domain"
	"bestow/domain/content"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// load is T1: the list is staged, read back in order, and copied into a partition of the event's own.
func (f *floor) load(ctx context.Context) (err error) {
	conn, err := pgx.ConnectConfig(ctx, f.pool.Config().ConnConfig)
	if err != nil {
		return fmt.Errorf("connect for import: %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }() // it is not needed any more
	stage := ""
	err = f.tx(ctx, func(tx *floorTx) {
		tx.exec(sqlSetUpImport)
		tx.row(sqlTryLock, f.importLock())
		tx.row(sqlEvent, f.event.ID)
		tx.row(sqlNow)
		tx.row(sqlOwnPartition, f.event.ID)
		tx.row(sqlKey, f.event.ID)
		tx.do(func() (err error) { stage, err = f.stage(ctx, conn); return err })
		first := int64(0)
		tx.do(func() (err error) { first, err = f.reserve(ctx, conn); return err })
		tx.row(sqlCreatePartition, f.event.Type.Code, f.event.ID)
		tx.do(func() error { return f.copyTargets(tx, conn, stage, first) })
		f.publishChunks(tx)
	})
	if err != nil {
		return err
	}
	word := stage[strings.LastIndexByte(stage, '_')+1:]
	if _, err := f.pool.Exec(ctx, sqlDropStage, f.event.ID, word); err != nil {
		return fmt.Errorf("drop stage: %w", err)
	}
	return nil
}

// do runs a step of another connection, or of the protocol below SQL.
func (t *floorTx) do(step func() error) {
	if t.err == nil {
		t.err = step()
	}
}

// stage makes a stage, copies the members into it in the list's order, and returns its name.
func (f *floor) stage(ctx context.Context, conn *pgx.Conn) (stage string, err error) {
	if _, err := conn.Exec(ctx, sqlStages, "import_stage_"); err != nil {
		return "", fmt.Errorf("make stage: %w", err)
	}
	if err := conn.QueryRow(ctx, sqlCreateStage, f.event.ID).Scan(&stage); err != nil {
		return "", fmt.Errorf("make stage: %w", err)
	}
	if _, err := conn.Exec(ctx, sqlStageSettings); err != nil {
		return "", fmt.Errorf("make stage: %w", err)
	}
	at := 0
	rows := &copyReader{row: func(b []byte) ([]byte, error) {
		if at == f.members {
			return b, io.EOF
		}
		at++
		return f.appendStaged(b, at-1), nil
	}}
	if _, err := conn.PgConn().CopyFrom(ctx, rows, fmt.Sprintf(sqlCopyStage, stage)); err != nil {
		return "", fmt.Errorf("copy into stage: %w", err)
	}
	return stage, nil
}

func (f *floor) appendStaged(b []byte, i int) []byte {
	member, amount := memberAt(i), amountAt(i)
	if amount == 0 {
		amount = defaultAmount
	}
	partition := domain.PartitionKey(f.event.ID, member, f.event.Partitions)
	b = appendInt8(appendInt8(appendFields(b, 6), int64(i)+2), amount)
	b = append(append(appendLength(b, 1+len(member)), byte('0'+partition)), member...)
	b = appendNull(b)
	at := len(b)
	b = appendLine(appendLength(b, 0), i)
	binary.BigEndian.PutUint32(b[at:], uint32(len(b)-at-4))
	return appendNull(b)
}

// reserve takes ids for all members.
func (f *floor) reserve(ctx context.Context, conn *pgx.Conn) (first int64, err error) {
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		lock := int64(crc32.ChecksumIEEE([]byte(f.event.Type.Code)))<<3 | 2
		if _, err := tx.Exec(ctx, sqlLock, lock); err != nil {
			return err
		}
		return tx.QueryRow(ctx, sqlReserve, f.event.Type.TargetTable()+"_id_seq", f.members).Scan(&first)
	})
	if err != nil {
		return 0, fmt.Errorf("reserve ids: %w", err)
	}
	return first, nil
}

// copyTargets reads the stage in order and writes what it reads into the partition, as it comes.
func (f *floor) copyTargets(tx *floorTx, conn *pgx.Conn, stage string, first int64) error {
	ordered := conn.PgConn().ExecParams(tx.ctx, fmt.Sprintf(sqlOrdered, stage), nil, nil, nil,
		[]int16{pgx.BinaryFormatCode})
	id := first
	rows := &copyReader{row: func(b []byte) ([]byte, error) {
		if !ordered.NextRow() {
			_, err := ordered.Close()
			return b, errors.Join(err, io.EOF)
		}
		id++
		return f.appendTarget(b, id-1, ordered), nil
	}}
	into := fmt.Sprintf(sqlCopyTargets, f.event.Type.TargetTable()+"_"+strconv.FormatInt(f.event.ID, 10))
	if _, err := tx.tx.Conn().PgConn().CopyFrom(tx.ctx, rows, into); err != nil {
		return fmt.Errorf("copy targets: %w", err)
	}
	if last, ok := f.chunker.Flush(); ok {
		f.end(last)
	}
	return nil
}

func (f *floor) appendTarget(b []byte, id int64, ordered *pgconn.ResultReader) []byte {
	v := ordered.Values()
	partition, member := int(v[0][0]-'0'), v[0][1:]
	if done, full := f.chunker.Add(id, partition, domain.GrantSize(string(member), defaultReason)); full {
		f.end(done)
	}
	f.hasher.Add(id, int64(binary.BigEndian.Uint64(v[1])), member, nil)
	b = appendInt8(appendInt8(appendFields(b, 6), id), f.event.ID)
	b = append(appendLength(b, 8), v[1]...)
	b = binary.BigEndian.AppendUint32(appendLength(b, 4), uint32(partition))
	return appendNull(append(appendLength(b, len(member)), member...))
}

// end keeps a chunk with the hash of its targets, without which the run would not verify.
func (f *floor) end(c domain.Chunk) {
	f.chunks = append(f.chunks, content.Chunk{Chunk: c, Count: c.Size(), Hash: f.hasher.Sum()})
}

// publishChunks makes the targets the event's own.
func (f *floor) publishChunks(tx *floorTx) {
	tx.rows(sqlImport, []any{&f.importID}, func() error { return nil }, f.event.ID, caller.Actor, "text/csv",
		header[:len(header)-1],
		make([]byte, 32), 0, f.members, 0, f.amount(), true, f.defaulted(), f.most(), 0, []int64{})
	tx.exec(sqlKeepKey, f.event.ID, f.kept)
	tx.rows(sqlDigest, []any{&f.digest}, func() error { return nil }, f.importID)
	f.seal(tx)
	columns := []string{"event_id", "partition_key", "first_id", "last_id", "target_count", "import_id", "content_hash"}
	tx.do(func() error {
		_, err := tx.tx.CopyFrom(tx.ctx, pgx.Identifier{"grant_chunks"},
			columns, pgx.CopyFromSlice(len(f.chunks), func(i int) ([]any, error) {
				c := f.chunks[i]
				return []any{c.EventID, c.PartitionKey, c.First, c.Last, c.Count, f.importID, c.Hash[:]}, nil
			}))
		return err
	})
	tx.exec(sqlIndexPartition, f.event.Type.Code, f.event.ID)
	tx.do(func() error {
		return pgx.BeginFunc(tx.ctx, tx.tx, func(inner pgx.Tx) error {
			t := &floorTx{ctx: tx.ctx, tx: inner}
			t.exec(sqlLock, f.gate())
			t.exec(sqlLockTimeout)
			t.exec(sqlAttachPartition, f.event.Type.Code, f.event.ID)
			t.exec(sqlNoLockTimeout)
			return t.err
		})
	})
	tx.exec(sqlTotals, f.event.ID, f.members, f.amount(), true, f.event.Partitions, f.event.DefaultAmount,
		f.event.DefaultReason)
	tx.exec(sqlLock, f.endLock())
	tx.row(sqlEnded, f.event.ID, time.Now())
}

// seal keeps which chunks and which imports there are.
func (f *floor) seal(tx *floorTx) {
	sealed := content.SealImport(f.key, f.importID, f.digest, f.chunks)
	tx.exec(sqlSeal, f.importID, sealed[:])
	tx.row(sqlSealed, f.event.ID)
	whole := content.SealImports(f.key, []content.Sealed{{ImportID: f.importID, Seal: sealed[:]}})
	tx.exec(sqlImportsSeal, f.event.ID, whole[:])
}

// defaulted returns how many members get the default amount.
func (f *floor) defaulted() (n int) {
	for i := range f.members {
		if amountAt(i) == 0 {
			n++
		}
	}
	return n
}

// most is the largest amount.
func (f *floor) most() (most int64) {
	for i := range f.members {
		most = max(most, cmp.Or(amountAt(i), defaultAmount))
	}
	return most
}

// amount is the sum of all amounts.
func (f *floor) amount() (sum int64) {
	for i := range f.members {
		if a := amountAt(i); a > 0 {
			sum += a
		} else {
			sum += defaultAmount
		}
	}
	return sum
}
