package verify

import (
	"context"
	"embed"
	"slices"

	"github.com/jackc/pgx/v5"
)

// sqlFiles is the SQL of the invariants, one file each, and of the recount.
//
//go:embed sql/*.sql
var sqlFiles embed.FS

// lostJobsSQL is shared by I15 and by what tidies up after it.
//
//go:embed sql/lost_jobs.sql
var lostJobsSQL string

// reach says how often an invariant's statement runs, and over which tables.
type reach int

const (
	overAll      reach = iota // once, over tables that all types share
	perType                   // once per event type, over its targets and results
	perOperation              // once for points, once for vouchers, over all types that our ledger grants
	overPoints                // once, over all types of points
	overVouchers              // once, over all types of vouchers
)

// schemaInvariant holds what is compared before all others.
const schemaInvariant = "I41"

// invariant is one line of the list below.
type invariant struct {
	id        string
	statement string // what must hold, for people
	file      string // in sql/
	reach     reach
	ledger    bool // it reads the ledger: not checked where that is not ours
	heavy     bool // it joins what is as long as the member list: begun first
	// compared holds what was compared, with the statement's columns in braces: a number with thousands separated, or a
	// hash in hex where the column's name ends in _hash. {column thing} counts things: 1 thing, 2 things. What stands
	// in brackets is left out while its numbers are 0.
	compared string

	add     func(pgx.Rows, *finding) error                               // reads the statement's rows; nil: addRow
	compare func(context.Context, pgx.Tx, *verification, *finding) error // stands for the statement
	also    func(context.Context, pgx.Tx, *verification, *finding) error // is compared beside the statement
	gaps    func(context.Context, pgx.Tx, *verification) ([]Gap, error)  // what is not compared
}

// invariants is the whole list, in the order of the report.
func invariants() []invariant {
	return slices.Concat(grantInvariants(), ledgerInvariants(), proofInvariants())
}

