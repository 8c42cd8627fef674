package vouchers

import (
	"context"
	"crypto/hmac"
	"errors"
	"fmt"

	"bestow/internal/seal"

	"github.com/jackc/pgx/v5"
)

// Audit opens vouchers for a proof. It writes nothing, makes no keys, and hands what it opens to its caller only.
type Audit struct {
	keys  map[string]*seal.Key // by ref
	wrong []string
}

// NewAudit reads every data key of the ledger with one statement, and opens it by the master key.
func NewAudit(ctx context.Context, tx pgx.Tx, master *seal.Master) (*Audit, error) {
	a := &Audit{keys: map[string]*seal.Key{}}
	rows, err := tx.Query(ctx, `SELECT ref, wrapped FROM money.seal_keys ORDER BY ref`)
	if err != nil {
		return nil, fmt.Errorf("read seal keys: %w", err)
	}
	var ref string
	var wrapped []byte
	_, err = pgx.ForEachRow(rows, []any{&ref, &wrapped}, func() error {
		key, err := master.Unwrap(wrapped, wrapAAD(ref))
		if err != nil {
			a.wrong = append(a.wrong, ref)
		} else {
			a.keys[ref] = key
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read seal keys: %w", err)
	}
	return a, nil
}

// Keys returns how many data keys open.
func (a *Audit) Keys() int { return len(a.keys) }

// Wrong lists the refs whose data key does not open by the master key; "" is the ledger's own.
func (a *Audit) Wrong() []string { return a.wrong }

// The errors of Open. None of them holds anything of what is sealed.
var (
	errNoKey   = errors.New("its data key is missing or does not open")
	errCode    = errors.New("its code is not sealed by its key for it")
	errPIN     = errors.New("its PIN is not sealed by its key for it")
	errNoOwn   = errors.New("the ledger's own key is missing or does not open")
	errNotHMAC = errors.New("its HMAC is not that of its code")
)

// Open returns the code and the PIN of a voucher, given what its row holds, and an error that says in words what is
// wrong with it.
func (a *Audit) Open(ref, key string, sealedCode, sealedPIN, codeHMAC []byte) (code, pin string, err error) {
	by, own := a.keys[ref], a.keys[ownRef]
	switch {
	case by == nil:
		return "", "", errNoKey
	case own == nil:
		return "", "", errNoOwn
	}
	openCode, err := by.Open(sealedCode, codeAAD(ref, key))
	if err != nil {
		return "", "", errCode
	}
	openPIN, err := by.Open(sealedPIN, pinAAD(ref, key))
	if err != nil {
		return "", "", errPIN
	}
	if !hmac.Equal(own.HMAC(openCode), codeHMAC) {
		return "", "", errNotHMAC
	}
	return string(openCode), string(openPIN), nil
}
