package outbox

import (
	"context"
	"errors"
	"fmt"

	"bestow/internal/failpoint"
	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// ForeignError is a handler's error for a message with a chunk, a member or an amount that the rows do not have. The
// message is parked and not delivered again; its other grants have been handled.
type ForeignError struct{ Detail string }

// Error says what the message has that the rows do not have.
func (f *ForeignError) Error() string { return f.Detail }

// The causes for which a message is parked. They are kept in parked_messages.
const (
	causeUndecodable = "undecodable"
	causeForeign     = "foreign"
	causeNewer       = "newer_version"
)

// unreadableError is the error of a message that cannot be decoded.
type unreadableError struct{ error }

func (u *unreadableError) Unwrap() error { return u.error }

// causeOf returns the cause for which a message is parked. ok reports whether the error is one of the message; if not,
// the message is to be delivered again.
func causeOf(err error) (cause string, ok bool) {
	if _, foreign := errors.AsType[*ForeignError](err); foreign {
		return causeForeign, true
	}
	if _, unreadable := errors.AsType[*unreadableError](err); !unreadable {
		return "", false
	}
	if errors.Is(err, errNewer) {
		return causeNewer, true
	}
	return causeUndecodable, true
}

// park keeps a message that no handler can use. It keeps one row per position, since a message may be delivered any
// number of times. A copy that comes back from a replay goes to its own row, and makes no new one.
func park(ctx context.Context, pool *pgxpool.Pool, at Position, payload []byte, from replay, cause string,
	why error,
) error {
	const insert = `INSERT INTO parked_messages (cause, detail, topic, kafka_partition, kafka_offset, payload, digest)
		VALUES ($1, left($2, 1000), $3, $4, $5, $6,
			sha256(convert_to(ROW($3::varchar, $4::int, $5::bigint, encode($6, 'hex'))::text, 'UTF8')))
		ON CONFLICT ON CONSTRAINT parked_messages_position_key DO NOTHING`
	if payload == nil { // a record without a value is stored as empty, not as NULL
		payload = []byte{}
	}
	detail := printable(why.Error())
	return pg.InTx(ctx, pool, func(tx pgx.Tx) error {
		if back, err := parkCopy(ctx, tx, from, payload, cause, detail); err != nil || back {
			return err
		}
		if _, err := tx.Exec(ctx, insert, cause, detail, at.Topic, at.Partition, at.Offset, payload); err != nil {
			return fmt.Errorf("park message: %w", err)
		}
		return failpoint.Hit(ctx, failpoint.ParkBeforeCommit)
	})
}

// parkCopy reports whether the message is a copy of a parked one. After a copy of the last replay, the parked message
// can be replayed again. A late copy of an earlier replay changes nothing, nor does one that is delivered again.
func parkCopy(ctx context.Context, tx pgx.Tx, from replay, payload []byte,
	cause, detail string,
) (back bool, err error) {
	if from.parkedID == 0 {
		return false, nil
	}
	const update = `UPDATE parked_messages SET replayed_at = NULL, cause = $4, detail = left($5, 1000)
		WHERE id = $1 AND payload = $2 AND replayed_at = $3`
	if _, err := tx.Exec(ctx, update, from.parkedID, payload, from.asked, cause, detail); err != nil {
		return false, fmt.Errorf("park message again: %w", err)
	}
	// Anyone can write the header, so only a message with the same bytes is a copy.
	const query = `SELECT EXISTS (SELECT FROM parked_messages WHERE id = $1 AND payload = $2)`
	if err := tx.QueryRow(ctx, query, from.parkedID, payload).Scan(&back); err != nil {
		return false, fmt.Errorf("park message again: %w", err)
	}
	return back, failpoint.Hit(ctx, failpoint.ParkBackBeforeCommit)
}

// printable returns s without what PostgreSQL's text would refuse.
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
