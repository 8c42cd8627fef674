package app

import (
	"encoding/binary"
	"fmt"

	"bestow/domain"

	"github.com/jackc/pgx/v5"
)

// partitionRule is the invariant whose rows are judged here and not by PostgreSQL.
const partitionRule = "I8"

// addPartitionKeys reads targets as they stream by, in PostgreSQL's binary format, and asks the rule for each. A million
// take about half a second, and no memory.
func addPartitionKeys(rows pgx.Rows, f *finding) error {
	defer rows.Close()
	var n int64
	for rows.Next() {
		n++
		v := rows.RawValues()
		event, member := int64(binary.BigEndian.Uint64(v[0])), string(v[1])
		key, count := int32(binary.BigEndian.Uint32(v[2])), int32(binary.BigEndian.Uint32(v[3]))
		if want := domain.PartitionKey(event, member, int(count)); int(key) != want {
			f.differences++
			f.example(fmt.Sprintf("event %d, member %s: partition_key is %d of %d, the rule says %d", event, member, key, count, want))
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	return f.measures.add("targets", n)
}