// grantInvariants are about what is granted, in the order of their numbers.
func grantInvariants() []invariant {
	return []invariant{
		{
			id: "I1", file: "I01_results_match_targets", reach: perType, heavy: true,
			statement: "every result belongs to a target and has its amount",
			compared: "{results result} with their targets: sum {results_sum} and {targets_sum}, " +
				"hash {results_hash} and {targets_hash}",
		}, {
			id: "I2", file: "I02_keys_granted_once", ledger: true,
			statement: "no idempotency key was granted twice in the ledger",
			compared:  "{points movement} of points and {vouchers voucher}, by their keys",
		}, {
			id: "I3", file: "I03_success_is_in_ledger", reach: perOperation, ledger: true, heavy: true,
			gaps: foreignGrants, also: compareForeign,
			statement: "a result is SUCCESS exactly when the ledger holds one save of it: same transaction, member, " +
				"amount and key",
			compared: "{success SUCCESS result} with {saves ledger save}: sum {success_sum} and {saves_sum}, " +
				"hash {success_hash} and {saves_hash}[; {ahead save} without a settled result yet: nothing is lost, " +
				"the same keys are asked for again][; {mismatches save} that the ledger contradicts itself about]" +
				"[; {asked member} looked up in the ledgers of others]",
		}, {
			id: "I4", file: "I04_results_were_published", reach: perType,
			statement: "every member with a result was published",
			compared:  "{results result}[; {early} came before the relay's mark, which is not final yet]",
		}, {
			id: "I5", file: "I05_completed_is_final", reach: perType, heavy: true,
			statement: "in a completed event every member is granted or given up for good",
			compared:  "completed events {events}: targets {targets}, granted {success} and given up {fail}",
		}, {
			id: "I6", file: "I06_counters_match_rows", reach: perType,
			statement: "the four counters equal a recount of the rows",
			compared: "published {published} and {published_rows row}, success {success} and {success_rows}, " +
				"given up {fail} and {fail_rows}, success after a refusal {retry_success} and {retry_success_rows}",
		}, {
			id: "I7", file: "I07_totals_match_targets", reach: perType,
			statement: "an event's totals are the count and the sum of its targets",
			compared: "total_count {total_count} and {targets target}, " +
				"total_amount {total_amount} and sum {targets_sum}",
		}, {
			id: "I8", file: "I08_partition_keys", reach: perType, heavy: true, add: addPartitionKeys,
			statement: "every partition key is below the event's partition count and follows the rule",
			compared:  "{targets partition key}, each computed anew",
		}, {
			id: "I9", file: "I09_completed_adds_up",
			statement: "an event is COMPLETED exactly when it has a completion time, and then its counters add up",
			compared: "events {events}, completed {completed}: granted {success} + given up {fail}, total {total}, " +
				"published {published}",
		}, {
			id: "I10", file: "I10_one_running_per_lane",
			statement: "of the events that are reserved for the same second, at most one runs",
			compared:  "running events with a reservation {running}, in lanes {lanes}",
		}, {
			id: "I11", file: "I11_chunks_cover_targets", reach: perType, heavy: true,
			statement: "every target is in one chunk, chunks count what is settled, " +
				"and no chunk of a running event is forgotten",
			compared: "{chunks chunk} of {chunk_targets} with {targets target}, " +
				"settled {chunk_settled} and {settled final result}[; {open unsettled chunk} of running events: " +
				"with a job {with_job}, with a claim {with_claim}, published {published} (whether the consumers have " +
				"passed their messages cannot be seen here)]",
		}, {
			id: "I12", file: "I12_lots_not_overdrawn", ledger: true,
			statement: "no lot of points is overdrawn",
			compared:  "{lots lot}, saved {saved_sum}, left {rest_sum}",
		}, {
			id: "I13", file: "I13_history_matches_lots", ledger: true, heavy: true,
			statement: "a member's history adds up to what is left in the member's lots",
			compared:  "{movements movement} with the sum {history_sum}, the lots have {lots_sum} left",
		}, {
			id: "I14", file: "I14_one_voucher_per_grant", reach: overVouchers, ledger: true,
			statement: "a voucher code belongs to one grant, and a grant has one voucher",
			compared:  "{granted granted voucher} with {vouchers} in the ledger",
		}, {
			id: "I15", file: "I15_no_job_lost",
			statement: "the work of every cancelled or discarded job was done",
			compared:  "jobs {jobs}[; {cancelled} cancelled, healed][; {discarded} discarded, healed]",
		},
	}
}

// ledgerInvariants are about the ledger of points, and about what becomes of vouchers, in the order of their numbers.
func ledgerInvariants() []invariant {
	return []invariant{
		{
			id: "I16", file: "I16_remaining_is_the_rest", ledger: true,
			statement: "every lot of points has left what its draws leave",
			compared:  "{lots lot} with {remaining_sum} left: the draws leave {rest_sum}",
		}, {
			id: "I17", file: "I17_movements_match_details", ledger: true,
			statement: "the points that a movement takes or gives back are the sum of its details",
			compared:  "{movements movement} other than saves, each with its details",
		}, {
			id: "I18", ledger: true, compare: compareDue, gaps: noExpiry,
			statement: "no lot of points is open for more than an hour past its expiry",
			compared:  "{lots open lot} with an expiry, with {points} left",
		}, {
			id: "I19", file: "I19_no_more_back_than_used", ledger: true,
			statement: "a cancelled use gives back to each lot at most what the use took from it",
			compared:  "{lots lot} with {given_sum} given back",
		}, {
			id: "I20", file: "I20_claims_are_kept", ledger: true,
			statement: "members owe the points that cancelled saves have not collected, " +
				"and every cancel took the points of its movement",
			compared: "{cancels cancelled save} took {taken_sum}; members owe {owed_sum}, " +
				"and {claims_sum} wait for cancelled uses",
		}, {
			id: "I21", file: "I21_saves_have_lots", ledger: true, heavy: true,
			statement: "every save has one lot with the same member, points, time and expiry; " +
				"a movement that undoes another names it",
			compared: "{saves save}, each with its lot; {undoing cancellation}",
		}, {
			id: "I22", file: "I22_lots_expire_once", ledger: true,
			statement: "a lot of points expires by itself at most once, and not before its expiry",
			compared:  "{expiries expiry} of {points}",
		}, {
			id: "I23", file: "I23_vouchers_end_once", ledger: true,
			statement: "a voucher has at most one live end: it is cancelled, redeemed, or neither",
			compared: "{vouchers voucher}: cancelled {cancelled time}, redeemed {redeemed time}, " +
				"restored {restored time}",
		},
	}
}

