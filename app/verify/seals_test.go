package verify

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log"
	"strconv"
	"testing"

	"bestow/internal/seal"
	"bestow/money/vouchers"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
)

// plantedMaster wraps every key of the planted world. Its data keys are all the same, which no real ones are.
var plantedMaster, plantedKey = makePlantedKeys()

func makePlantedKeys() (*seal.Master, *seal.Key) {
	master, masterErr := seal.NewMaster(seal.GenerateMaster())
	key, keyErr := seal.NewKey()
	if err := errors.Join(masterErr, keyErr); err != nil {
		log.Fatal(err) // before any test runs
	}
	return master, key
}

// The purposes for which keys, codes and PINs are sealed. They are stored data: the ledger and the service spell them
// so.
func sealKeyAAD(ref string) []byte { return seal.AAD("money.seal_keys", ref) }

func pinKeyAAD(event int64) []byte      { return seal.AAD("pin_keys", strconv.FormatInt(event, 10)) }
func codeAAD(ref, key string) []byte    { return seal.AAD("money.vouchers", ref, key, "code") }
func pinAAD(ref, key string) []byte     { return seal.AAD("money.vouchers", ref, key, "pin") }
func shownAAD(e int64, m string) []byte { return seal.AAD(strconv.FormatInt(e, 10), m, "voucher_pin") }
func (m plantedMember) code() string    { return fmt.Sprintf("code-%d", m.id) }
func (m plantedMember) pin() string     { return fmt.Sprintf("pin-%d", m.id) }
func sealPIN(e int64, m, p string) string {
	return base64.StdEncoding.EncodeToString(plantedKey.Seal([]byte(p), shownAAD(e, m)))
}

func plantedPIN(event int64, m plantedMember) string { return sealPIN(event, m.member, m.pin()) }

type plantedSealed struct{ code, pin, hmac []byte }

func plantedSeals(ref, key string, m plantedMember) plantedSealed {
	return plantedSealed{
		plantedKey.Seal([]byte(m.code()), codeAAD(ref, key)),
		plantedKey.Seal([]byte(m.pin()), pinAAD(ref, key)), plantedKey.HMAC([]byte(m.code())),
	}
}

// plantKeys stores the wrapped keys of the world's two voucher events and the ledger's own.
func plantKeys(tb testing.TB, pool *pgxpool.Pool) {
	tb.Helper()
	for _, ref := range []string{"", "2", "7"} {
		_, err := pool.Exec(tb.Context(), `INSERT INTO money.seal_keys (ref, wrapped) VALUES ($1, $2)`, ref,
			plantedMaster.Wrap(plantedKey, sealKeyAAD(ref)))
		require.NoError(tb, err)
	}
}

// plantPINKey stores the wrapped key of an event's PINs, once the event is there.
func plantPINKey(b *pgx.Batch, event int64) {
	b.Queue(`INSERT INTO pin_keys (event_id, wrapped) VALUES ($1, $2)`, event,
		plantedMaster.Wrap(plantedKey, pinKeyAAD(event)))
}

// plantedUnsealer opens the world's vouchers as the service's does.
type plantedUnsealer struct {
	ledger *vouchers.Audit
	pins   map[int64]*seal.Key
}

// Load implements Unsealer.
func (plantedUnsealer) Load(ctx context.Context, tx pgx.Tx, event *int64) (VoucherKeys, []string, int, error) {
	u := plantedUnsealer{pins: map[int64]*seal.Key{}}
	var wrong []string
	rows, err := tx.Query(ctx,
		`SELECT event_id, wrapped FROM public.pin_keys WHERE $1::bigint IS NULL OR event_id = $1`, event)
	if err != nil {
		return nil, nil, 0, err
	}
	var id int64
	var wrapped []byte
	_, err = pgx.ForEachRow(rows, []any{&id, &wrapped}, func() error {
		if key, err := plantedMaster.Unwrap(wrapped, pinKeyAAD(id)); err == nil {
			u.pins[id] = key
		} else {
			wrong = append(wrong, fmt.Sprintf("event %d: its PINs' key", id))
		}
		return nil
	})
	if err != nil {
		return nil, nil, 0, err
	}
	if u.ledger, err = vouchers.NewAudit(ctx, tx, plantedMaster); err != nil {
		return nil, nil, 0, err
	}
	for _, ref := range u.ledger.Wrong() {
		if event == nil || ref == "" || ref == strconv.FormatInt(*event, 10) {
			wrong = append(wrong, "ledger: the key of "+ref)
		}
	}
	return u, wrong, len(u.pins), nil
}

// Differs implements VoucherKeys.
func (u plantedUnsealer) Differs(v *SealedVoucher) string {
	var code, pin, shown string
	var err error
	if v.Issued {
		if code, pin, err = u.ledger.Open(v.Ref, v.Key, v.SealedCode, v.SealedPIN, v.CodeHMAC); err != nil {
			return err.Error()
		}
	}
	if !v.Granted {
		return ""
	}
	if key := u.pins[v.EventID]; key != nil {
		raw, _ := base64.StdEncoding.DecodeString(v.PIN)
		opened, err := key.Open(raw, shownAAD(v.EventID, v.MemberID))
		if err != nil {
			return "PIN: " + err.Error()
		}
		shown = string(opened)
	} else {
		return "no key"
	}
	if v.Issued && (code != v.Code || pin != shown) {
		return "another code or PIN"
	}
	return ""
}
