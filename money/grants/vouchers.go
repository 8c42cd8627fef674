package grants

import (
	"context"
	"fmt"

	"bestow/internal/failpoint"
	"bestow/internal/pg"
	"bestow/money"
	"bestow/money/policies"
	"bestow/money/vouchers"

	"github.com/jackc/pgx/v5"
)

// voucherBook writes vouchers, each with a code and a PIN of its own, sealed.
type voucherBook struct {
	keeper *vouchers.Keeper
	keys   vouchers.Keys // of every ref that insert may meet: it must not look for keys within a transaction
}

// voucherCodeKey is the constraint that a code belongs to one voucher.
const voucherCodeKey = "vouchers_code_key"

func (voucherBook) kind() money.Kind { return money.Vouchers }

// refsOf returns the refs under which something may be sealed.
func refsOf(items []money.Item) []string {
	var refs []string
	last := "" // which is no ref of an item
	for n := range items {
		if ref := items[n].Ref; ref != last && money.StorableRef(ref) {
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

func (b voucherBook) insert(ctx context.Context, tx pgx.Tx, items []money.Item,
	known *policies.Terms,
) ([]entry, error) {
	fresh, err := b.issue(items)
	if err != nil {
		return nil, err
	}
	sql := issueNewSQL
	if known != nil {
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
	vouchers           []*money.Voucher
	codes, pins, hmacs [][]byte
}

func (b voucherBook) issue(items []money.Item) (minted, error) {
	m := minted{
		make([]*money.Voucher, len(items)), make([][]byte, len(items)), make([][]byte, len(items)),
		make([][]byte, len(items)),
	}
	for n := range items {
		v, sealed, hmac, err := b.keys.Issue(&items[n])
		if err != nil {
			return m, err
		}
		m.vouchers[n], m.codes[n], m.pins[n], m.hmacs[n] = v, sealed.Code, sealed.PIN, hmac
	}
	return m, nil
}

// find is as that of points. An event of a voucher is no grant.
func (voucherBook) find(ctx context.Context, q pg.Querier, keys []string) (map[string]entry, error) {
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
	var s vouchers.Sealed
	_, err = pgx.ForEachRow(rows,
		[]any{&e.key, &e.id, &e.memberID, &e.amount, &e.grant, &s.Ref, &s.Code, &s.PIN, &s.ExpiryAt}, func() error {
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
			refs = append(refs, e.sealed.Ref)
		}
	}
	if len(refs) == 0 {
		return nil
	}
	keys, err := b.keeper.Keys(ctx, refs)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.sealed == nil {
			continue
		}
		if e.voucher, err = keys.Open(e.key, e.sealed); err != nil {
			return fmt.Errorf("open voucher %s: %w", money.Vouchers.TxID(e.id), err)
		}
	}
	return nil
}
