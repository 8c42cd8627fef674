package money

import (
	"context"
	"fmt"
	"time"

	"bestow/internal/failpoint"
	"bestow/internal/seal"

	"github.com/jackc/pgx/v5"
)

// voucherBook writes vouchers, each with a code and a PIN of its own, sealed.
type voucherBook struct {
	vault *vault
	mint  mint
	keys  map[string]*seal.Key // of every ref that insert may meet: it must not look for keys within a transaction
}

// voucherCodeKey is the constraint that a code belongs to one voucher.
const voucherCodeKey = "vouchers_code_key"

// sealedVoucher is a voucher as it is stored.
type sealedVoucher struct {
	ref       string
	code, pin []byte
	expiryAt  *time.Time
}

func (voucherBook) kind() Kind { return Vouchers }

// refsOf returns the refs under which something may be sealed.
func refsOf(items []Item) []string {
	var refs []string
	last := ownRef
	for n := range items {
		if ref := items[n].Ref; ref != last && text(ref, maxRef) {
			refs = append(refs, ref)
			last = ref
		}
	}
	return refs
}

const (
	issueSQL = `INSERT INTO money.vouchers (member_id, amount, idempotency_key, reason, type_code, ref, expiry_at,
			sealed_code, sealed_pin, code_hmac)
		SELECT member_id, amount, key, nullif(reason, ''), type_code, ref, expiry_at, sealed_code, sealed_pin, code_hmac
		FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::timestamptz[],
			$8::bytea[], $9::bytea[], $10::bytea[])
			i (member_id, amount, key, reason, type_code, ref, expiry_at, sealed_code, sealed_pin, code_hmac)`
	issueSkip      = ` ON CONFLICT (idempotency_key) DO NOTHING`
	issueReturning = ` RETURNING voucher_id, idempotency_key`

	issueNewSQL  = issueSQL + issueReturning
	issueSkipSQL = issueSQL + issueSkip + issueReturning
)

func (b voucherBook) insert(ctx context.Context, tx pgx.Tx, items []Item, skip bool) ([]entry, error) {
	fresh, err := b.issue(items)
	if err != nil {
		return nil, err
	}
	sql := issueNewSQL
	if skip {
		sql = issueSkipSQL
	}
	args := append(contents(items), causes(items)...)
	rows, err := tx.Query(ctx, sql, append(args, fresh.codes, fresh.pins, fresh.hmacs)...)
	if err != nil {
		return nil, fmt.Errorf("issue vouchers: %w", err)
	}
	entries, err := collectWritten(rows, items)
	if err != nil {
		return nil, fmt.Errorf("issue vouchers: %w", err)
	}
	for n := range entries {
		entries[n].voucher = fresh.vouchers[n]
	}
	return entries, failpoint.Hit(ctx, failpoint.MoneyVouchersWritten)
}

// minted are new vouchers, open and sealed, one for each item.
type minted struct {
	vouchers           []*Voucher
	codes, pins, hmacs [][]byte
}

func (b voucherBook) issue(items []Item) (minted, error) {
	m := minted{make([]*Voucher, len(items)), make([][]byte, len(items)), make([][]byte, len(items)), make([][]byte, len(items))}
	for n := range items {
		i := &items[n]
		code, err := b.mint.code()
		if err != nil {
			return m, err
		}
		pin, err := b.mint.pin()
		if err != nil {
			return m, err
		}
		key := b.keys[i.Ref]
		m.vouchers[n] = &Voucher{Code: code, PIN: pin, ExpiryAt: stored(i.ExpiryAt)}
		m.codes[n] = key.Seal([]byte(code), codeAAD(i.Ref, i.Key))
		m.pins[n] = key.Seal([]byte(pin), pinAAD(i.Ref, i.Key))
		m.hmacs[n] = b.keys[ownRef].HMAC([]byte(code))
	}
	return m, nil
}

// find is as that of points. An event of a voucher is no grant.
func (voucherBook) find(ctx context.Context, q querier, keys []string) (map[string]entry, error) {
	const query = `SELECT k.key, v.voucher_id, v.member_id, v.amount, true, v.ref, v.sealed_code, v.sealed_pin, v.expiry_at
		FROM unnest($1::text[]) k (key) CROSS JOIN LATERAL (
			SELECT voucher_id, member_id, amount, ref, sealed_code, sealed_pin, expiry_at FROM money.vouchers
			WHERE idempotency_key = k.key LIMIT 1) v
		UNION ALL
		SELECT k.key, e.voucher_id, e.member_id, 0, false, '', NULL, NULL, NULL
		FROM unnest($1::text[]) k (key) CROSS JOIN LATERAL (
			SELECT voucher_id, member_id FROM money.voucher_events WHERE idempotency_key = k.key LIMIT 1) e`
	rows, err := q.Query(ctx, query, keys)
	if err != nil {
		return nil, fmt.Errorf("read vouchers: %w", err)
	}
	entries := make(map[string]entry, len(keys))
	var e entry
	var s sealedVoucher
	_, err = pgx.ForEachRow(rows, []any{&e.key, &e.id, &e.memberID, &e.amount, &e.grant, &s.ref, &s.code, &s.pin, &s.expiryAt}, func() error {
		e.sealed = nil
		if e.grant {
			sealed := s
			e.sealed = &sealed
		}
		entries[e.key] = e
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read vouchers: %w", err)
	}
	return entries, nil
}

// reveal opens what is sealed; what insert has just made is open.
func (b voucherBook) reveal(ctx context.Context, entries []*entry) error {
	var refs []string
	for _, e := range entries {
		if e.sealed != nil {
			refs = append(refs, e.sealed.ref)
		}
	}
	if len(refs) == 0 {
		return nil
	}
	keys, err := b.vault.of(ctx, refs)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.sealed == nil {
			continue
		}
		if e.voucher, err = e.sealed.open(keys[e.sealed.ref], e.key); err != nil {
			return fmt.Errorf("open voucher %s: %w", Vouchers.txID(e.id), err)
		}
	}
	return nil
}

func (s *sealedVoucher) open(by *seal.Key, key string) (*Voucher, error) {
	code, err := by.Open(s.code, codeAAD(s.ref, key))
	if err != nil {
		return nil, fmt.Errorf("open code: %w", err)
	}
	pin, err := by.Open(s.pin, pinAAD(s.ref, key))
	if err != nil {
		return nil, fmt.Errorf("open PIN: %w", err)
	}
	return &Voucher{Code: string(code), PIN: string(pin), ExpiryAt: stored(s.expiryAt)}, nil
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
