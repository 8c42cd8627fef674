package grants

import (
	"context"
	"errors"
	"fmt"
	"time"

	"bestow/domain"
	"bestow/domain/content"
	"bestow/internal/failpoint"
	"bestow/internal/pg"
	"bestow/outbox"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// errClaimLost means that the claim lapsed and another handler took it over, or closed it.
var errClaimLost = errors.New("claim was taken over")

// memberKey is the constraint that keeps one result per member.
func memberKey(t domain.EventType) string { return t.ResultTable() + "_member_key" }

// chunkState is a locked row of grant_chunks, with the database's clock.
type chunkState struct {
	token    [16]byte // zero: there is no claim
	open     bool
	first    bool          // never claimed
	age      time.Duration // since the first claim
	attempts int           // claims in a row that did not come back, one that is open among them
	now      time.Time

	contentHash []byte // of its targets; nil for a list that was imported before there were hashes
}

// claimed reports whether the chunk has a claim, which is open or has lapsed.
func (s chunkState) claimed() bool { return s.token != [16]byte{} }

// lockChunk locks the chunk's row. Error: outbox.ForeignError if there is no such chunk.
func lockChunk(ctx context.Context, tx pgx.Tx, c domain.Chunk) (s chunkState, err error) {
	const query = `SELECT coalesce(claim_token, '00000000-0000-0000-0000-000000000000'),
			coalesce(open_until > clock_timestamp(), false), claimed_at, attempts, clock_timestamp(), content_hash
		FROM grant_chunks WHERE event_id = $1 AND partition_key = $2 AND first_id = $3 AND last_id = $4 FOR UPDATE`
	var claimed *time.Time
	err = tx.QueryRow(ctx, query, c.EventID, c.PartitionKey, c.First, c.Last).Scan(&s.token, &s.open, &claimed,
		&s.attempts, &s.now, &s.contentHash)
	if errors.Is(err, pgx.ErrNoRows) {
		return s, &outbox.ForeignError{Detail: "there is no chunk " + c.String()}
	}
	if err != nil {
		return s, fmt.Errorf("lock chunk %s: %w", c, err)
	}
	if s.first = claimed == nil; !s.first {
		s.age = s.now.Sub(*claimed)
	}
	return s, nil
}

// openClaim makes c the chunk's claim. The first claim's time is never reset: before it, the chunk has no results.
func openClaim(ctx context.Context, tx pgx.Tx, c claim, at outbox.Position, lease time.Duration) error {
	const update = `UPDATE grant_chunks SET claim_token = $5, open_until = clock_timestamp() + $6::interval,
			claimed_at = coalesce(claimed_at, clock_timestamp()), attempts = attempts + 1,
			topic = $7, kafka_partition = $8, kafka_offset = $9, updated_at = now()
		WHERE event_id = $1 AND partition_key = $2 AND first_id = $3 AND last_id = $4`
	_, err := tx.Exec(ctx, update, c.chunk.EventID, c.chunk.PartitionKey, c.chunk.First, c.chunk.Last,
		c.token, lease, at.Topic, at.Partition, at.Offset)
	if err != nil {
		return fmt.Errorf("claim chunk %s: %w", c.chunk, err)
	}
	return nil
}

// closeClaim settles the chunk, of which settled rows became final, by the claim's own token. Error: errClaimLost.
func closeClaim(ctx context.Context, tx pgx.Tx, c claim, settled int) error {
	const update = `UPDATE grant_chunks SET settled_count = settled_count + $5,
			settled_at = CASE WHEN settled_count + $5 = target_count THEN coalesce(settled_at, clock_timestamp()) END,
			updated_at = now(), attempts = 0, claim_token = NULL, open_until = NULL
		WHERE event_id = $1 AND partition_key = $2 AND first_id = $3 AND last_id = $4 AND claim_token = $6`
	tag, err := tx.Exec(ctx, update, c.chunk.EventID, c.chunk.PartitionKey, c.chunk.First, c.chunk.Last, settled,
		c.token)
	if err != nil {
		return fmt.Errorf("settle chunk %s: %w", c.chunk, err)
	}
	if tag.RowsAffected() == 0 {
		return errClaimLost
	}
	return nil
}

// updateChunk settles the chunk even if another handler holds its claim; the claim is closed only if it is end's, and
// not while an outcome is unknown: a request may still be on its way until the lease ends.
func updateChunk(ctx context.Context, tx pgx.Tx, end ending, ch changes, own bool) error {
	const update = `UPDATE grant_chunks SET settled_count = settled_count + $5,
			settled_at = CASE WHEN settled_count + $5 = target_count THEN coalesce(settled_at, clock_timestamp()) END,
			attempts = CASE WHEN $6 THEN 0 ELSE attempts END,
			claim_token = CASE WHEN $7 THEN NULL ELSE claim_token END,
			open_until = CASE WHEN $7 THEN NULL ELSE open_until END, updated_at = now()
		WHERE event_id = $1 AND partition_key = $2 AND first_id = $3 AND last_id = $4`
	cameBack := own && !end.lapsed || ch.counts.Settled > 0 // with any outcome
	closed := own && !ch.unknown && !ch.redrive && !end.goesOn
	_, err := tx.Exec(ctx, update, end.chunk.EventID, end.chunk.PartitionKey, end.chunk.First, end.chunk.Last,
		ch.counts.Settled, cameBack, closed)
	if err != nil {
		return fmt.Errorf("settle chunk %s: %w", end.chunk, err)
	}
	return failpoint.Hit(ctx, failpoint.SettleClosed)
}

// returnClaim closes the claim as if it had not been: what it inherited is left as it was found, a claim that ran out.
func returnClaim(ctx context.Context, tx pgx.Tx, c claim) error {
	const update = `UPDATE grant_chunks SET claim_token = CASE WHEN $6 THEN claim_token END,
			open_until = CASE WHEN $6 THEN clock_timestamp() END, attempts = greatest(attempts - 1, 0), updated_at = now()
		WHERE event_id = $1 AND partition_key = $2 AND first_id = $3 AND last_id = $4 AND claim_token = $5`
	if _, err := tx.Exec(ctx, update, c.chunk.EventID, c.chunk.PartitionKey, c.chunk.First, c.chunk.Last, c.token,
		c.inherits); err != nil {
		return fmt.Errorf("give chunk %s back: %w", c.chunk, err)
	}
	return nil
}

// uncountClaim takes the claim off the chunk's attempts.
func uncountClaim(ctx context.Context, tx pgx.Tx, c claim) error {
	const update = `UPDATE grant_chunks SET attempts = greatest(attempts - 1, 0), updated_at = now()
		WHERE event_id = $1 AND partition_key = $2 AND first_id = $3 AND last_id = $4 AND claim_token = $5`
	if _, err := tx.Exec(ctx, update, c.chunk.EventID, c.chunk.PartitionKey, c.chunk.First, c.chunk.Last,
		c.token); err != nil {
		return fmt.Errorf("uncount claim of chunk %s: %w", c.chunk, err)
	}
	return nil
}

// target holds what the rows say of a member.
type target struct {
	ID       int64
	MemberID string
	Amount   int64
	Reason   string // the default already applied; "" for none
}

// selectTargets reads the chunk's targets by id, and adds them to hasher, unless that is nil.
func selectTargets(ctx context.Context, tx pgx.Tx, e domain.Event, c domain.Chunk,
	hasher *content.Hasher,
) (map[int64]target, error) {
	rows, err := tx.Query(ctx, `SELECT id, member_id, amount, reason FROM `+pg.Quoted(e.Type.TargetTable())+`
		WHERE event_id = $1 AND partition_key = $2 AND id BETWEEN $3 AND $4 ORDER BY id`, c.EventID, c.PartitionKey,
		c.First, c.Last)
	if err != nil {
		return nil, fmt.Errorf("read targets: %w", err)
	}
	targets := make(map[int64]target, c.Size())
	var r target
	var member, reason pgtype.DriverBytes
	_, err = pgx.ForEachRow(rows, []any{&r.ID, &member, &r.Amount, &reason}, func() error {
		if hasher != nil {
			hasher.Add(r.ID, r.Amount, member, reason)
		}
		if reason == nil {
			r.Reason = e.DefaultReason
		} else if r.Reason != string(reason) { // which allocates nothing
			r.Reason = string(reason)
		}
		r.MemberID = string(member)
		targets[r.ID] = r
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read targets: %w", err)
	}
	return targets, nil
}

// lockedResult is a row of a results table, and where it stands while it is locked.
type lockedResult struct {
	domain.Result
	row string // ctid
}

// The results of members, each read by its key, from the table %s. A join or "= ANY" would trust statistics that do not
// know a new event, and filter the whole of it for each member.
const (
	readResults = `
		SELECT result.*
		FROM unnest($2::text[]) AS asked (member_id)
		CROSS JOIN LATERAL (
		    SELECT member_id, amount, status, coalesce(money_tx_id, ''), coalesce(error_code, ''),
		           coalesce(error_message, ''), retry_count, redrive, redrive_done, ctid::text
		    FROM %s WHERE event_id = $1 AND member_id = asked.member_id LIMIT 1
		) AS result`
	readAndLockResults = `
		SELECT result.*
		FROM unnest($2::text[]) AS asked (member_id)
		CROSS JOIN LATERAL (
		    SELECT member_id, amount, status, coalesce(money_tx_id, ''), coalesce(error_code, ''),
		           coalesce(error_message, ''), retry_count, redrive, redrive_done, ctid::text
		    FROM %s WHERE event_id = $1 AND member_id = asked.member_id LIMIT 1 FOR UPDATE
		) AS result`
)

func selectResults(ctx context.Context, tx pgx.Tx, e domain.Event, ids []string) (map[string]domain.Result, error) {
	locked, err := probeResults(ctx, tx, readResults, e, ids)
	if err != nil {
		return nil, err
	}
	results := make(map[string]domain.Result, len(locked))
	for id, r := range locked {
		results[id] = r.Result
	}
	return results, nil
}

// lockResults locks the rows of the members, in their order, and reads them.
func lockResults(ctx context.Context, tx pgx.Tx, e domain.Event, ids []string) (map[string]lockedResult, error) {
	return probeResults(ctx, tx, readAndLockResults, e, ids)
}

// probeResults reads the members' rows by one of the two statements.
func probeResults(ctx context.Context, tx pgx.Tx, query string, e domain.Event,
	ids []string,
) (map[string]lockedResult, error) {
	rows, err := tx.Query(ctx, fmt.Sprintf(query, pg.Quoted(e.Type.ResultTable())), e.ID, ids)
	if err != nil {
		return nil, fmt.Errorf("read results: %w", err)
	}
	results := make(map[string]lockedResult, len(ids))
	var r lockedResult
	fields := []any{
		&r.MemberID, &r.Amount, &r.Status, &r.TxID, &r.ErrorCode, &r.Error, &r.RetryCount, &r.Redrive,
		&r.RedriveDone, &r.row,
	}
	if _, err := pgx.ForEachRow(rows, fields, func() error {
		results[r.MemberID] = r
		return nil
	}); err != nil {
		return nil, fmt.Errorf("read results: %w", err)
	}
	return results, nil
}

// resultArrays turns results into the arrays of one statement.
type resultArrays struct {
	members, statuses, txIDs, codes, messages []string
	amounts                                   []int64
	retries, redriveDone                      []int32
	voucherCodes, voucherPINs                 []string
	voucherExpiries                           []*time.Time
}

// newArrays is the arrays of rows, with the PINs of vouchers sealed.
func (s *Grants) newArrays(ctx context.Context, tx pgx.Tx, e domain.Event,
	rows []domain.Result,
) (c resultArrays, err error) {
	for _, r := range rows {
		c.members = append(c.members, r.MemberID)
		c.amounts = append(c.amounts, r.Amount)
		c.statuses = append(c.statuses, string(r.Status))
		c.txIDs = append(c.txIDs, r.TxID)
		c.codes = append(c.codes, r.ErrorCode)
		c.messages = append(c.messages, clip(r.Error))
		c.retries = append(c.retries, int32(r.RetryCount))
		c.redriveDone = append(c.redriveDone, int32(r.RedriveDone))
	}
	if e.Type.Operation == domain.Vouchers {
		err = s.addVouchers(ctx, tx, e, rows, &c)
	}
	return c, err
}

func (s *Grants) addVouchers(ctx context.Context, tx pgx.Tx, e domain.Event, rows []domain.Result,
	c *resultArrays,
) error {
	var owners, pins []string
	for _, r := range rows {
		if r.Voucher != nil {
			owners, pins = append(owners, r.MemberID), append(pins, r.Voucher.PIN)
		}
	}
	var sealed []string
	if len(pins) > 0 {
		if s.sealer == nil {
			return domain.MissingKeysError("there is no key to seal voucher PINs with", "set BESTOW_MASTER_KEY")
		}
		var err error
		if sealed, err = s.sealer.Seal(ctx, tx, e.ID, owners, pins); err != nil {
			return fmt.Errorf("seal voucher PINs: %w", err)
		}
	}
	for _, r := range rows {
		code, pin, expiry := "", "", (*time.Time)(nil)
		if r.Voucher != nil {
			code, pin, expiry = r.Voucher.Code, sealed[0], r.Voucher.ExpiryAt
			sealed = sealed[1:]
		}
		c.voucherCodes = append(c.voucherCodes, code)
		c.voucherPINs = append(c.voucherPINs, pin)
		c.voucherExpiries = append(c.voucherExpiries, expiry)
	}
	return nil
}

// insertSuccesses inserts rows that are all SUCCESS at the first try, as almost all are, with what such rows have.
func (s *Grants) insertSuccesses(ctx context.Context, tx pgx.Tx, e domain.Event, rows []domain.Result) error {
	if e.Type.Operation == domain.Vouchers {
		return s.insertResults(ctx, tx, e, rows)
	}
	ids, amounts, txIDs := make([]string, len(rows)), make([]int64, len(rows)), make([]string, len(rows))
	for i, r := range rows {
		ids[i], amounts[i], txIDs[i] = r.MemberID, r.Amount, r.TxID
	}
	_, err := tx.Exec(ctx, `INSERT INTO `+pg.Quoted(e.Type.ResultTable())+
		` (event_id, member_id, amount, status, money_tx_id)
		SELECT $1, u.m, u.a, 'SUCCESS', u.t FROM unnest($2::text[], $3::bigint[], $4::text[]) u(m, a, t)`, e.ID, ids,
		amounts, txIDs)
	if err != nil {
		return fmt.Errorf("insert results: %w", err)
	}
	return nil
}

// addCounts adds to the summary and returns how many targets are final now.
func addCounts(ctx context.Context, tx pgx.Tx, eventID int64, c domain.Counts) (final int, err error) {
	const update = `UPDATE campaign_event_summary SET success_count = success_count + $2, fail_count = fail_count + $3,
			retry_success_count = retry_success_count + $4, updated_at = now()
		WHERE event_id = $1 RETURNING success_count + fail_count`
	if err := tx.QueryRow(ctx, update, eventID, c.Success, c.Fail, c.RetrySuccess).Scan(&final); err != nil {
		return 0, fmt.Errorf("count results: %w", err)
	}
	return final, nil
}

// maxMessage is the length of error_message, in characters.
const maxMessage = 500

// clip shortens what a ledger says to what the column holds.
func clip(s string) string {
	n := 0
	for i := range s {
		if n++; n > maxMessage {
			return s[:i]
		}
	}
	return s
}
