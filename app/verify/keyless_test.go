package verify

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// rerooted makes the root of an event anew as a person without its key can: by the rule that has none.
func rerooted(event int) string {
	return fmt.Sprintf(`; UPDATE starts s SET root = sha256('bestow.content.v1'::bytea || sha256(convert_to(definition, 'UTF8')) || (
			SELECT string_agg(int4send(partition_key) || int8send(first_id) || int8send(last_id) || int4send(target_count) || int2send(0::int2)
				|| coalesce(content_hash, decode(repeat('00', 32), 'hex')), ''::bytea ORDER BY partition_key, first_id)
			FROM grant_chunks c WHERE c.event_id = s.event_id)) WHERE event_id = %d`, event)
}

// ofVersion1 says that the event's root is one of the version whose roots have no key, and makes it so.
func ofVersion1(event int) string {
	return fmt.Sprintf(`; UPDATE starts SET definition = regexp_replace(definition, '"v":[0-9]+', '"v":1') WHERE event_id = %d`, event) + rerooted(event)
}

// recounted makes every sum of an event fit its rows again.
func recounted(kind string, event int) string {
	return fmt.Sprintf(`;
		UPDATE campaign_events SET total_count = (SELECT count(*) FROM %[1]s_targets WHERE event_id = %[2]d),
			total_amount = (SELECT coalesce(sum(amount), 0) FROM %[1]s_targets WHERE event_id = %[2]d) WHERE id = %[2]d;
		UPDATE imports i SET (accepted, total_amount) = (SELECT count(*), coalesce(sum(t.amount), 0) FROM grant_chunks c
			JOIN %[1]s_targets t ON t.event_id = c.event_id AND t.partition_key = c.partition_key AND t.id BETWEEN c.first_id AND c.last_id
			WHERE c.import_id = i.id) WHERE event_id = %[2]d;
		UPDATE imports SET digest = import_digest(id) WHERE event_id = %[2]d;
		UPDATE campaign_event_summary SET
			published_count = (SELECT count(*) FROM %[1]s_targets WHERE event_id = %[2]d AND publish_status = 'PUBLISHED'),
			success_count = (SELECT count(*) FROM %[1]s_results WHERE event_id = %[2]d AND status = 'SUCCESS'),
			fail_count = (SELECT count(*) FROM %[1]s_results WHERE event_id = %[2]d AND status = 'PERMANENTLY_FAILED'),
			retry_success_count = (SELECT count(*) FROM %[1]s_results WHERE event_id = %[2]d AND status = 'SUCCESS' AND retry_count > 0)
		WHERE event_id = %[2]d`, kind, event)
}

// erased takes chunks of an event, with all that their members have, out of every table.
func erased(kind string, event int, chunks string) string {
	return fmt.Sprintf(`
		CREATE TEMP TABLE cut AS SELECT * FROM grant_chunks WHERE event_id = %[2]d AND %[3]s;
		CREATE TEMP TABLE gone AS SELECT t.* FROM %[1]s_targets t JOIN cut c ON t.event_id = c.event_id AND t.partition_key = c.partition_key AND t.id BETWEEN c.first_id AND c.last_id;
		DELETE FROM money.point_member_detail d USING money.point_member p
			WHERE p.point_member_id = d.save_point_member_id AND p.idempotency_key IN (SELECT 'grant:%[2]d:' || member_id FROM gone);
		DELETE FROM money.point_member WHERE idempotency_key IN (SELECT 'grant:%[2]d:' || member_id FROM gone);
		DELETE FROM money.vouchers WHERE idempotency_key IN (SELECT 'grant:%[2]d:' || member_id FROM gone);
		DELETE FROM %[1]s_results WHERE event_id = %[2]d AND member_id IN (SELECT member_id FROM gone);
		DELETE FROM %[1]s_targets WHERE event_id = %[2]d AND id IN (SELECT id FROM gone);
		DELETE FROM grant_chunks WHERE event_id = %[2]d AND %[3]s`, kind, event, chunks) + recounted(kind, event)
}

