package grants

import (
	"context"
	"fmt"

	"bestow/domain"
	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
)

// The results of each kind of grant, into the table %s. An empty text stands for none.
const (
	insertPointResults = `
		INSERT INTO %s (event_id, member_id, amount, status, money_tx_id, error_code, error_message, retry_count)
		SELECT $1, given.member_id, given.amount, given.status, nullif(given.tx_id, ''), nullif(given.code, ''),
		       nullif(given.message, ''), given.retries
		FROM unnest($2::text[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[], $8::int[])
		     AS given (member_id, amount, status, tx_id, code, message, retries)`
	insertVoucherResults = `
		INSERT INTO %s (event_id, member_id, amount, status, money_tx_id, error_code, error_message, retry_count,
		                voucher_code, voucher_pin, voucher_expiry_at)
		SELECT $1, given.member_id, given.amount, given.status, nullif(given.tx_id, ''), nullif(given.code, ''),
		       nullif(given.message, ''), given.retries, nullif(given.voucher_code, ''), nullif(given.pin, ''),
		       given.expiry_at
		FROM unnest($2::text[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[], $8::int[],
		            $9::text[], $10::text[], $11::timestamptz[])
		     AS given (member_id, amount, status, tx_id, code, message, retries, voucher_code, pin, expiry_at)`
	updatePointResults = `
		UPDATE %s AS result
		SET status = given.status, money_tx_id = nullif(given.tx_id, ''), error_code = nullif(given.code, ''),
		    error_message = nullif(given.message, ''), retry_count = given.retries, redrive_done = given.redrive,
		    updated_at = now()
		FROM unnest($1::text[]::tid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::int[], $7::int[])
		     AS given (place, status, tx_id, code, message, retries, redrive)
		WHERE result.ctid = given.place`
	updateVoucherResults = `
		UPDATE %s AS result
		SET status = given.status, money_tx_id = nullif(given.tx_id, ''), error_code = nullif(given.code, ''),
		    error_message = nullif(given.message, ''), retry_count = given.retries, redrive_done = given.redrive,
		    updated_at = now(), voucher_code = nullif(given.voucher_code, ''), voucher_pin = nullif(given.pin, ''),
		    voucher_expiry_at = given.expiry_at
		FROM unnest($1::text[]::tid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::int[], $7::int[],
		            $8::text[], $9::text[], $10::timestamptz[])
		     AS given (place, status, tx_id, code, message, retries, redrive, voucher_code, pin, expiry_at)
		WHERE result.ctid = given.place`
)

// insertResults inserts the rows in their order, plainly: ON CONFLICT would cost and buy nothing. A row that is there
// already violates memberKey.
func (s *Grants) insertResults(ctx context.Context, tx pgx.Tx, e domain.Event, rows []domain.Result) error {
	if len(rows) == 0 {
		return nil
	}
	c, err := s.newArrays(ctx, tx, e, rows)
	if err != nil {
		return err
	}
	insert := insertPointResults
	args := []any{e.ID, c.members, c.amounts, c.statuses, c.txIDs, c.codes, c.messages, c.retries}
	if e.Type.Operation == domain.Vouchers {
		insert = insertVoucherResults
		args = append(args, c.voucherCodes, c.voucherPINs, c.voucherExpiries)
	}
	insert = fmt.Sprintf(insert, pg.Quoted(e.Type.ResultTable()))
	if _, err := tx.Exec(ctx, insert, args...); err != nil {
		return fmt.Errorf("insert results: %w", err)
	}
	return nil
}

// updateResults writes locked rows back, each by where it stands.
func (s *Grants) updateResults(ctx context.Context, tx pgx.Tx, e domain.Event, rows []lockedResult) error {
	if len(rows) == 0 {
		return nil
	}
	results, at := make([]domain.Result, len(rows)), make([]string, len(rows))
	for i, r := range rows {
		results[i], at[i] = r.Result, r.row
	}
	c, err := s.newArrays(ctx, tx, e, results)
	if err != nil {
		return err
	}
	update := updatePointResults
	args := []any{at, c.statuses, c.txIDs, c.codes, c.messages, c.retries, c.redriveDone}
	if e.Type.Operation == domain.Vouchers {
		update = updateVoucherResults
		args = append(args, c.voucherCodes, c.voucherPINs, c.voucherExpiries)
	}
	update = fmt.Sprintf(update, pg.Quoted(e.Type.ResultTable()))
	tag, err := tx.Exec(ctx, update, args...)
	if err != nil {
		return fmt.Errorf("update results: %w", err)
	}
	if int(tag.RowsAffected()) != len(rows) {
		return fmt.Errorf("update results: %d of %d rows were there", tag.RowsAffected(), len(rows))
	}
	return nil
}
