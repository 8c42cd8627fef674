package pg

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strconv"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

// Presence is a process as PostgreSQL sees it. Every session of the process's pool holds the same advisory lock,
// shared, from its first moment to its last. So whoever gets that lock exclusively knows that no session of the process
// is left: nothing of it is under way in the database.
//
// A process that lives may lose all its sessions too, with its network or its server. If another process has said
// meanwhile that it is gone (the column processes.gone), what it had in hand is not its own any more: it begins a new
// life, with a lock of its own, and what was begun in the life before gets no session ([InLife]).
type Presence struct {
	process string // the id of its row in processes, a uuid in hex

	mu     sync.Mutex
	life   int64
	server string // when the server began in which the life's sessions are; "": there was none yet
}

// NewPresence returns the presence of the process with the id, 32 digits in hex, in its first life.
func NewPresence(process string) *Presence {
	return &Presence{process: process, life: 1}
}

// Life is the number of the process's life, from 1.
func (p *Presence) Life() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.life
}

// entered notes what a session found that entered a life: that the life is over, and when its server began. It reports
// whether the process is still in that life. The sessions of a server that was started anew are none of before, so with
// them the process begins a life too: what it had in hand is free as soon as it has said so.
func (p *Presence) entered(life int64, over bool, server string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.life != life {
		return false // another session found it over before this one took its lock
	}
	if over || p.server != "" && server != p.server {
		p.life++
	}
	p.server = server
	return p.life == life
}

// ErrLifeOver is returned for a session that was asked for by what a process began before it was taken for gone.
var ErrLifeOver = errors.New("the process was taken for gone meanwhile, so what it had begun is not its own any more")

// present is the class of our locks of two numbers, which are never those of one number ([Space]). The second number is
// a hash of the process and its life. If two of them have the same, one that is gone is not seen to be.
const present = 0x62737477

const (
	// enterLife takes the lock of a life, and then looks whether that life is over. Who says that it is holds the lock
	// exclusively up to the commit, and the last statement has a snapshot of its own.
	enterLife = `SELECT pg_catalog.pg_advisory_lock_shared(%[1]d, pg_catalog.hashtext('%[2]s/%[3]d'));
		SELECT pg_catalog.pg_postmaster_start_time();
		SELECT FROM processes WHERE id = '%[2]s'::pg_catalog.uuid AND gone >= %[3]d`
	// noteLife says in the process's row which life it is in, lest the one before is taken for it until the next beat.
	noteLife  = `UPDATE processes SET life = %[2]d WHERE id = '%[1]s'::pg_catalog.uuid AND life < %[2]d`
	leaveLife = `SELECT pg_catalog.pg_advisory_unlock_shared(%[1]d, pg_catalog.hashtext('%[2]s/%[3]d'))`
)

// enter makes a new session one of the process's life. In a database without our tables, nobody can say that a process
// is gone.
func (p *Presence) enter(ctx context.Context, conn *pgconn.PgConn) error {
	for {
		life := p.Life()
		over, server := false, ""
		results, err := conn.Exec(ctx, fmt.Sprintf(enterLife, present, p.process, life)).ReadAll()
		switch {
		case err == nil:
			server, over = string(results[1].Rows[0][0]), len(results[2].Rows) > 0
		case Code(err) != UndefinedTable && Code(err) != UndefinedColumn:
			return fmt.Errorf("enter the process's life: %w", err)
		}
		if p.entered(life, over, server) {
			conn.CustomData()[lifeKey] = life
			return p.note(ctx, conn, life)
		}
		if _, err := conn.Exec(ctx, fmt.Sprintf(leaveLife, present, p.process, life)).ReadAll(); err != nil {
			return fmt.Errorf("leave the process's life: %w", err)
		}
	}
}

// note writes a life that is not the first into the process's row.
func (p *Presence) note(ctx context.Context, conn *pgconn.PgConn, life int64) error {
	if life == 1 {
		return nil
	}
	if _, err := conn.Exec(ctx, fmt.Sprintf(noteLife, p.process, life)).ReadAll(); err != nil {
		return fmt.Errorf("note the process's life: %w", err)
	}
	return nil
}

// lifeKey is the key of a session's life.
const lifeKey = "bestow.life"

// LifeOf is the life in which the session of tx was opened; 0 for a pool without a presence.
func LifeOf(tx pgx.Tx) int64 { return lifeOf(tx.Conn().PgConn()) }

func lifeOf(conn *pgconn.PgConn) int64 {
	life, _ := conn.CustomData()[lifeKey].(int64)
	return life
}

type inLife struct{}

// InLife returns a context that gets sessions of the life only; after its end, acquiring one fails with [ErrLifeOver].
// A life of 0 changes nothing.
func InLife(ctx context.Context, life int64) context.Context {
	if life == 0 {
		return ctx
	}
	return context.WithValue(ctx, inLife{}, life)
}

// admits returns ErrLifeOver if ctx asks for a session of another life than conn's.
func admits(ctx context.Context, conn *pgconn.PgConn) error {
	if life, asked := ctx.Value(inLife{}).(int64); asked && life != lifeOf(conn) {
		return ErrLifeOver
	}
	return nil
}

// Mark returns 8 bytes with which a life marks what it has in hand, such as the tokens of its claims.
func (p *Presence) Mark(life int64) (m [8]byte) { return markOf(p.process, life) }

func markOf(process string, life int64) (m [8]byte) {
	sum := sha256.Sum256([]byte(process + "/" + strconv.FormatInt(life, 10)))
	copy(m[:], sum[:])
	return m
}

// MarkedBetween returns the least and the greatest uuid that begins with the mark of the process's life. process is a
// uuid in hex, without dashes.
func MarkedBetween(process string, life int64) (least, greatest pgtype.UUID) {
	m := markOf(process, life)
	least.Valid, greatest.Valid = true, true
	copy(least.Bytes[:], m[:])
	copy(greatest.Bytes[:], m[:])
	for i := len(m); i < len(greatest.Bytes); i++ {
		greatest.Bytes[i] = 0xff
	}
	return least, greatest
}

// GoneLock is a condition in SQL that holds where the lock of a life is free, by the columns process (hex) and number
// of a row; it takes the lock exclusively until the transaction ends.
const GoneLock = `pg_try_advisory_xact_lock(x'62737477'::int, hashtext(process || '/' || number))`

// TryGone takes the lock of the process's life exclusively until tx ends, unless a session of it is left.
func TryGone(ctx context.Context, tx pgx.Tx, process string, life int64) (gone bool, err error) {
	const try = `SELECT ` + GoneLock + ` FROM (VALUES ($1::text, $2::bigint)) life (process, number)`
	if err := tx.QueryRow(ctx, try, process, life).Scan(&gone); err != nil {
		return false, fmt.Errorf("look whether a process is gone: %w", err)
	}
	return gone, nil
}
