// Package people lets people sign in: an invite lets a person set a password and enrol a phone, a sign-in begins a
// session, and a session says who asks.
//
// Start with People.SignIn. invite.go makes links and uses them up, session.go keeps sessions, company.go
// takes whom the company's identity provider names, attempts.go and hashing.go bound how often a stranger may guess,
// and what it costs.
//
// What it must never do: keep, log or return a password, a code or a token, but for the token in the answer that makes
// it; or let an answer tell whether a name exists.
package people

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"bestow/app/known"
	"bestow/domain"
	"bestow/internal/allowance"
	"bestow/internal/keys"
	"bestow/internal/seal"

	"github.com/jackc/pgx/v5/pgxpool"
)

// Config holds what the use cases need.
type Config struct {
	Pool   *pgxpool.Pool
	Log    *slog.Logger // nil: nothing is logged
	Master *seal.Master // nil: the keys of the codes lie in the database as they are
	// WrappedOnly refuses such keys.
	WrappedOnly bool
	// Company says that people sign in with the company's identity provider. Then only those who were invited on the host
	// have a password that counts, for the day when the provider is away.
	Company bool
}

// People is the use cases of sign-in.
type People struct {
	pool     *pgxpool.Pool
	log      *slog.Logger
	keys     keys.Store
	sessions *known.Finder[owner]
	byOrigin *allowance.Table[string]
	byName   *allowance.Table[string]
	unknown  *allowance.Table[struct{}] // of all networks from which the person has not signed in
	hashing  hashing
	cost     cost      // of a new password's hash
	decoy    *seal.Key // stands for that of a name without a password
	company  bool
	refuseIn time.Duration // from the beginning of a refused sign-in to its answer
}

// refuseIn is longer than a sign-in takes, so that the time of a refusal tells nothing of its reason.
const refuseIn = 700 * time.Millisecond

// New returns the use cases, or says what c lacks.
func New(c Config) (*People, error) {
	if c.Pool == nil {
		return nil, errors.New("people need a pool")
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	decoy, err := seal.NewKey()
	if err != nil {
		return nil, fmt.Errorf("make a decoy: %w", err)
	}
	return &People{
		pool: c.Pool, log: c.Log,
		keys:     keys.Store{Table: keys.Passwords, Master: c.Master, WrappedOnly: c.WrappedOnly},
		sessions: known.NewFinder[owner](),
		byOrigin: allowance.NewTable[string](perOrigin), byName: allowance.NewTable[string](perName),
		unknown: allowance.NewTable[struct{}](perUnknown),
		hashing: newHashing(), cost: usual, decoy: decoy, refuseIn: refuseIn,
		company: c.Company,
	}, nil
}

// missing turns the error of a key that cannot be made or opened into domain.MissingKeys.
func missing(err error) error {
	switch {
	case errors.Is(err, keys.ErrNoMaster):
		return domain.MissingKeysError("the keys of the codes need a master key, and there is none",
			"set BESTOW_MASTER_KEY, and start the service again")
	case errors.Is(err, keys.ErrBare), errors.Is(err, seal.ErrOpen):
		return domain.MissingKeysError("the key of the person's codes cannot be opened by this master key",
			"set BESTOW_MASTER_KEY to the key that the service had, or invite the person again on the host")
	}
	return err
}
