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

// ForeignError is the error of a handler that met something in a message that the rows do not know: a chunk, a member
// or an amount. The message is parked, and not delivered again; whatever was right in it has been handled.
type ForeignError struct{ Detail string }

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

// causeOf sorts what is wrong with a message; ok is false where nothing is, and it is to be delivered again.
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

// park keeps a message that no handler can use, once per position: it may be delivered any number of times. A copy that
// comes back from a replay goes to the row that it was published from, and makes none of its own.
func park(ctx context.Context, pool *pgxpool.Pool, at Position, payload []byte, from replay, cause string,
	why error) error {
	const insert = `INSERT INTO parked_messages (cause, detail, topic, kafka_partition, kafka_offset, payload, digest)
		VALUES ($1, left($2, 1000), $3, $4, $5, $6,
			sha256(convert_to(ROW($3::varchar, $4::int, $5::bigint, encode($6, 'hex'))::text, 'UTF8')))
		ON CONFLICT ON CONSTRAINT parked_messages_position_key DO NOTHING`
	if payload == nil { // a record without a value, which is no NULL
		payload = []byte{}
	}
	detail := printable(why.Error())
	return pg.InTx(ctx, pool, func(tx pgx.Tx) error {
		if back, err := parkAgain(ctx, tx, from, payload, cause, detail); err != nil || back {
			return err
		}
		if _, err := tx.Exec(ctx, insert, cause, detail, at.Topic, at.Partition, at.Offset, payload); err != nil {
			return fmt.Errorf("park message: %w", err)
		}
		return failpoint.Hit(ctx, failpoint.ParkBeforeCommit)
	})
}

// parkAgain says whether the message is a copy of a parked one. If it is one of the last replay, the parked one waits
// for another; a late copy of an earlier replay, or one that is delivered again, changes nothing.
func parkAgain(ctx context.Context, tx pgx.Tx, from replay, payload []byte,
	cause, detail string) (back bool, err error) {
	if from.parkedID == 0 {
		return false, nil
	}
	const update = `UPDATE parked_messages SET replayed_at = NULL, cause = $4, detail = left($5, 1000)
		WHERE id = $1 AND payload = $2 AND replayed_at = $3`
	if _, err := tx.Exec(ctx, update, from.parkedID, payload, from.asked, cause, detail); err != nil {
		return false, fmt.Errorf("park message again: %w", err)
	}
	// The header alone is anybody's to write: only the same bytes are a copy.
	const query = `SELECT EXISTS (SELECT FROM parked_messages WHERE id = $1 AND payload = $2)`
	if err := tx.QueryRow(ctx, query, from.parkedID, payload).Scan(&back); err != nil {
		return false, fmt.Errorf("park message again: %w", err)
	}
	return back, failpoint.Hit(ctx, failpoint.ParkBackBeforeCommit)
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
