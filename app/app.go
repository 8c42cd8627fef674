package app

import (
	"context"
	"errors"
	"log/slog"

	"bestow/app/access"
	"bestow/app/audit"
	"bestow/app/checks"
	"bestow/app/gauges"
	"bestow/app/grants"
	"bestow/app/imports"
	"bestow/app/ledger"
	"bestow/app/listkey"
	"bestow/app/lists"
	"bestow/app/obstacle"
	"bestow/app/oidc"
	"bestow/app/parked"
	"bestow/app/people"
	"bestow/app/pins"
	"bestow/app/processes"
	"bestow/app/reports"
	"bestow/app/types"
	"bestow/app/uploads"
	"bestow/app/verify"
	"bestow/domain"
	"bestow/internal/keys"
	"bestow/internal/seal"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
)

// Deps holds what the use cases stand on.
type Deps struct {
	Pool  *pgxpool.Pool
	River *river.Client[pgx.Tx]
	Log   *slog.Logger // nil: nothing is logged

	Granter grants.Granter // nil: this process grants nothing
	// ClaimMark is grants.Config.Mark.
	ClaimMark func(domain.Event, int64) ([8]byte, bool)
	Book      ledger.Book         // the ledger of points as operators see it; nil: it is not known
	Rule      obstacle.LedgerRule // nil: no ledger's rules are known
	Sealer    grants.Sealer       // nil: no master key, so voucher events are refused
	Unsealer  verify.Unsealer     // nil: no master key, so the proof does not compare codes and PINs
	// Master is the master key; nil: there is none, so the keys of the lists' hashes lie in the database as they are.
	Master *seal.Master
	// Company is the company's identity provider; nil: people sign in with passwords.
	Company *oidc.Provider

	Limits Limits // the zero value: DefaultLimits
	Zone   string // of the ledger's days, by its IANA name; "": Asia/Seoul

	// WrappedKeysOnly refuses keys of hashes that no master key has wrapped: in production they prove nothing.
	WrappedKeysOnly bool
	// LimitsNeeded lets nothing start whose event type lacks a limit: in production.
	LimitsNeeded bool
	// RemoteLedger and ExpiryOff are the verifier's.
	RemoteLedger, ExpiryOff bool
}

// Limits are the settings that use cases obey.
type Limits struct {
	imports.Sizes
	grants.Times

	UploadSpace int64 // the most bytes of all uploads together
}

// DefaultLimits are those of the settings' defaults.
func DefaultLimits() Limits {
	return Limits{imports.DefaultSizes(), grants.DefaultTimes(), uploads.DefaultSpace}
}

// App is the table of contents of the product: every use case of a process that serves.
type App struct {
	Events  *Events
	Types   *types.Types
	Parked  *parked.Parked
	Targets *imports.Imports
	Uploads *uploads.Uploads
	Checks  *checks.Checks
	Grants  *grants.Grants // nil in a process that grants nothing
	Reports *reports.Reports
	Lists   *lists.Lists
	Verify  *verify.Verifier
	PINs    *pins.Revealer
	Access  *access.Access
	People  *people.People
	Company *oidc.Provider // nil: people sign in with passwords
	Audit   *audit.Audit
	Gauges  *gauges.Gauges

	Processes *processes.Processes
	Ledgers   *processes.Ledgers
	Ledger    *ledger.Ledger // of points
}