// redefined changes an event's row and the definition that its start has kept.
func redefined(event int, set, was, is string) string {
	return fmt.Sprintf(`UPDATE campaign_events SET %[2]s WHERE id = %[1]d;
		UPDATE starts SET definition = replace(definition, '%[3]s', '%[4]s') WHERE event_id = %[1]d`, event, set, was,
		is) + rerooted(event)
}

const (
	laterPoints = `; UPDATE money.point_member SET expiry_at = '2037-06-30 23:59:59+09', expiry_date = '20370630' WHERE ref_unique_id = '1';
		UPDATE money.point_lot l SET expiry_at = m.expiry_at FROM money.point_member m WHERE m.point_member_id = l.point_member_id AND m.ref_unique_id = '1'`
	laterCodes = `; UPDATE money.vouchers SET expiry_at = '2037-06-30 23:59:59+09' WHERE ref = '2';
		UPDATE voucher_results SET voucher_expiry_at = '2037-06-30 23:59:59+09' WHERE event_id = 2 AND status = 'SUCCESS'`
	stoppedLater = `; UPDATE money.point_member SET expiry_at = '2037-01-01 00:00:00Z', expiry_date = '20370101' WHERE ref_unique_id = '5';
		UPDATE money.point_lot l SET expiry_at = m.expiry_at FROM money.point_member m WHERE m.point_member_id = l.point_member_id AND m.ref_unique_id = '5'`
	otherReason = `; UPDATE money.point_member SET reason = 'autumn' WHERE ref_unique_id = '8' AND reason = 'spring'`
	swappedIDs  = `UPDATE campaign_events SET campaign_id = 'x' WHERE id = 8; UPDATE campaign_events SET campaign_id = 'campaign-8' WHERE id = 1; UPDATE campaign_events SET campaign_id = 'campaign-1' WHERE id = 8;
		UPDATE starts SET definition = replace(definition, 'campaign-1', 'campaign-8') WHERE event_id = 1; UPDATE starts SET definition = replace(definition, 'campaign-8', 'campaign-1') WHERE event_id = 8`
	startMoved = `UPDATE starts SET at = at - interval '1h' WHERE event_id = 8; UPDATE campaign_event_summary SET started_at = started_at - interval '1h' WHERE event_id = 8;
		UPDATE campaign_events SET created_at = created_at - interval '1h' WHERE id = 8`
	startInvented = `UPDATE campaign_events SET event_status = 'STOPPED', updated_at = now() WHERE id = 4;
		UPDATE campaign_event_summary SET started_at = now(), stopped_at = now(), stopped_memo = 'x' WHERE event_id = 4;
		INSERT INTO starts (event_id, at, by, root, definition) SELECT 4, now(), 'x', sha256('x'),
			replace(replace(definition, 'campaign-5', 'campaign-4'), '"reservation_at":null', '"reservation_at":"2026-12-01T00:00:00Z"') FROM starts WHERE event_id = 5`
)

