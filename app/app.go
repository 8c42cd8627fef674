package app

import (
	"context"
	"log/slog"
	"time"

	"bestow/domain"
	"bestow/internal/seal"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
)

// Granter is the ledger as a grant needs it: ours in process, ours over HTTP, or another company's.
type Granter interface {
	// Grant asks for all grants of e in one batch and returns an outcome for each, in their order. What is not applied by
	// deadline never is. An error means that the batch as a whole is unknown: nothing says what was applied.
	Grant(ctx context.Context, e domain.Event, deadline time.Time, grants []domain.Grant) ([]domain.Outcome, error)
	// Lookup says for each grant of e, in their order, whether it stands in the ledger: Granted, or nil where its key is
	// unknown. It changes nothing.
	Lookup(ctx context.Context, e domain.Event, grants []domain.Grant) ([]*domain.Outcome, error)
	// Away says why e's ledger should not be asked now, nil if it may be: the calls before failed as a whole, or it is not
	// the ledger that it was. It is a guess that costs nothing; a call may fail without it.
	Away(e domain.Event) error
}

// Sealer seals the PINs of vouchers, with a key per event that is wrapped by the master key.
type Sealer interface {
	// Seal returns each PIN's ciphertext, bound to the event, the member and the field.
	Seal(ctx context.Context, tx pgx.Tx, eventID int64, members, pins []string) ([]string, error)
}

// LedgerRule returns why the ledger that grants e would refuse g at now, by its code and message; both are empty if it would
// not, and where nothing is known of the ledger's rules before it is asked. It is the ledger's own rule, so that what an
// event says of its grants is refused when the event is made, and not member by member when it runs.
type LedgerRule func(e domain.Event, g domain.Grant, now time.Time) (code domain.Code, message string)

// Deps is what every use case stands on.
type Deps struct {
	Pool    *pgxpool.Pool
	River   *river.Client[pgx.Tx]
	Granter Granter
	Rule    LedgerRule   // nil: no ledger's rules are known
	Sealer  Sealer       // nil: no master key, so voucher events are refused
	Master  *seal.Master // nil: no master key, so the keys of the lists' hashes lie in the database as they are
	Log     *slog.Logger
	Limits  Limits
	// WrappedKeysOnly refuses keys of hashes that no master key has wrapped: in production they prove nothing.
	WrappedKeysOnly bool
	// ExpiryOff says that nothing expires by itself (BESTOW_EXPIRY=off): what has run out and is open is no difference then.
	ExpiryOff bool
	// LimitsNeeded lets nothing start whose event type lacks a limit: in production.
	LimitsNeeded bool

	// RemoteLedger says that grants go to a ledger that is reached over HTTP. If the one in this database is then empty, the
	// invariants of the ledger are not compared.
	RemoteLedger bool

	Unsealer Unsealer // nil: no master key, so the proof does not compare codes and PINs
	Zone     string   // of the ledger's days, by its IANA name; "": Asia/Seoul
}

// Limits are the settings that use cases obey.
type Limits struct {
	Retry          domain.RetryPolicy
	MessageTargets int // targets a message at the most
	RelayChunks    int // chunks a relay job at the most
	ImportRows     int // rows an upload at the most
	Imports        int // imports at work in a process at the most; each holds a connection of the pool
	ImportRejected int // rejected rows that end an upload
	OwnPartition   int // a first import of at least as many targets gets a partition of its own

	// ClaimLease is how long a claim is open: nobody else asks the ledger for the chunk meanwhile. GrantBudget is how long
	// the ledger may take; it ends well before the lease, so that what the ledger applies in the last moment is settled by
	// the claim under which it was asked.
	ClaimLease, GrantBudget time.Duration
}

// DefaultLimits are those of the settings' defaults.
func DefaultLimits() Limits {
	return Limits{
		Retry:          domain.RetryPolicy{Limit: 5, Backoff: time.Minute},
		MessageTargets: 1000,
		RelayChunks:    5,
		ImportRows:     10_000_000,
		Imports:        4,
		ImportRejected: 1_000_000,
		OwnPartition:   100_000,
		ClaimLease:     15 * time.Second,
		GrantBudget:    10 * time.Second,
	}
}

// App is the table of contents of the product.
type App struct {
	Events  *Events
	Targets *Targets
	Grants  *Grants
	Reports *Reports
	Parked  *Parked

	Processes *Processes
	Types     *Types
	Ledgers   *Ledgers
}

// New wires the use cases.
func New(d Deps) *App {
	events := &Events{d}
	return &App{
		Events: events, Targets: &Targets{Deps: d, places: make(chan struct{}, max(1, d.Limits.Imports))},
		Grants: &Grants{Deps: d, events: events}, Reports: &Reports{d}, Parked: &Parked{d}, Processes: &Processes{d}, Types: &Types{d},
		Ledgers: &Ledgers{d},
	}
}
