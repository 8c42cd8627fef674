package verify

const voucherEvent = `INSERT INTO money.voucher_events (member_id, voucher_id, kind, idempotency_key, created_at) VALUES `

// runOut is a lot of event 8 that ran out two hours ago and is open.
const runOut = `UPDATE money.point_member SET expiry_at = now() - interval '2 hours' WHERE point_member_id = 8000;
	UPDATE money.point_lot SET expiry_at = now() - interval '2 hours' WHERE point_member_id = 8000`

// plantedMovements are faults in the history of the members beside campaigns, whom plantedSpending describes.
func plantedMovements() []planting {
	return []planting{
		{
			name: "a lot that says too much", event: 8, red: []string{"I16"},
			example: "member m00: lot P8000 says that 99 is left, its draws leave 100",
			sql:     `UPDATE money.point_lot SET remaining = 99 WHERE save_point_member_id = 8000`,
		}, {
			name: "open past its expiry", event: 8, red: []string{"I18", "I36"},
			example: "member m00: lot P8000 expired at",
			sql:     `UPDATE money.point_sweep SET began_at = now() - interval '2 hours'; ` + runOut,
		}, {
			name: "points that expire from a moment to come", event: 8, red: []string{"I18", "I36"},
			example: "the ledger did that before",
			sql: runOut +
				`; UPDATE money.point_sweep SET began_at = 'infinity'; UPDATE money.ledger SET created_at = now() - interval '2 hours'`,
		}, {
			name: "points that expire only now", event: 8, red: []string{"I18", "I36"},
			example: "member m00: lot P8000 expired at",
			sql: runOut +
				`; UPDATE money.point_sweep SET began_at = now(); UPDATE money.ledger SET created_at = now() - interval '2 hours'`,
		}, {
			name: "points that expire only now, in a ledger that is new", event: 8, red: []string{"I18", "I36"},
			example: "member m00: lot P8000 expired at",
			sql: runOut + `; UPDATE money.point_sweep SET began_at = now(); UPDATE money.ledger SET created_at = now();
				UPDATE money.point_member SET created_at = now() - interval '61 minutes' WHERE point_member_id = 9006`,
		}, {
			name: "a list of what is due that is ahead of the clock", red: []string{"I18"},
			example: "lots that run out are listed up to",
			sql:     `UPDATE money.point_sweep SET swept_until = now() + interval '1 hour'`,
		}, {
			name: "no list of what is due", red: []string{"I18"}, example: "nothing says up to when lots were listed",
			sql: `DELETE FROM money.point_sweep`,
		}, {
			name: "more back than was used of a lot", red: []string{"I19"},
			example: "member spender: use P9003 took 1000 from lot P9001, 1001 was given back",
			sql: undoing +
				`(9100, 'spender', 1001, 'R', 'PAY', to_char(now() AT TIME ZONE 'Asia/Seoul', 'YYYYMMDD'), '99991231', 'k9100', 9003); ` + detail + `(9100, 9001, 'spender', 1001, 'R');
				` + movement + `(9101, 'spender', -500, 'U', 'PAY', '20260101', '99991231', 'k9101'); ` + detail +
				`(9101, 9001, 'spender', -500, 'U');
				UPDATE money.point_lot SET remaining = 501 WHERE point_member_id = 9001`,
		}, {
			name: "back to a lot that the use did not take from", red: []string{"I19"},
			example: "use P9003 took 0 from lot P9005, 10 was given back",
			sql: undoing + `(9100, 'spender', 10, 'R', 'PAY', '20260101', '99991231', 'k9100', 9003); ` + detail +
				`(9100, 9005, 'spender', 10, 'R'); UPDATE money.point_lot SET remaining = 10 WHERE point_member_id = 9005`,
		}, {
			name: "a debt that was forgiven", red: []string{"I20"}, example: "member debtor: owes 0, the debts are 250",
			sql: `UPDATE money.point_account SET owed = 0`,
		}, {
			name: "a debt of nobody", red: []string{"I20"}, example: "member spender: owes 7, the debts are 0",
			sql: `UPDATE money.point_account SET owed = 7 WHERE member_id = 'spender'`,
		}, {
			name: "a claim that says it has collected", red: []string{"I20"},
			example: "member debtor, P9203: the claim of cancel P9203 has collected 151, its movements 150",
			sql:     `UPDATE money.point_cancel SET collected = 151 WHERE member_id = 'debtor'; UPDATE money.point_account SET owed = 249 WHERE member_id = 'debtor'`,
		}, {
			name: "a cancel of which nothing is kept", red: []string{"I20"},
			example: "a save-cancel of which nothing is kept",
			sql:     `DELETE FROM money.point_cancel WHERE member_id = 'orderer'`,
		}, {
			name: "a cancel that took more than it says", red: []string{"I20"},
			example: "the cancel took 99, its movement says 100",
			sql:     `UPDATE money.point_cancel SET taken = 99, expired = 1 WHERE member_id = 'debtor'`,
		}, {
			name: "a debt that was invented", red: []string{"I20"},
			example: "member m00, P8000: of the save, 0 was spent and 0 has expired, its cancels say 99 and 0",
			sql: undoing + `(9100, 'm00', -1, 'C', 'CM', '20260101', '99991231', 'k9100', 8000); ` + detail +
				`(9100, 8000, 'm00', -1, 'C'); UPDATE money.point_lot SET remaining = 99 WHERE save_point_member_id = 8000;
				INSERT INTO money.point_cancel (member_id, cancel_point_member_id, save_point_member_id, policy, asked, taken, expired, uncollected) VALUES ('m00', 9100, 8000, 'debt', 100, 1, 0, 99);
				INSERT INTO money.point_account (member_id, owed) VALUES ('m00', 99)`,
		}, {
			name: "a debt that has expired instead", red: []string{"I20"},
			example: "member debtor, P9201: of the save, 400 was spent and 0 has expired, its cancels say 150 and 250",
			sql:     `UPDATE money.point_cancel SET expired = 250, uncollected = 150 WHERE member_id = 'debtor'; UPDATE money.point_account SET owed = 0 WHERE member_id = 'debtor'`,
		}, {
			name: "a cancel that took from another save", red: []string{"I20"},
			example: "member spender, P9100: cancels P9001, and took from lot P9002, which has none of its points",
			sql: undoing + `(9100, 'spender', -7, 'C', 'CS', '20260101', '99991231', 'k9100', 9001); ` + detail +
				`(9100, 9002, 'spender', -7, 'C'); UPDATE money.point_lot SET remaining = 1193 WHERE save_point_member_id = 9002;
				INSERT INTO money.point_cancel (member_id, cancel_point_member_id, save_point_member_id, policy, asked, taken, expired, uncollected) VALUES ('spender', 9100, 9001, 'remaining', 7, 7, 0, 0)`,
		}, {
			name: "more cancelled than saved", red: []string{"I20"},
			example: "member orderer, P9301: of the save, 120 was cancelled, 100 was saved",
			sql:     `UPDATE money.point_cancel SET asked = 120, expired = 100 WHERE member_id = 'orderer'`,
		}, {
			name: "a cancel that undoes nothing", red: []string{"I20", "I21"},
			example: "cancels P9301, its movement says P",
			sql:     `UPDATE money.point_member SET undo_point_member_id = NULL WHERE point_member_id = 9303`,
		}, {
			name: "a use-cancel of a save", red: []string{"I19", "I21"}, example: "use P9002 took 0 from lot P9002",
			sql: `UPDATE money.point_member SET undo_point_member_id = 9002 WHERE point_member_id = 9004`,
		}, {
			name: "an expiry that undoes another member's cancel", red: []string{"I21", "I22"},
			example: "a movement of kind E undoes P9004, which the member does not have",
			sql:     `UPDATE money.point_member SET undo_point_member_id = 9004 WHERE point_member_id = 9306`,
		}, {
			name: "a lot's expiry", red: []string{"I21"}, example: "the save expires never, its lot",
			sql: `UPDATE money.point_lot SET expiry_at = now() + interval '9 years' WHERE point_member_id = 8000`,
		}, {
			name: "points that come from nowhere", red: []string{"I21"}, example: "comes from of:P9301, not nothing",
			sql: `UPDATE money.point_member SET memo = NULL WHERE point_member_id = 9307`,
		}, {
			name: "expired twice", red: []string{"I12", "I16", "I22"},
			example: "lot P9005 was saved with 300, -300 is left",
			sql: movement + `(9100, 'spender', -300, 'E', 'EXP', '20260101', '99991231', 'again'); ` + detail +
				`(9100, 9005, 'spender', -300, 'E')`,
		}, {
			name: "expired before its time", red: []string{"I22"}, example: "lot P9307 expired at",
			sql: movement + `(9400, 'orderer', -40, 'E', 'EXP', '20260101', '99991231', 'expire:P9307'); ` + detail +
				`(9400, 9307, 'orderer', -40, 'E'); UPDATE money.point_lot SET remaining = 0 WHERE point_member_id = 9307`,
		}, {
			name: "expired though it never does", red: []string{"I22"},
			example: "lot P9002 expired, which never expires",
			sql: movement + `(9100, 'spender', -1200, 'E', 'EXP', '20260101', '99991231', 'expire:P9002'); ` + detail +
				`(9100, 9002, 'spender', -1200, 'E'); UPDATE money.point_lot SET remaining = 0 WHERE point_member_id = 9002`,
		}, {
			name: "expired again under another key", red: []string{"I21", "I22"}, example: "saves anew 40 of lot P9301",
			sql: `UPDATE money.point_member SET idempotency_key = 'zz' WHERE point_member_id = 9306`,
		}, {
			name: "expired again of another lot", red: []string{"I22"},
			example: "300 expired again of lot P9005, to which P9004 gave back 0",
			sql:     `UPDATE money.point_member SET idempotency_key = 'expire:P9004:P9005', undo_point_member_id = 9004 WHERE point_member_id = 9006`,
		}, {
			name: "expired again though it never does", red: []string{"I22"},
			example: "lot P9002 expired, which never expires",
			sql: undoing + `(9100, 'spender', -700, 'E', 'EXP', '20260101', '99991231', 'expire:P9004:P9002', 9004); ` +
				detail +
				`(9100, 9002, 'spender', -700, 'E'); UPDATE money.point_lot SET remaining = 500 WHERE point_member_id = 9002`,
		}, {
			name: "expired again before its time", red: []string{"I22"}, example: "lot P9002 expired at",
			sql: undoing + `(9100, 'spender', -700, 'E', 'EXP', '20260101', '99991231', 'expire:P9004:P9002', 9004); ` +
				detail + `(9100, 9002, 'spender', -700, 'E');
				UPDATE money.point_lot SET remaining = 500, expiry_at = now() + interval '1 day' WHERE point_member_id = 9002;
				UPDATE money.point_member SET expiry_at = now() + interval '1 day', expiry_date = to_char((now() + interval '1 day') AT TIME ZONE 'Asia/Seoul', 'YYYYMMDD') WHERE point_member_id = 9002`,
		}, {
			name: "expired under another key", red: []string{"I22"}, example: "lot P9005 expired under the key x",
			sql: `UPDATE money.point_member SET idempotency_key = 'x' WHERE point_member_id = 9006`,
		}, {
			name: "cancelled twice", event: 7, red: []string{"I23"},
			example: "member m00, V7000: CANCELLED, though it was CANCELLED before",
			sql:     voucherEvent + `('m00', 7000, 'CANCELLED', 'again', now())`,
		}, {
			name: "cancelled and redeemed", event: 7, red: []string{"I23"},
			example: "member m00, V7000: REDEEMED, though it was CANCELLED before",
			sql:     voucherEvent + `('m00', 7000, 'REDEEMED', 'again', now())`,
		}, {
			name: "restored, though it had not ended", event: 7, red: []string{"I23"},
			example: "V7002: RESTORED, though it had not ended",
			sql:     `DELETE FROM money.voucher_events WHERE kind = 'REDEEMED'`,
		}, {
			name: "a cancel of another member's voucher", red: []string{"I23"},
			example: "member thief, V7000: CANCELLED, and the member has no such voucher",
			sql:     voucherEvent + `('thief', 7000, 'CANCELLED', 'again', now())`,
		}, {
			name: "cancelled before it was issued", event: 7, red: []string{"I23"}, example: "before it was issued",
			sql: `UPDATE money.voucher_events SET created_at = now() - interval '9 years' WHERE kind = 'CANCELLED'`,
		}, {
			name: "cancelled at a moment to come", event: 7, red: []string{"I23"}, example: "which is to come",
			sql: `UPDATE money.voucher_events SET created_at = now() + interval '1 day' WHERE kind = 'CANCELLED'`,
		},
	}
}
