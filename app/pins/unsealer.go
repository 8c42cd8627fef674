package pins

import (
	"context"
	"encoding/base64"
	"fmt"
	"strconv"

	"bestow/app/verify"
	"bestow/internal/keys"
	"bestow/internal/seal"

	"github.com/jackc/pgx/v5"
)

var (
	_ verify.Unsealer    = Unsealer{}
	_ verify.VoucherKeys = voucherKeys{}
)

// Unsealer opens the vouchers of the results and of the ledger for verify, which compares them.
type Unsealer struct {
	Master     *seal.Master
	OpenLedger func(context.Context, pgx.Tx) (Ledger, error)
}

// Ledger opens the vouchers of the ledger: *vouchers.Audit.
type Ledger interface {
	// Open returns the code and the PIN of a voucher; its error says in words what is wrong with the voucher.
	Open(ref, key string, sealedCode, sealedPIN, codeHMAC []byte) (code, pin string, err error)
	// Wrong lists the refs whose key does not open by the master key.
	Wrong() []string
	// Keys returns how many keys open.
	Keys() int
}

// voucherKeys are the opened data keys of both sides.
type voucherKeys struct {
	ledger Ledger
	pins   map[int64]*seal.Key // by event
}

// Load implements verify.Unsealer.
func (u Unsealer) Load(ctx context.Context, tx pgx.Tx, event *int64) (verify.VoucherKeys, []string, int, error) {
	opened := voucherKeys{pins: map[int64]*seal.Key{}}
	var wrong []string
	rows, err := tx.Query(ctx,
		`SELECT event_id, wrapped FROM public.pin_keys WHERE $1::bigint IS NULL OR event_id = $1 ORDER BY event_id`,
		event)
	if err != nil {
		return nil, nil, 0, fmt.Errorf("read PIN keys: %w", err)
	}
	var id int64
	var wrapped []byte
	_, err = pgx.ForEachRow(rows, []any{&id, &wrapped}, func() error {
		if key, err := u.Master.Unwrap(wrapped, seal.AAD(keys.Pins, strconv.FormatInt(id, 10))); err == nil {
			opened.pins[id] = key
		} else {
			wrong = append(wrong, fmt.Sprintf("event %d: the key of its PINs does not open by this master key", id))
		}
		return nil
	})
	if err != nil {
		return nil, nil, 0, fmt.Errorf("read PIN keys: %w", err)
	}
	if opened.ledger, err = u.OpenLedger(ctx, tx); err != nil {
		return nil, nil, 0, err
	}
	for _, ref := range opened.ledger.Wrong() {
		if event == nil || ref == "" || ref == strconv.FormatInt(*event, 10) {
			wrong = append(wrong, fmt.Sprintf("ledger: the key of ref %q does not open by this master key", ref))
		}
	}
	return opened, wrong, len(opened.pins) + opened.ledger.Keys(), nil
}

// Differs implements verify.VoucherKeys.
func (k voucherKeys) Differs(v *verify.SealedVoucher) string {
	var code, pin string
	if v.Issued {
		var err error
		if code, pin, err = k.ledger.Open(v.Ref, v.Key, v.SealedCode, v.SealedPIN, v.CodeHMAC); err != nil {
			return "in the ledger " + err.Error()
		}
	}
	if !v.Granted {
		return ""
	}
	shown, why := k.openPIN(v)
	switch {
	case why != "":
		return "in the results " + why
	case v.Issued && v.Code != code:
		return "the result shows another code than the ledger"
	case v.Issued && shown != pin:
		return "the result holds another PIN than the ledger"
	}
	return ""
}

// openPIN opens the PIN of a result, or says in words why it cannot.
func (k voucherKeys) openPIN(v *verify.SealedVoucher) (pin, why string) {
	key := k.pins[v.EventID]
	if key == nil {
		return "", "the key of the event's PINs is missing or does not open"
	}
	raw, err := base64.StdEncoding.DecodeString(v.PIN)
	if err != nil {
		return "", "the PIN is no ciphertext"
	}
	opened, err := key.Open(raw, pinAAD(v.EventID, v.MemberID))
	if err != nil {
		return "", "the PIN is not sealed by the event's key for this member"
	}
	return string(opened), ""
}
