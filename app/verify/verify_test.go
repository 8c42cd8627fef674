package verify

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"bestow/domain"
	"bestow/internal/keys"
	"bestow/internal/pgtest"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
)

// verify returns the report, and the ids of the invariants that do not hold.
func verify(tb testing.TB, pool *pgxpool.Pool, q Query) (Report, []string) {
	tb.Helper()
	return verifyBy(tb, plantedVerifier(pool), q)
}

func verifyBy(tb testing.TB, reports *Verifier, q Query) (Report, []string) {
	tb.Helper()
	report, err := reports.Verify(tb.Context(), q)
	require.NoError(tb, err)
	var red []string
	gaps := 0
	for _, inv := range report.Invariants {
		gaps += len(inv.NotCompared)
		if inv.Differences > 0 {
			require.False(tb, inv.OK)
			require.Positive(tb, inv.Differences, inv.ID)
			require.NotEmpty(tb, inv.Examples, inv.ID)
			tb.Logf("%s: %q", inv.ID, inv.Examples)
			red = append(red, inv.ID)
		}
	}
	require.Equal(tb, len(red)+gaps == 0, report.OK)
	return report, red
}

// A world in which everything is as it may be is green as a whole and event by event, whatever stands open in it.
func TestVerifyGreen(t *testing.T) {
	t.Parallel()
	pool := plant(t)
	began := time.Now()
	report, red := verify(t, pool, Query{})
	require.Empty(t, red, "%+v", report)
	require.Equal(t, 8, report.Events)
	require.WithinDuration(t, began, report.CheckedAt, time.Minute)
	var want Totals
	saves := int64(0)
	for _, e := range plantedWorld() {
		for _, m := range e.members() {
			want.Targets++
			want.Published += one(!m.has("ne"))
			want.Success += one(m.has("SRe"))
			want.Fail += one(m.has("GD"))
			saves += one(m.has("SReDAaM"))
		}
	}
	want.Ledger = &saves
	require.Equal(t, want, report.Totals)
	for _, inv := range report.Invariants {
		require.True(t, inv.Checked)
		require.NotContains(t, inv.Compared, "{")
	}
	for _, e := range plantedWorld() {
		report, red := verify(t, pool, Query{Event: fmt.Sprintf("campaign-%d", e.id)})
		require.Empty(t, red, "event %d: %+v", e.id, report)
		require.Equal(t, 1, report.Events)
		require.EqualValues(t, len(e.states), report.Totals.Targets)
	}
}

// What is not a difference yet is said all the same.
func TestVerifySaysWhatIsOpen(t *testing.T) {
	t.Parallel()
	report, _ := verify(t, plant(t), Query{Event: "3"})
	compared := map[string]string{}
	for _, inv := range report.Invariants {
		compared[inv.ID] = inv.Compared
	}
	require.Contains(t, compared["I3"], "9 SUCCESS results with 11 ledger saves")
	require.Contains(t, compared["I3"], "2 saves without a settled result yet")
	require.Contains(t, compared["I4"], "4 came before the relay's mark")
	require.Contains(t, compared["I11"], "4 unsettled chunks of running events: with a job 2, with a claim 0, published 2")
	require.Equal(t, "✓ all 34 invariants hold: 24 targets, 12 published, 9 granted, 1 given up, 11 in the ledger", report.Conclusion())
}

// An empty database holds too.
func TestVerifyNothing(t *testing.T) {
	t.Parallel()
	report, red := verify(t, pgtest.New(t), Query{})
	require.Empty(t, red)
	require.Zero(t, report.Events)
	require.Equal(t, "✓ all 34 invariants hold: targets = published = results = ledger: 0 = 0 = 0 = 0", report.Conclusion())
}

func TestVerifyFindsTheEvent(t *testing.T) {
	t.Parallel()
	pool := plant(t)
	_, err := pool.Exec(t.Context(), `UPDATE campaign_events SET campaign_id = '1' WHERE id = 3`)
	require.NoError(t, err)
	for name, want := range map[string]struct {
		targets int64
		code    domain.Code
	}{
		"3": {targets: 24}, "id:1": {targets: 31}, "campaign:1": {targets: 24}, "campaign-8": {targets: 6},
		"1": {code: domain.Invalid}, "99": {code: domain.NotFound}, "campaign:3": {code: domain.NotFound}, "id:campaign-8": {code: domain.NotFound},
		"99999999999999999999": {code: domain.NotFound},
	} {
		report, err := poorVerifier(pool).Verify(t.Context(), Query{Event: name})
		if want.code != "" {
			require.ErrorIs(t, err, &domain.Error{Code: want.code}, name)
			continue
		}
		require.NoError(t, err, name)
		require.Equal(t, want.targets, report.Totals.Targets, name)
	}
}

