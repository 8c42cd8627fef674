package verify

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Parts of forgeries of event 8, a list of six: what makes every sum and every digest fit again.
const (
	fitImport = `; UPDATE imports SET digest = import_digest(id)`
	tenTimes  = `UPDATE point_targets SET amount = 1000 WHERE event_id = 8 AND member_id = 'm00';
		UPDATE point_results SET amount = 1000 WHERE event_id = 8 AND member_id = 'm00';
		UPDATE money.point_member SET point = 1000 WHERE point_member_id = 8000; UPDATE money.point_lot SET point = 1000, remaining = 1000 WHERE point_member_id = 8000;
		UPDATE campaign_events SET total_amount = total_amount + 900 WHERE id = 8; UPDATE imports SET total_amount = total_amount + 900 WHERE id = 8` + fitImport
	renamed = `UPDATE point_targets SET member_id = 'thief' WHERE event_id = 8 AND member_id = 'm00';
		UPDATE point_results SET member_id = 'thief' WHERE event_id = 8 AND member_id = 'm00';
		UPDATE money.point_member SET member_id = 'thief', idempotency_key = 'grant:8:thief' WHERE point_member_id = 8000;
		UPDATE money.point_member_detail SET member_id = 'thief' WHERE point_member_id = 8000`
	addedMember = `INSERT INTO point_targets (id, event_id, member_id, amount, partition_key, publish_status) VALUES (8006, 8, 'm06', 100, 0, 'PUBLISHED');
		INSERT INTO point_results (event_id, member_id, amount, status, money_tx_id) VALUES (8, 'm06', 100, 'SUCCESS', 'P8006');
		INSERT INTO money.point_member (point_member_id, member_id, point, point_status_code, point_type_code, issue_date, expiry_date, ref_unique_id, idempotency_key, reason)
		VALUES (8006, 'm06', 100, 'S', 'CM', to_char(now() AT TIME ZONE 'Asia/Seoul', 'YYYYMMDD'), '99991231', '8', 'grant:8:m06', 'spring');
		INSERT INTO money.point_lot (point_member_detail_id, point_member_id, save_point_member_id, member_id, point, remaining, point_status_code) VALUES (8006, 8006, 8006, 'm06', 100, 100, 'S');
		UPDATE campaign_events SET total_count = total_count + 1, total_amount = total_amount + 100 WHERE id = 8;
		UPDATE campaign_event_summary SET published_count = published_count + 1, success_count = success_count + 1 WHERE event_id = 8`
	intoLastChunk = `; UPDATE grant_chunks SET last_id = 8006, target_count = 3, settled_count = 3 WHERE event_id = 8 AND first_id = 8004;
		UPDATE imports SET accepted = accepted + 1, total_amount = total_amount + 100 WHERE id = 8`
	intoOwnImport = `; INSERT INTO imports (id, event_id, created_by, content_type, sha256, bytes, accepted, rejected, total_amount) VALUES (9, 8, 'test', 'text/csv', 'x', 1, 1, 0, 100);
		INSERT INTO grant_chunks (event_id, partition_key, first_id, last_id, target_count, settled_count, import_id, published_at, claimed_at, settled_at)
		VALUES (8, 0, 8006, 8006, 1, 1, 9, now(), now(), now())`
	takenAway = `DELETE FROM point_targets WHERE event_id = 8 AND member_id = 'm05'; DELETE FROM point_results WHERE event_id = 8 AND member_id = 'm05';
		DELETE FROM money.point_member WHERE point_member_id = 8005; DELETE FROM money.point_member_detail WHERE point_member_id = 8005;
		UPDATE campaign_events SET total_count = total_count - 1, total_amount = total_amount - 105 WHERE id = 8;
		UPDATE campaign_event_summary SET published_count = published_count - 1, success_count = success_count - 1 WHERE event_id = 8;
		UPDATE grant_chunks SET target_count = 1, settled_count = 1, last_id = 8004 WHERE event_id = 8 AND first_id = 8004;
		UPDATE imports SET accepted = accepted - 1, total_amount = total_amount - 105 WHERE id = 8`
	swappedSums = `INSERT INTO imports (id, event_id, created_by, content_type, sha256, bytes, accepted, rejected, total_amount, hashed)
		VALUES (9, 8, 'test', 'text/csv', 'x', 1, 2, 0, 406, true);
		UPDATE imports SET accepted = 4, total_amount = 209 WHERE id = 8; UPDATE grant_chunks SET import_id = 9 WHERE event_id = 8 AND first_id = 8004`
)