// proofInvariants are about what the others are compared with, in the order of their numbers.
func proofInvariants() []invariant {
	return []invariant{
		{
			id: "I24", compare: compareContent, heavy: true,
			statement: "what is granted is what was imported and started: every chunk has its hash, " +
				"every import its seal, every started event its root",
			compared: "{chunks chunk}: {hashed} hashed anew[, {unhashed} not hashed]; {imports sealed import}; " +
				"{roots root} of started events[; the hash key is in the same database for {bare event}: " +
				"a person who can write to it can forge them]",
		}, {
			id: "I28", compare: compareAudit, gaps: unlinkedChanges,
			statement: "no row of the audit was changed or taken away since it was linked to the row before it",
			compared:  "{changes change}, each with its link, and {heads head} that the log has[; {unlinked} not linked yet]",
		}, {
			id: "I35", compare: compareTypes,
			statement: "the registry of event types matches the tables",
			compared:  "{types type}, {events event} of them, and their tables",
		}, {
			id: "I36", file: "I36_saves_are_the_events", reach: overPoints, ledger: true, heavy: true,
			statement: "every save has the cause, the expiry, the reason and the dates that follow from its event " +
				"and its time",
			compared: "{saves save}, {granted} of them with their events and targets",
		}, {
			id: "I37", compare: compareVouchers, ledger: true, heavy: true, gaps: voucherGaps,
			statement: "every voucher opens with its key, on both sides, to the same code and PIN, " +
				"and matches its event",
			compared: "{vouchers voucher} of the ledger with {results result}: codes, PINs, HMACs, " +
				"expiry and reasons; {keys key}",
		}, {
			id: "I38", file: "I38_imports_are_whole", gaps: undigestedImports,
			statement: "an event's imports are as they were written, and add up to the event's totals",
			compared: "{imports import}: accepted {accepted} with {accepted_sum}, rejected {rejected}; " +
				"{rejected_rows rejected row}",
		}, {
			id: "I39", file: "I39_moves_left_stamps", also: compareMoments,
			statement: "an event's status and its timestamps agree, also with the audit",
			compared:  "{events event}, each with its summary, its first claim and its stops",
		}, {
			id: "I40", file: "I40_rows_make_sense", reach: perType,
			statement: "the columns of a result or a chunk agree with each other",
			compared:  "{results result} and {chunks chunk}",
		}, {
			id: schemaInvariant, compare: compareSchema, gaps: schemaGaps,
			statement: "tables, constraints, indexes, triggers and functions are what the migrations made",
			compared:  "{relations table}, {lines property}",
		}, {
			id: "I42", compare: compareIDs,
			statement: "every missing event has a record of its deletion, and no id can be given twice",
			compared:  "ids up to {last_id}, {deleted} of them deleted; {sequences sequence}",
		}, {
			id: "I43", compare: compareKept, gaps: undigestedRows,
			statement: "parked messages, stored answers and reports are as they were written, " +
				"and what they said of events still holds",
			compared: "{parked parked message}, {answers stored answer} and {reports report} by their digests[; " +
				"of an older version, without one: {undigested}]",
		},
	}
}