// Where the ledger is not ours, what needs it is not checked, and the report says why.
func TestVerifyForeignLedger(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change string
		remote bool
		why    string
	}{
		"no ledger here": {change: `DROP SCHEMA money CASCADE`, why: "the ledger is not in this database"},
		"grants go over HTTP": {
			change: `TRUNCATE money.point_member, money.point_member_detail, money.vouchers`, remote: true,
			why: "grants go to another ledger over HTTP, and the one in this database is empty",
		},
		"handlers have met another ledger": {change: `TRUNCATE money.point_member, money.point_member_detail, money.vouchers;
			INSERT INTO granter_ledgers VALUES ('money', 'another')`, why: "grants go to another ledger over HTTP, and the one in this database is empty"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := plant(t)
			_, err := pool.Exec(t.Context(), forging(c.change))
			require.NoError(t, err)
			reports := plantedVerifier(pool)
			reports.c.RemoteLedger = c.remote
			require.NoError(t, reports.MakeReport(t.Context(), 8, "the service"))
			var kept string
			require.NoError(t, pool.QueryRow(t.Context(), `SELECT report::text FROM verify_reports WHERE event_id = 8`).Scan(&kept))
			require.Contains(t, kept, c.why)
			report, red := verifyBy(t, reports, Query{})
			require.Empty(t, red)
			require.Nil(t, report.Totals.Ledger)
			var skipped []string
			for _, inv := range report.Invariants {
				if !inv.Checked {
					require.Equal(t, c.why, inv.Why)
					skipped = append(skipped, inv.ID)
				}
			}
			require.Equal(t, []string{"I2", "I3", "I12", "I13", "I14", "I16", "I17", "I18", "I19", "I20", "I21", "I22", "I23", "I36", "I37"}, skipped)
			require.False(t, report.OK)
			require.Contains(t, report.Conclusion(), "not proved: 18 of 34 invariants hold, not compared: I2, I3, I12, I13, I14, I16, I17, I18, I19, I20, I21, I22, I23, I36, I37, I41: "+c.why)
		})
	}
}

// Whether a type is compared with our ledger is not the registry's word alone: where our ledger granted for its events, it
// is, and the registry is wrong. Where it did not, the report is not green.
func TestVerifyOneForeignType(t *testing.T) {
	t.Parallel()
	pool := plant(t)
	_, err := pool.Exec(t.Context(), `UPDATE event_types SET granter = 'acme' WHERE code = 'VOUCHER'`)
	require.NoError(t, err)
	_, red := verify(t, pool, Query{})
	require.Equal(t, []string{"I24", "I35"}, red)
	_, err = pool.Exec(t.Context(), forging(`TRUNCATE money.vouchers, money.voucher_events; DELETE FROM starts WHERE event_id IN (2, 7)`))
	require.NoError(t, err)
	store := plantedStore
	err = pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
		return errors.Join(startPlanted(t.Context(), tx, store, 2), startPlanted(t.Context(), tx, store, 7))
	})
	require.NoError(t, err, "they were started when the type had the other granter")
	report, red := verify(t, pool, Query{})
	require.Empty(t, red)
	require.False(t, report.OK)
	require.Contains(t, report.Conclusion(), "not proved: 33 of 34 invariants hold, not compared: I3: what was granted to events of type VOUCHER stands in the ledger \"acme\"")
	require.Equal(t, []Gap{{Why: `what was granted to events of type VOUCHER stands in the ledger "acme", which cannot be read from here`, Events: 2, EventIDs: []int64{2, 7}}},
		report.Invariants[2].NotCompared)
	_, err = pool.Exec(t.Context(), `UPDATE point_results SET money_tx_id = 'P1' WHERE event_id = 8 AND member_id = 'm00'`)
	require.NoError(t, err)
	_, red = verify(t, pool, Query{})
	require.Equal(t, []string{"I3"}, red)
}

// Without the master key neither codes and PINs nor hashes are compared, and the report says so and is not green.
func TestVerifyWithoutMasterKey(t *testing.T) {
	t.Parallel()
	reports := poorVerifier(plant(t))
	for event, want := range map[string]string{
		"": "32 of 34 invariants hold, not compared: I24, I37", "2": "32 of 34 invariants hold, not compared: I24, I37",
		"8": "33 of 34 invariants hold, not compared: I24",
	} {
		report, err := reports.Verify(t.Context(), Query{Event: event})
		require.NoError(t, err)
		require.False(t, report.OK, "event %q: %s", event, report.Conclusion())
		require.Contains(t, report.Conclusion(), "not proved: "+want+": "+gapNoMaster, "event %q", event)
		require.False(t, report.Differs())
	}
}