// New wires the use cases, or says what d lacks.
func New(d Deps) (*App, error) {
	if d.Pool == nil || d.River == nil {
		return nil, errors.New("the use cases need a pool and a River client")
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	if d.Limits == (Limits{}) {
		d.Limits = DefaultLimits()
	}
	events := d.events()
	a := &App{
		Company:   d.Company,
		Events:    events,
		Processes: processes.New(d.Pool), Ledgers: processes.NewLedgers(d.Pool), Ledger: ledger.New(d.Pool, d.Book),
	}
	if err := errors.Join(d.addLists(a), d.addReports(a), d.addGrants(a), d.addAccess(a), d.addTypes(a)); err != nil {
		return nil, err
	}
	return a, nil
}

func (d Deps) listKeys() listkey.Keys {
	return listkey.Keys{Master: d.Master, WrappedOnly: d.WrappedKeysOnly, Log: d.Log}
}

func (d Deps) rules() obstacle.Rules {
	return obstacle.Rules{Ledger: d.Rule, SealsPINs: d.Sealer != nil, LimitsNeeded: d.LimitsNeeded}
}

func (d Deps) events() *Events {
	return &Events{
		pool: d.Pool, river: d.River, keys: d.listKeys(), rules: d.rules(), log: d.Log,
		relayChunks: d.Limits.RelayChunks, drainWait: max(leastDrain, d.Limits.ClaimLease),
	}
}

func (d Deps) addLists(a *App) (err error) {
	if a.Uploads, err = uploads.New(d.Pool, d.Limits.UploadSpace); err != nil {
		return err
	}
	if a.Checks, err = checks.New(d.Pool); err != nil {
		return err
	}
	a.Targets, err = imports.New(imports.Config{
		Pool: d.Pool, River: d.River, Keys: d.listKeys(), Log: d.Log, Sizes: d.Limits.Sizes,
	})
	return err
}

func (d Deps) addReports(a *App) (err error) {
	if a.Reports, err = reports.New(reports.Config{
		Pool: d.Pool, River: d.River, Rules: d.rules(), ClaimLease: d.Limits.ClaimLease,
	}); err != nil {
		return err
	}
	if a.Parked, err = parked.New(d.Pool, d.River); err != nil {
		return err
	}
	if a.Lists, err = lists.New(d.Pool); err != nil {
		return err
	}
	if a.Gauges, err = gauges.New(d.Pool); err != nil {
		return err
	}
	if a.PINs, err = pins.NewRevealer(d.Pool, d.Master); err != nil {
		return err
	}
	c := verify.Config{
		Pool: d.Pool, Keys: keys.Store{Table: keys.Content, Master: d.Master, WrappedOnly: d.WrappedKeysOnly},
		Unsealer: d.Unsealer, Zone: d.Zone, RemoteLedger: d.RemoteLedger, ExpiryOff: d.ExpiryOff,
	}
	if d.Granter != nil {
		c.Ledgers = d.Granter
	}
	a.Verify, err = verify.New(c)
	return err
}

func (d Deps) addGrants(a *App) (err error) {
	if d.Granter == nil {
		return nil
	}
	a.Grants, err = grants.New(grants.Config{
		Pool: d.Pool, River: d.River, Granter: d.Granter, Sealer: d.Sealer, Keys: d.listKeys(), Log: d.Log,
		Mark:  d.ClaimMark,
		Times: d.Limits.Times, Close: a.Events.Close,
	})
	return err
}

func (d Deps) addAccess(a *App) (err error) {
	if a.Access, err = access.New(access.Config{Pool: d.Pool, Log: d.Log}); err != nil {
		return err
	}
	if a.People, err = people.New(people.Config{
		Pool: d.Pool, Log: d.Log, Master: d.Master, WrappedOnly: d.WrappedKeysOnly, Company: d.Company != nil,
	}); err != nil {
		return err
	}
	a.Audit, err = audit.New(audit.Config{Pool: d.Pool, Log: d.Log})
	return err
}

func (d Deps) addTypes(a *App) (err error) {
	a.Types, err = types.New(d.Pool, d.River)
	return err
}

// Agree returns [processes.SettingsDiffer] if a process that runs has another value of one of the settings: by another
// time zone, the days of its grants are not those that a proof compares with. Where the proof may read no table it says
// so itself.
func Agree(ctx context.Context, verifier *verify.Verifier, mine processes.Settings) error {
	err := verifier.Read(ctx, func(tx pgx.Tx) error { return processes.SameSettings(ctx, tx, mine) })
	if errors.Is(err, verify.ErrTakenOver) {
		return nil
	}
	return err
}
