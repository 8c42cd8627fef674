// Package lists reads the members of events: the targets, the results, and the way of one member from its list to the
// ledger.
package lists

import (
	"errors"
	"time"

	"bestow/internal/places"

	"github.com/jackc/pgx/v5/pgxpool"
)

// Lists reads the members of events; it changes nothing but the audit.
type Lists struct {
	pool    *pgxpool.Pool
	exports *places.Places // of lists that are sent whole
	wait    time.Duration  // for a place
}

// New returns the lists of a database, or an error where there is none.
func New(pool *pgxpool.Pool) (*Lists, error) {
	if pool == nil {
		return nil, errors.New("lists need a pool")
	}
	return &Lists{pool: pool, exports: places.New(places.ButOne(maxExports)), wait: exportWait}, nil
}

// Places returns how many lists this process is exporting, and how many exports wait for their turn.
func (s *Lists) Places() (atWork, waiting int) { return s.exports.Counts() }