// A key of hashes that lies in the same database counts, and is named, where there is no master key; not in production, and
// not where somebody has a master key.
func TestVerifyBareKeys(t *testing.T) {
	t.Parallel()
	pool := plant(t)
	require.NoError(t, pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `DELETE FROM event_keys WHERE event_id = 8; DELETE FROM starts WHERE event_id = 8`)
		return errors.Join(err, hashPlanted(t.Context(), tx, keys.Store{Table: keys.Content}, 8), sealPlanted(t.Context(), tx, keys.Store{Table: keys.Content}, 8))
	}))
	for name, c := range map[string]struct {
		store keys.Store
		ok    bool
	}{
		"none":         {keys.Store{Table: keys.Content}, true},
		"production":   {keys.Store{Table: keys.Content, WrappedOnly: true}, false},
		"a master key": {plantedStore, false},
	} {
		report, err := (&Verifier{Config{Pool: pool, Keys: c.store, Zone: defaultZone}}).Verify(t.Context(), Query{Event: "8"})
		require.NoError(t, err, name)
		require.Equal(t, c.ok, report.OK, "%s: %s", name, report.Conclusion())
		require.False(t, report.Differs(), name)
		content := report.Invariants[slices.IndexFunc(report.Invariants, func(i Invariant) bool { return i.ID == "I24" })]
		if c.ok {
			require.Contains(t, content.Compared, "the hash key is in the same database for 1 event")
		} else {
			require.Equal(t, []Gap{gapOf(gapBare, []int64{8})}, content.NotCompared, name)
		}
	}
}

// What an older version wrote without hashes or digests is named, and is not green: a row that lost them looks the same.
func TestVerifyOlderVersions(t *testing.T) {
	t.Parallel()
	pool := plant(t)
	_, err := pool.Exec(t.Context(), `UPDATE grant_chunks SET content_hash = NULL WHERE event_id = 8; UPDATE imports SET hashed = false, seal = NULL WHERE event_id = 8;
		DELETE FROM event_keys WHERE event_id = 8; DELETE FROM starts WHERE event_id = 8;
		UPDATE parked_messages SET digest = NULL; UPDATE idempotency_keys SET digest = NULL; UPDATE imports SET digest = NULL, seal = NULL WHERE event_id = 5;
		UPDATE event_keys SET imports_seal = NULL WHERE event_id = 5`+ofVersion1(5))
	require.NoError(t, err)
	report, red := verify(t, pool, Query{})
	require.Empty(t, red)
	gaps := map[string][]Gap{}
	for _, inv := range report.Invariants {
		if len(inv.NotCompared) > 0 {
			gaps[inv.ID] = inv.NotCompared
		}
	}
	require.Equal(t, []Gap{gapOf(gapNoHash, []int64{8}), gapOf(gapNoSeal, []int64{5}), gapOf(gapKeyless, []int64{5}), gapOf(gapNoRoot, []int64{8})}, gaps["I24"])
	require.Equal(t, []int64{5}, gaps["I38"][0].EventIDs)
	require.Equal(t, []Gap{{Why: "an older version wrote 1 parked message and 1 stored answer and kept no digest: they are not compared"}}, gaps["I43"])
	require.Len(t, gaps, 3)
}

// A type that was added at run time is read like the others.
func TestVerifyAddedType(t *testing.T) {
	t.Parallel()
	pool := plant(t)
	_, err := pool.Exec(t.Context(), `
		INSERT INTO event_types (code, label, operation, topic, state) VALUES ('GIFT_2', 'Gifts', 'points', 'gift', 'CREATING'), ('LATER', 'x', 'points', 'later', 'CREATING');
		SELECT create_event_type_tables('GIFT_2', 'points'); UPDATE event_types SET state = 'READY' WHERE code = 'GIFT_2';
		INSERT INTO campaign_events (id, campaign_id, event_type, event_status, created_by) VALUES (11, 'gift', 'GIFT_2', 'PENDING', 'test');
		INSERT INTO campaign_event_summary (event_id) VALUES (11);
		SELECT setval('campaign_events_id_seq', 11); UPDATE event_ids SET last_id = 11`)
	require.NoError(t, err)
	_, red := verify(t, pool, Query{})
	require.Empty(t, red)
	_, err = pool.Exec(t.Context(), `INSERT INTO gift_2_results (event_id, member_id, amount) VALUES (11, 'm', 1)`)
	require.NoError(t, err)
	report, red := verify(t, pool, Query{})
	require.Equal(t, []string{"I1"}, red)
	require.Equal(t, []string{"event 11, member m: a result without a target"}, report.Invariants[0].Examples)
}

