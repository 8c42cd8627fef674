package grants

import (
	"errors"
	"time"

	"bestow/money"

	"github.com/jackc/pgx/v5"
)

// column is one field of items, as unnest takes it.
func column[T any](items []money.Item, field func(*money.Item) T) []T {
	values := make([]T, len(items))
	for n := range items {
		values[n] = field(&items[n])
	}
	return values
}

// contents are the columns member, amount, key and reason.
func contents(items []money.Item) []any {
	return []any{
		column(items, func(i *money.Item) string { return i.MemberID }),
		column(items, func(i *money.Item) int64 { return i.Amount }),
		column(items, func(i *money.Item) string { return i.Key }),
		column(items, func(i *money.Item) string { return i.Reason }),
	}
}

// causes are the columns type code, ref and expiry.
func causes(items []money.Item) []any {
	return []any{
		column(items, func(i *money.Item) string { return i.TypeCode }),
		column(items, func(i *money.Item) string { return i.Ref }),
		column(items, func(i *money.Item) *time.Time { return i.ExpiryAt }),
	}
}

// sameCause reports whether all items, one at least, share cause and expiry.
func sameCause(items []money.Item) bool {
	first := &items[0]
	for n := range items {
		i := &items[n]
		if i.TypeCode != first.TypeCode || i.Ref != first.Ref || !sameTime(i.ExpiryAt, first.ExpiryAt) {
			return false
		}
	}
	return true
}

func sameTime(a, b *time.Time) bool {
	return a == b || a != nil && b != nil && a.Equal(*b)
}

// collectWritten matches the rows (id, key) that an insert returned with the items that it was given, in whose order
// they come. It trusts that order only as far as the keys prove it: an id must never go to another member. An item
// without a row gets no id.
func collectWritten(rows pgx.Rows, items []money.Item) ([]entry, error) {
	defer rows.Close()
	entries := make([]entry, len(items))
	n := 0
	for ; rows.Next(); n++ {
		key := rows.RawValues()[1] // text is the same in both of PostgreSQL's formats
		for n < len(items) && items[n].Key != string(key) {
			n++
		}
		if n == len(items) {
			return nil, errors.New("rows came back in another order")
		}
		i := &items[n]
		entries[n] = entry{key: i.Key, memberID: i.MemberID, amount: i.Amount, grant: true}
		if err := rows.Scan(&entries[n].id, nil); err != nil {
			return nil, err
		}
	}
	return entries, rows.Err()
}
