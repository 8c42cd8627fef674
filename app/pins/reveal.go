package pins

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"bestow/app/command"
	"bestow/app/eventrow"
	"bestow/app/memberlist"
	"bestow/domain"
	"bestow/internal/allowance"
	"bestow/internal/keys"
	"bestow/internal/pg"
	"bestow/internal/seal"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/text/unicode/norm"
)

// perPerson bounds what one person, or one service, sees in one process.
var perPerson = allowance.Limit{Burst: 10, PerSecond: 10.0 / 60}

// Revealer shows the secret of one voucher to a caller who says why.
type Revealer struct {
	pool    *pgxpool.Pool
	keys    keys.Store
	allowed *allowance.Table[string]
}

// NewRevealer returns a revealer. master opens the keys; nil: there is none.
func NewRevealer(pool *pgxpool.Pool, master *seal.Master) (*Revealer, error) {
	if pool == nil {
		return nil, errors.New("a revealer needs a pool")
	}
	return &Revealer{
		pool: pool, keys: keys.Store{Table: keys.Pins, Master: master, WrappedOnly: true},
		allowed: allowance.NewTable[string](perPerson),
	}, nil
}

// Voucher is a voucher that an event has given a member, with its secret.
type Voucher struct {
	EventID   int64
	MemberID  string
	Amount    int64
	TxID      string // of the grant, in the ledger
	Code, PIN string
	ExpiryAt  *time.Time
}

// Reveal returns the voucher that the event has given the member. The audit keeps who saw it and why, before it is
// returned. Errors: domain.Invalid for a reason that says nothing; domain.NotFound for the event, and for a member with
// no PIN; domain.MissingKeys; domain.WaitError.
func (r *Revealer) Reveal(
	ctx context.Context, by command.Caller, eventID int64, member, reason string,
) (Voucher, error) {
	reason, err := checkReason(reason)
	if err != nil {
		return Voucher{}, err
	}
	if wait := r.allowed.Take(by.Actor); wait > 0 {
		return Voucher{}, &domain.WaitError{Wait: wait, Answer: domain.TooManyAttemptsError(
			"ten PINs a minute can be revealed by one person",
			"wait as long as Retry-After says; the answers of the grants, or the ledger, have all PINs of an event",
		)}
	}
	return pg.Value(ctx, r.pool, func(tx pgx.Tx) (Voucher, error) {
		e, err := eventrow.Select(ctx, tx, eventID)
		if err != nil {
			return Voucher{}, err
		}
		v, sealed, err := selectSealed(ctx, tx, e, member)
		if err != nil {
			return Voucher{}, err
		}
		if v.PIN, err = r.open(ctx, tx, eventID, v.MemberID, sealed); err != nil {
			return Voucher{}, err
		}
		return v, command.Record(ctx, tx, by, command.Change{
			Action: "pin.reveal", EventID: eventID, Reason: reason,
			Object: "voucher " + v.TxID, After: map[string]string{"member_id": domain.MaskMember(v.MemberID)},
		})
	})
}

// checkReason brings a reason to its stored form. Error: domain.Invalid.
func checkReason(reason string) (string, error) {
	reason = norm.NFC.String(strings.TrimSpace(reason))
	why := domain.CheckText(reason, domain.MaxReason)
	if reason == "" {
		why = "is missing"
	}
	if why != "" {
		return "", domain.InvalidError("a PIN is shown to a person who says why", "say it in reason",
			domain.Field{Name: "reason", Message: why})
	}
	return reason, nil
}

// selectSealed reads the voucher, and its PIN as the results keep it.
func selectSealed(ctx context.Context, tx pgx.Tx, e domain.Event, member string) (v Voucher, sealed string, err error) {
	none := domain.NotFoundError("the event has given the member no voucher with a PIN",
		"`bestow member trace` or GET /events/{id}/members/{member_id} shows what the member got, and why not")
	if e.Type.Operation != domain.Vouchers {
		return v, "", none
	}
	query := `SELECT member_id, amount, coalesce(money_tx_id, ''), voucher_code, voucher_pin, voucher_expiry_at FROM ` +
		pg.Quoted(e.Type.ResultTable()) + ` WHERE event_id = $1 AND member_id = ANY ($2) AND voucher_pin IS NOT NULL`
	v.EventID = e.ID
	err = tx.QueryRow(ctx, query, e.ID, memberlist.Spellings(member)).
		Scan(&v.MemberID, &v.Amount, &v.TxID, &v.Code, &sealed, &v.ExpiryAt)
	if errors.Is(err, pgx.ErrNoRows) {
		return v, "", none
	}
	if err != nil {
		return v, "", fmt.Errorf("read voucher: %w", err)
	}
	return v, sealed, nil
}

func (r *Revealer) open(ctx context.Context, tx pgx.Tx, eventID int64, member, sealed string) (string, error) {
	key, err := r.keys.Key(ctx, tx, eventID)
	if err != nil {
		return "", unopened(err)
	}
	raw, err := base64.StdEncoding.DecodeString(sealed)
	if err != nil {
		return "", unopened(seal.ErrOpen)
	}
	pin, err := key.Open(raw, pinAAD(eventID, member))
	return string(pin), unopened(err)
}

// unopened turns the error of a PIN that cannot be opened into domain.MissingKeys.
func unopened(err error) error {
	switch {
	case errors.Is(err, keys.ErrNoMaster):
		return domain.MissingKeysError("the PINs need a master key, and this process has none",
			"set BESTOW_MASTER_KEY to the key under which they were sealed, and start the process again")
	case errors.Is(err, pgx.ErrNoRows), errors.Is(err, keys.ErrBare), errors.Is(err, seal.ErrOpen):
		return domain.MissingKeysError("the PIN does not open by this master key",
			"set BESTOW_MASTER_KEY to the key under which it was sealed; `bestow verify` says what else is wrong")
	}
	return err
}
