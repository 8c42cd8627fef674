package outbox

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Installation is one database and the processes that work on it. Several installations may use the same brokers, and
// even the same topics: the source of each message says which of them wrote it.
type Installation struct {
	ID string // a uuid, as PostgreSQL writes it

	// UnnamedAreOurs reports whether messages without an id belong to this installation: it had events before there
	// were ids.
	UnnamedAreOurs bool
}

const (
	sourcePrefix  = "/bestow/"
	unnamedSource = sourcePrefix + "relay" // of messages that are older than ids
)

// uuidFormat matches a uuid as PostgreSQL writes it.
var uuidFormat = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// querier is a pool, or a transaction.
type querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// ReadInstallation reads which installation the database belongs to.
func ReadInstallation(ctx context.Context, q querier) (i Installation, err error) {
	const query = `SELECT id::text, unnamed_are_ours FROM installation`
	if err := q.QueryRow(ctx, query).Scan(&i.ID, &i.UnnamedAreOurs); err != nil {
		return i, fmt.Errorf("read installation: %w", err)
	}
	return i, nil
}

// elsewhereError is the error of a message that another installation wrote. The message is good, but not for us.
type elsewhereError struct {
	installation string // its id; "" for a message that names none
}

func (e *elsewhereError) Error() string {
	if e.installation == "" {
		return "the message names no installation, and this one had no events before messages named theirs"
	}
	return "the message is of installation " + e.installation
}

// check returns nil for the source of a message of this installation, *elsewhereError for that of another one, and
// another error for what no installation writes.
func (i Installation) check(source string) error {
	id, named := strings.CutPrefix(source, sourcePrefix)
	switch {
	case named && id == i.ID, source == unnamedSource && i.UnnamedAreOurs:
		return nil
	case source == unnamedSource:
		return &elsewhereError{}
	case named && uuidFormat.MatchString(id):
		return &elsewhereError{id}
	}
	return fmt.Errorf("message has source %.60q, which is that of no installation", source)
}

// group returns the consumer group of a topic. Each topic has its own, so a new one rebalances no other's partitions.
func (i Installation) group(topic string) string { return "bestow." + i.ID + "." + topic }

// unnamedGroup returns the consumer group that the topic had before installations had ids.
func unnamedGroup(topic string) string { return "bestow." + topic }

// RenewInstallation gives the database a new id, which a copy of another installation's database needs. From then on,
// the other one's messages in Kafka do not belong to this one: the reconcile republishes what was published and not
// settled. It is refused as CheckStopped says.
func RenewInstallation(ctx context.Context, tx pgx.Tx) (i Installation, err error) {
	if err := CheckStopped(ctx, tx); err != nil {
		return i, err
	}
	const update = `UPDATE installation SET id = gen_random_uuid(), unnamed_are_ours = false, created_at = now() RETURNING id::text`
	if err := tx.QueryRow(ctx, update).Scan(&i.ID); err != nil {
		return i, fmt.Errorf("renew installation: %w", err)
	}
	return i, nil
}

// CheckStopped returns an error while a process uses the database, since a process keeps the id that it started with.
// It counts sessions with our name, and rows of processes whose sessions have another name.
func CheckStopped(ctx context.Context, tx pgx.Tx) error {
	const alive = `SELECT
			(SELECT count(*) FROM processes WHERE seen_at > clock_timestamp() - interval '30 seconds'),
			(SELECT count(*) FROM pg_stat_activity
			 WHERE datname = current_database() AND application_name LIKE 'bestow%' AND pid <> pg_backend_pid())`
	var processes, sessions int
	if err := tx.QueryRow(ctx, alive).Scan(&processes, &sessions); err != nil {
		return fmt.Errorf("count processes: %w", err)
	}
	if processes+sessions == 0 {
		return nil
	}
	return fmt.Errorf("processes of bestow use this database (seen within 30 s: %d; open connections: %d): "+
		"stop all of them first, then give the new id, then start them; one that was killed is forgotten after 30 s", processes, sessions)
}