// contentForgeries change all sides alike, so that nothing sees them but the hashes, whose key the forger does not
// have; or the hashes themselves.
func contentForgeries() []forgery {
	return []forgery{
		{name: "C24 ten times the amount on all sides", sql: tenTimes},
		{name: "C24 a member renamed on all sides", sql: renamed},
		{name: "C24 a member added on all sides", sql: addedMember + intoLastChunk + fitImport},
		{name: "C24 a member added on all sides, by an import of an older version", sql: addedMember + intoOwnImport + fitImport},
		{name: "C24 a member taken away on all sides", sql: takenAway + fitImport},
		{name: "C24 a reason on all sides", sql: `UPDATE point_targets SET reason = 'x' WHERE id = 8000; UPDATE money.point_member SET reason = 'x' WHERE point_member_id = 8000`},
		{name: "C24 the sums of two imports swapped", sql: swappedSums + fitImport},
		{name: "the largest amount", sql: `UPDATE imports SET max_amount = 104 WHERE id = 8`},
		{name: "a start deleted", sql: `DELETE FROM starts WHERE event_id = 8`},
		{name: "a start's root", sql: `UPDATE starts SET root = sha256('x') WHERE event_id = 8`},
		{name: "a start's definition", sql: `UPDATE starts SET definition = replace(definition, 'spring', 'autumn') WHERE event_id = 8`},
		{name: "a start's definition that is no JSON", sql: `UPDATE starts SET definition = 'x' WHERE event_id = 8`},
		{name: "a start's version", sql: `UPDATE starts SET definition = replace(definition, '"v":2', '"v":7') WHERE event_id = 8`},
		{name: "a start's moment", sql: `UPDATE starts SET at = at + interval '1us' WHERE event_id = 8`},
		{name: "a start invented", sql: `INSERT INTO starts SELECT 4, at, by, root, definition FROM starts WHERE event_id = 8`},
		{name: "a key swapped", sql: `UPDATE event_keys k SET wrapped = o.wrapped FROM event_keys o WHERE k.event_id = 8 AND o.event_id = 5`},
		{name: "a key deleted", sql: `DELETE FROM event_keys WHERE event_id = 8`},
		{name: "a chunk's hash taken away", sql: `UPDATE grant_chunks SET content_hash = NULL WHERE event_id = 8 AND first_id = 8004`},
		{name: "a chunk's hash changed", sql: `UPDATE grant_chunks SET content_hash = sha256('x') WHERE event_id = 4 AND first_id = 4004`},
		{
			name: "a chunk's hash of another chunk",
			sql: `UPDATE grant_chunks c SET content_hash = o.content_hash FROM grant_chunks o
			WHERE c.event_id = 8 AND o.event_id = 8 AND c.first_id <> o.first_id`,
		},
		{name: "an import that says it made no hashes", sql: `UPDATE imports SET hashed = false WHERE id = 8`},
		{name: "a list made one of an older version", sql: `UPDATE imports SET hashed = false WHERE id = 8; UPDATE grant_chunks SET content_hash = NULL WHERE event_id = 8`},
		{
			name: "the same, with its key",
			sql: `UPDATE imports SET hashed = false WHERE id = 8; UPDATE grant_chunks SET content_hash = NULL WHERE event_id = 8;
			DELETE FROM event_keys WHERE event_id = 8`,
		},
		{name: "default_reason on all sides", sql: `UPDATE campaign_events SET default_reason = 'x' WHERE id = 8;
			UPDATE money.point_member SET reason = 'x' WHERE ref_unique_id = '8' AND reason = 'spring'`},
		{
			name: "expiry_at on all sides",
			sql: `UPDATE campaign_events SET expiry_at = '2037-01-01 00:00:00+09' WHERE id = 1;
			UPDATE money.point_lot l SET expiry_at = '2037-01-01 00:00:00+09' FROM money.point_member m WHERE m.point_member_id = l.point_member_id AND m.ref_unique_id = '1';
			UPDATE money.point_member SET expiry_at = '2037-01-01 00:00:00+09', expiry_date = '20361231' WHERE ref_unique_id = '1'`,
		},
		{name: "default_amount", sql: `UPDATE campaign_events SET default_amount = 7 WHERE id = 8`},
		{name: "reservation_at", sql: `UPDATE campaign_events SET reservation_at = NULL WHERE id = 3`},
		{name: "reservation_priority", sql: `UPDATE campaign_events SET reservation_priority = 1 WHERE id = 3`},
		{name: "campaign_id", sql: `UPDATE campaign_events SET campaign_id = 'x' WHERE id = 8`},
	}
}

// The hashes see what no other invariant sees.
func TestContentForgeries(t *testing.T) {
	t.Parallel()
	seenByHashes(t, contentForgeries())
}

// seenByHashes plants each forgery in a world of its own, and asserts that I24 sees it and no other invariant does.
func seenByHashes(t *testing.T, forgeries []forgery) {
	t.Helper()
	for _, f := range forgeries {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			pool := plant(t)
			_, err := pool.Exec(t.Context(), forging(f.sql))
			require.NoError(t, err)
			_, red := verify(t, pool, Query{})
			require.Equal(t, []string{"I24"}, red)
		})
	}
}
