package outbox

import (
	"context"
	"errors"
	"fmt"

	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// ForeignError is the error of a handler that met something in a message that the rows do not know: a chunk, a member or an
// amount. The message is parked, and not delivered again; whatever was right in it has been handled.
type ForeignError struct{ Detail string }

func (f *ForeignError) Error() string { return f.Detail }

// The causes for which a message is parked. They are kept in parked_messages.
const (
	causeUndecodable = "undecodable"
	causeForeign     = "foreign"
	causeNewer       = "newer_version"
)

// causeOf sorts what is wrong with a message; ok is false where nothing is, and it is to be delivered again.
func causeOf(err error) (cause string, ok bool) {
	if _, foreign := errors.AsType[*ForeignError](err); foreign {
		return causeForeign, true
	}
	return "", false
}

// park keeps a message that no handler can use, once per position: it may be delivered any number of times.
func park(ctx context.Context, pool *pgxpool.Pool, at Position, payload []byte, cause string, why error) error {
	const insert = `INSERT INTO parked_messages (cause, detail, topic, kafka_partition, kafka_offset, payload)
		VALUES ($1, left($2, 1000), $3, $4, $5, $6) ON CONFLICT ON CONSTRAINT parked_messages_position_key DO NOTHING`
	return pg.InTx(ctx, pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, insert, cause, printable(why.Error()), at.Topic, at.Partition, at.Offset, payload); err != nil {
			return fmt.Errorf("park message: %w", err)
		}
		return nil
	})
}

// printable takes out of s what PostgreSQL's text would refuse.
func printable(s string) string {
	out := make([]rune, 0, len(s))
	for _, r := range s {
		if r == 0 {
			r = '\uFFFD'
		}
		out = append(out, r)
	}
	return string(out)
}
