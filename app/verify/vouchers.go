package verify

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Unsealer opens what is sealed, for the proof that both sides hold the same. What it opens it never shows.
type Unsealer interface {
	// Load reads every data key. It says how many there are, and of each that the master key does not open what it is
	// of.
	Load(ctx context.Context, tx pgx.Tx, event *int64) (keys VoucherKeys, wrong []string, count int, err error)
}

// VoucherKeys are the data keys of one report.
type VoucherKeys interface {
	// Differs says in words what is wrong with a voucher, without a code or a PIN in them; "" for nothing.
	Differs(v *SealedVoucher) string
}

// SealedVoucher is a voucher as the ledger keeps it, and the result that shows it.
type SealedVoucher struct {
	EventID         int64 // 0: of no event
	MemberID        string
	Issued, Granted bool // it stands in the ledger, in the results

	Ref, Key                        string // of the ledger
	SealedCode, SealedPIN, CodeHMAC []byte

	Code, PIN string // of the result: the code, and the PIN's ciphertext
}

// compareVouchers compares the vouchers of both sides (I37): what stands there in the clear by SQL, the rest, where
// there is a master key, by opening it, one after the other as they stream by.
func compareVouchers(ctx context.Context, tx pgx.Tx, v *verification, f *finding) error {
	for _, name := range []string{"vouchers", "results", "keys"} {
		if err := f.measures.add(name, int64(0)); err != nil {
			return err
		}
	}
	if err := compareSealMoments(ctx, tx, f); err != nil {
		return err
	}
	for _, run := range v.tables.runs(overVouchers) {
		if err := v.run(ctx, tx, invariant{file: "I37_vouchers_are_the_events"}, run, f); err != nil {
			return err
		}
		if v.unsealer == nil {
			continue
		}
		if err := v.openVouchers(ctx, tx, run, f); err != nil {
			return err
		}
	}
	return nil
}

func (v *verification) openVouchers(ctx context.Context, tx pgx.Tx, run binding, f *finding) error {
	keys, wrong, count, err := v.unsealer.Load(ctx, tx, v.event)
	if err != nil {
		return fmt.Errorf("read keys: %w", err)
	}
	for _, what := range wrong {
		f.differ("%s", what)
	}
	sql, err := run.statement("sealed_vouchers")
	if err != nil {
		return err
	}
	rows, err := tx.Query(ctx, sql, v.event)
	if err != nil {
		return fmt.Errorf("read vouchers: %w", err)
	}
	var s SealedVoucher
	results := int64(0)
	_, err = pgx.ForEachRow(rows,
		[]any{
			&s.EventID, &s.MemberID, &s.Issued, &s.Granted, &s.Ref, &s.Key, &s.SealedCode, &s.SealedPIN, &s.CodeHMAC,
			&s.Code, &s.PIN,
		}, func() error {
			results += toInt(s.Granted)
			if what := keys.Differs(&s); what != "" {
				f.differ("%s, member %s: %s", eventOrRef(&s), s.MemberID, what)
			}
			return nil
		})
	if err != nil {
		return fmt.Errorf("read vouchers: %w", err)
	}
	if err := f.measures.add("results", results); err != nil {
		return err
	}
	return f.measures.add("keys", int64(count))
}

func eventOrRef(s *SealedVoucher) string {
	if s.EventID != 0 {
		return fmt.Sprintf("event %d", s.EventID)
	}
	return fmt.Sprintf("ref %q", s.Ref)
}

func toInt(yes bool) int64 {
	if yes {
		return 1
	}
	return 0
}

// voucherGaps are the events whose vouchers stay sealed because there is no key, and those of other ledgers.
func voucherGaps(ctx context.Context, tx pgx.Tx, v *verification) (gaps []Gap, err error) {
	if v.unsealer != nil {
		return nil, nil
	}
	for _, run := range v.tables.runs(overVouchers) {
		query := `SELECT event_id FROM ` + run.results +
			` r WHERE coalesce(voucher_code, voucher_pin) IS NOT NULL AND ($1::bigint IS NULL OR event_id = $1)
			UNION SELECT e.id FROM money.vouchers v JOIN public.campaign_events e ON e.id::text = v.ref WHERE $1::bigint IS NULL OR e.id = $1
			UNION SELECT event_id FROM public.pin_keys WHERE $1::bigint IS NULL OR event_id = $1 ORDER BY 1`
		rows, err := tx.Query(ctx, query, v.event)
		if err != nil {
			return nil, fmt.Errorf("read events with vouchers: %w", err)
		}
		ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
		if err != nil {
			return nil, fmt.Errorf("read events with vouchers: %w", err)
		}
		if len(ids) > 0 {
			gaps = append(gaps,
				gapOf("codes not compared: vouchers, their PINs and their HMACs stay sealed without the master key: "+
					"set BESTOW_MASTER_KEY (or BESTOW_MASTER_KEY_FILE) for this command", ids))
		}
	}
	return gaps, nil
}
