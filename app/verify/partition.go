package verify

import (
	"fmt"

	"bestow/domain"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// addPartitionKeys reads targets as they stream by and asks the rule for each. A million take about a second, and no
// memory.
func addPartitionKeys(rows pgx.Rows, f *finding) error {
	defer rows.Close()
	var n, event int64
	var key, count int32
	var member pgtype.DriverBytes // of the connection's buffer, until the next row
	for rows.Next() {
		n++
		if err := rows.Scan(&event, &member, &key, &count); err != nil {
			return err
		}
		if want := domain.PartitionKey(event, string(member), int(count)); int(key) != want {
			f.differences++
			f.example(fmt.Sprintf("event %d, member %s: partition_key is %d of %d, the rule says %d", event, member,
				key, count, want))
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	return f.measures.add("targets", n)
}