// Tables that have grown are analyzed first, and only those: of targets, one event's own partition or the shared one.
func TestVerifyAnalyzes(t *testing.T) {
	t.Parallel()
	pool := plant(t)
	grown := grownTables(t, pool, nil)
	require.Subset(t, grown, []string{"public.grant_chunks", "public.point_results", "public.point_targets_1", "public.point_targets_default", "money.point_member", "river.river_job"})
	other := int64(3)
	require.NotContains(t, grownTables(t, pool, &other), "public.point_targets_1")
	verify(t, pool, Query{})
	require.Empty(t, grownTables(t, pool, nil))
	_, err := pool.Exec(t.Context(), `INSERT INTO point_results (event_id, member_id, amount) SELECT 9, 'm' || n, 1 FROM generate_series(1, 5000) n`)
	require.NoError(t, err)
	require.Equal(t, []string{"public.point_results"}, grownTables(t, pool, nil))
}

func grownTables(t *testing.T, pool *pgxpool.Pool, event *int64) (grown []string) {
	t.Helper()
	require.NoError(t, poorVerifier(pool).read(t.Context(), func(tx guarded) (err error) {
		grown, err = selectGrown(t.Context(), tx, event)
		return err
	}))
	return grown
}

// sample is a report with everything in it.
func sample(tb testing.TB) Report {
	tb.Helper()
	saves := int64(1_234_566)
	r := Report{
		CheckedAt: time.Date(2026, 11, 21, 9, 30, 0, 0, time.FixedZone("KST", 9*3600)), Events: 2,
		Totals: Totals{Targets: 1_234_567, Published: 1_234_567, Success: 1_234_560, Fail: 7, Ledger: &saves},
		Invariants: []Invariant{
			{ID: "I1", Statement: "every result belongs to a target and has its amount", OK: true, Checked: true, Compared: "1,234,567 results"},
			{ID: "I2", Statement: "no idempotency key was granted twice in the ledger", OK: true, Why: "the ledger is not in this database", Compared: "not checked: the ledger is not in this database"},
			{ID: "I12", Statement: "no lot of points is overdrawn", Checked: true, Compared: "2 lots", Differences: 1200, Examples: []string{"member a: lot P1", "member b: lot P2"}},
		},
	}
	var err error
	r.SHA256, err = r.Digest()
	require.NoError(tb, err)
	return r
}

// The document's shape is wire format, and so is its digest: it leaves out nothing but itself.
func TestVerifyReportJSON(t *testing.T) {
	t.Parallel()
	r := sample(t)
	body, err := json.MarshalIndent(r, "", "  ")
	require.NoError(t, err)
	golden(t, "testdata/report.json", string(body)+"\n")
	r.Invariants[2].Examples[1] = "member c: lot P2"
	changed, err := r.Digest()
	require.NoError(t, err)
	require.NotEqual(t, r.SHA256, changed)
}

func TestVerifyReportText(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	require.NoError(t, sample(t).Write(&b))
	golden(t, "testdata/report.txt", b.String())
}

// golden compares with a file, or writes it where BESTOW_TEST_GOLDEN is set.
func golden(tb testing.TB, path, got string) {
	tb.Helper()
	if os.Getenv("BESTOW_TEST_GOLDEN") != "" {
		require.NoError(tb, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(tb, err)
	require.Equal(tb, string(want), got)
}

func TestTotalsInWords(t *testing.T) {
	t.Parallel()
	ten, nine := int64(10), int64(9)
	for want, totals := range map[string]Totals{
		"targets = published = results = ledger: 10 = 10 = 10 = 10":                               {10, 10, 10, 0, &ten},
		"targets = published = results: 10 = 10 = 10":                                             {10, 10, 10, 0, nil},
		"targets = published = results: 10 = 10 = 10, of them 9 granted and 1 given up, ledger 9": {10, 10, 9, 1, &nine},
		"10 targets, 10 published, 10 granted, 0 given up, 9 in the ledger":                       {10, 10, 10, 0, &nine},
		"10 targets, 5 published, 3 granted, 1 given up":                                          {10, 5, 3, 1, nil},
	} {
		require.Equal(t, want, totals.String())
	}
}

// What was compared is said of one thing as of several (P16).
func TestMeasuresInWords(t *testing.T) {
	t.Parallel()
	m := measures{}
	for column, n := range map[string]int64{"none": 0, "one": 1, "two": 2, "many": 1_234_567, "less": -1_234_567} {
		require.NoError(t, m.add(column, n))
	}
	for text, want := range map[string]string{
		"{one} and {many}, {less} and {unknown}":   "1 and 1,234,567, -1,234,567 and 0",
		"{none row}, {one row}, {two row}":         "0 rows, 1 row, 2 rows",
		"{one final result} of {many lost entry}":  "1 final result of 1,234,567 lost entries",
		"all[; {one row} late][; {none row} lost]": "all; 1 row late",
	} {
		require.Equal(t, want, m.fill(text))
	}
	slots := 0
	for _, inv := range invariants() {
		require.NotRegexp(t, `\} [a-z]+s\b`, inv.compared, "%s counts things: {column thing}", inv.id)
		slots += len(measureSlot.FindAllString(inv.compared, -1))
	}
	require.Greater(t, slots, 50)
}