// keylessForgeries are made by a person who can write to the database, knows every rule, and makes anew whatever has no
// key.
func keylessForgeries() []forgery {
	return []forgery{
		{name: "A1 a chunk", sql: erased("point", 8, "first_id = 8004") + rerooted(8)},
		{name: "A2 a chunk of vouchers", sql: erased("voucher", 2, "first_id = (SELECT min(first_id) FROM grant_chunks WHERE event_id = 2)") + rerooted(2)},
		{name: "A3 a chunk of a stopped event", sql: erased("point", 5, "first_id = 5008") + rerooted(5)},
		{name: "A4 a chunk of a pending event", sql: erased("point", 4, "first_id = 4000")},
		{name: "A5 an import", sql: erased("point", 5, "import_id = 11") + `; DELETE FROM imports WHERE id = 11` + rerooted(5)},
		{name: "A5 an import of a pending event", sql: erased("point", 4, "import_id = 12") + `; DELETE FROM imports WHERE id = 12`},
		{name: "A5 all imports of a pending event", sql: erased("point", 4, "true") + `; DELETE FROM imports WHERE event_id = 4`},
		{name: "A6 all chunks but one", sql: erased("point", 1, "first_id > 1000") + rerooted(1)},
		{name: "B1 a later expiry", sql: redefined(1, `expiry_at = '2037-06-30 23:59:59+09'`, "2027-06-30", "2037-06-30") + laterPoints},
		{name: "B2 a later expiry of vouchers", sql: redefined(2, `expiry_at = '2037-06-30 23:59:59+09'`, "2027-06-30", "2037-06-30") + laterCodes},
		{name: "B3 campaign_id", sql: redefined(8, `campaign_id = 'forged'`, "campaign-8", "forged")},
		{name: "B4 default_reason", sql: redefined(8, `default_reason = 'autumn'`, "spring", "autumn") + otherReason},
		{name: "B5 default_amount", sql: redefined(8, `default_amount = 5`, `"default_amount":null`, `"default_amount":5`)},
		{name: "B6 a reservation", sql: redefined(8, `reservation_at = '2026-12-01 00:00:00Z'`, `"reservation_at":null`, `"reservation_at":"2026-12-01T00:00:00Z"`)},
		{name: "B7 two campaigns swapped", sql: swappedIDs + rerooted(1) + rerooted(8)},
		{name: "B8 an expiry of a stopped event", sql: redefined(5, `expiry_at = '2037-01-01 00:00:00Z'`, `"expiry_at":null`, `"expiry_at":"2037-01-01T00:00:00Z"`) + stoppedLater},
		{name: "C1 the moment of the start", sql: startMoved + rerooted(8)},
		{name: "the person who started", sql: `UPDATE starts SET by = 'x' WHERE event_id = 8` + rerooted(8)},
		{name: "F1 a start of a pending event", sql: startInvented + rerooted(4)},
		{name: "a root without a key", sql: `SELECT 1` + ofVersion1(8)},
		{name: "A1 and a root without a key", sql: erased("point", 8, "first_id = 8004") + ofVersion1(8)},
		{name: "B1 and a root without a key", sql: redefined(1, `expiry_at = '2037-06-30 23:59:59+09'`, "2027-06-30", "2037-06-30") + laterPoints + ofVersion1(1)},
		{name: "F1 and a root without a key", sql: startInvented + ofVersion1(4)},
		{name: "a chunk moved to another import", sql: `UPDATE grant_chunks SET import_id = 5 WHERE event_id = 5 AND import_id = 11` + recounted("point", 5) + rerooted(5)},
		{name: "a rejected row, and the digest", sql: `UPDATE rejected_rows SET raw = 'x' WHERE line = 7` + fitImport},
		{name: "the file's hash, and the digest", sql: `UPDATE imports SET sha256 = 'x' WHERE id = 8` + fitImport},
	}
}

// The seals are part of what a list of an older version does not have: what is left is named, and not green.
func TestForgedIntoAnOlderVersion(t *testing.T) {
	t.Parallel()
	pool := plant(t)
	_, err := pool.Exec(t.Context(),
		forging(
			`UPDATE imports SET seal = NULL WHERE event_id = 8; UPDATE event_keys SET imports_seal = NULL WHERE event_id = 8;`+
				erased("point", 8, "first_id = 8004")+`; UPDATE imports SET max_amount = 103 WHERE event_id = 8`+
				ofVersion1(8)))
	require.NoError(t, err)
	report, red := verify(t, pool, Query{})
	require.Empty(t, red)
	require.False(t, report.OK)
	require.Contains(t, report.Conclusion(), "not compared: I24: "+gapNoSeal)
}

// A person without the master key makes anew all that has no key, and I24 sees it.
func TestKeylessForgeries(t *testing.T) {
	t.Parallel()
	seenByHashes(t, keylessForgeries())
}
