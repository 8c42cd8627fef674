package vouchers

import (
	"fmt"
	"time"

	"bestow/internal/seal"
	"bestow/money"
)

// Keys seals and opens the vouchers of the refs that it was made for.
type Keys struct {
	mint  mint
	byRef map[string]*seal.Key
}

// Sealed is a voucher as it is stored.
type Sealed struct {
	Ref       string
	Code, PIN []byte
	ExpiryAt  *time.Time
}

// Issue makes a voucher for i, and returns it open and sealed, with the HMAC of its code.
func (k Keys) Issue(i *money.Item) (v *money.Voucher, s Sealed, hmac []byte, err error) {
	code, err := k.mint.code()
	if err != nil {
		return nil, s, nil, err
	}
	pin, err := k.mint.pin()
	if err != nil {
		return nil, s, nil, err
	}
	key := k.byRef[i.Ref]
	s = Sealed{
		i.Ref, key.Seal([]byte(code), codeAAD(i.Ref, i.Key)), key.Seal([]byte(pin), pinAAD(i.Ref, i.Key)),
		i.ExpiryAt,
	}
	return &money.Voucher{Code: code, PIN: pin, ExpiryAt: stored(i.ExpiryAt)}, s,
		k.byRef[ownRef].HMAC([]byte(code)), nil
}

// Open opens the voucher that was issued under key.
func (k Keys) Open(key string, s *Sealed) (*money.Voucher, error) {
	by := k.byRef[s.Ref]
	code, err := by.Open(s.Code, codeAAD(s.Ref, key))
	if err != nil {
		return nil, fmt.Errorf("open code: %w", err)
	}
	pin, err := by.Open(s.PIN, pinAAD(s.Ref, key))
	if err != nil {
		return nil, fmt.Errorf("open PIN: %w", err)
	}
	return &money.Voucher{Code: string(code), PIN: string(pin), ExpiryAt: stored(s.ExpiryAt)}, nil
}

// stored is t as the database gives it back: in whole microseconds, so that a replay says the same as the grant did.
func stored(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	utc := time.UnixMicro(t.UnixMicro()).UTC()
	return &utc
}

func codeAAD(ref, key string) []byte { return seal.AAD("money.vouchers", ref, key, "code") }
func pinAAD(ref, key string) []byte  { return seal.AAD("money.vouchers", ref, key, "pin") }
