package app

import (
	"strings"
	"testing"

	"bestow/domain"
	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// What passes max_per_member is a rejected row, in either format, the event's default amount too; what equals it is not (C7).
func TestAmountOverLimit(t *testing.T) {
	t.Parallel()
	for contentType, list := range map[string]string{
		typeCSV:    "member_id,amount\na,1000\nb,1001\nc,\nd,900000000000000\n",
		typeNDJSON: `{"member_id":"a","amount":1000}` + "\n" + `{"member_id":"b","amount":1001}` + "\n" + `{"member_id":"c"}` + "\n" + `{"member_id":"d","amount":900000000000000}` + "\n",
	} {
		s := setupImport(t)
		s.exec(`UPDATE event_types SET max_per_member = 1000`)
		for amount, want := range map[string]struct{ accepted, rejected int }{"1000": {2, 2}, "1001": {1, 3}} {
			id := s.event("default_amount = " + amount)
			r, err := s.targets.Import(t.Context(), Caller{Actor: "test"}, id, Upload{Body: strings.NewReader(list), ContentType: contentType})
			require.NoError(t, err)
			require.Equal(t, want.accepted, r.Accepted, amount)
			require.Equal(t, want.rejected, r.Rejected, amount)
			for _, row := range s.rejected(id, r.ImportID) {
				require.Equal(t, domain.AmountOverLimit, row.Code)
				require.Contains(t, row.Reason, " P is over max_per_member of POINT, 1000 P")
			}
			require.LessOrEqual(t, s.int(`SELECT max(amount) FROM point_targets WHERE event_id = $1`, id), int64(1000))
		}
	}
}

// An upload with which the event passes a limit, with what was imported before, ends with the numbers, and nothing of it is
// kept; dry or not (C7).
func TestTotalOverLimit(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		limits string
		before string
		list   string
		over   *domain.OverLimit
	}{
		"the sum":                 {"max_per_event = 100", "", "a,50\nb,51\n", &domain.OverLimit{Limit: "max_per_event", Most: 100, Asked: 101}},
		"the sum, just":           {"max_per_event = 100", "", "a,50\nb,50\n", nil},
		"the sum, with the first": {"max_per_event = 100", "x,60\n", "a,20\nb,21\n", &domain.OverLimit{Limit: "max_per_event", Most: 100, Asked: 101}},
		"the count":               {"max_count = 2", "", "a,1\nb,1\nc,1\n", &domain.OverLimit{Limit: "max_count", Most: 2, Asked: 3}},
		"the count, just":         {"max_count = 2", "x,1\n", "a,1\n", nil},
		"the count, with another": {"max_count = 2", "x,1\n", "a,1\nb,1\n", &domain.OverLimit{Limit: "max_count", Most: 2, Asked: 3}},
		"rejected do not count":   {"max_count = 1, max_per_event = 1", "", "a,1\na,1\nb,no\n", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := setupImport(t)
			id := s.event()
			if c.before != "" {
				s.mustImport(id, "member_id,amount\n"+c.before)
			}
			s.exec(`UPDATE event_types SET ` + c.limits)
			had := s.int(`SELECT count(*) FROM point_targets`)
			for _, dry := range []bool{true, false} {
				u := Upload{Body: strings.NewReader("member_id,amount\n" + c.list), ContentType: typeCSV, DryRun: dry}
				_, err := s.targets.Import(t.Context(), Caller{Actor: "test"}, id, u)
				if c.over == nil {
					require.NoError(t, err)
					continue
				}
				var refused *domain.Error
				require.ErrorAs(t, err, &refused)
				require.Equal(t, domain.TotalOverLimit, refused.Code)
				require.Equal(t, c.over, refused.Over)
				require.Equal(t, had, s.int(`SELECT count(*) FROM point_targets`))
				require.Equal(t, had, s.int(`SELECT total_count FROM campaign_events WHERE id = $1`, id))
			}
		})
	}
}

// A start sees limits that were lowered since the import; of an import of before the largest amount was kept it asks the targets
// (C7). In production a type that lacks any limit starts nothing.
func TestLimitsAtTheStart(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		set        string
		production bool
		want       domain.Code
		message    string
	}{
		"no limits":            {"max_count = NULL", false, "", ""},
		"equal":                {"max_per_member = 7, max_per_event = 12, max_count = 2", true, "", ""},
		"an amount":            {"max_per_member = 6", false, domain.PassesLimit, "the event has a target with 7 P: max_per_member of POINT is 6 P"},
		"the sum":              {"max_per_event = 11", false, domain.PassesLimit, "the event comes to 12 P: max_per_event of POINT is 11 P"},
		"the count":            {"max_count = 1", false, domain.PassesLimit, "the event has 2 targets: max_count of POINT is 1"},
		"production":           {"max_count = NULL", true, domain.LimitsMissing, "event type POINT has no max_per_member, max_per_event, max_count"},
		"development's, there": {"max_per_member = 7, max_per_event = 12, max_count = 2, limits_seeded = true", false, "", ""},
		"development's": {"max_per_member = 7, max_per_event = 12, max_count = 2, limits_seeded = true", true, domain.LimitsMissing,
			"event type POINT has only the limits that development gives"},
		"production, one less": {"max_per_member = 7, max_count = 2", true, domain.LimitsMissing, "event type POINT has no max_per_event"},
	} {
		for _, change := range []string{`UPDATE imports SET max_amount = NULL`, `SELECT 1`} {
			t.Run(name+", "+change, func(t *testing.T) {
				t.Parallel()
				s := setupImport(t)
				id := s.event()
				s.mustImport(id, "member_id,amount\na,7\nb,5\n")
				s.exec(change)
				s.exec(`UPDATE event_types SET ` + c.set)
				events := &Events{s.targets.Deps}
				events.LimitsNeeded = c.production
				_, err := events.Start(t.Context(), Caller{Actor: "test"}, id)
				if c.want == "" {
					require.NoError(t, err)
					return
				}
				require.ErrorIs(t, err, &domain.Error{Code: c.want})
				require.EqualError(t, err, c.message)
				require.Equal(t, int64(1), s.int(`SELECT count(*) FROM campaign_events WHERE event_status = 'PENDING'`))
			})
		}
	}
}

// A limit that a person sets, be it the same one, makes the limits a person's; a label does not.
func TestAPersonSetsSeededLimits(t *testing.T) {
	t.Parallel()
	s := setupImport(t)
	types := &Types{s.targets.Deps}
	require.NoError(t, types.SeedLimits(t.Context()))
	label, most := "Points", int32(100_000_000)
	y, err := types.Edit(t.Context(), "POINT", TypePatch{Label: &label, Given: map[string]bool{"label": true}})
	require.NoError(t, err)
	require.True(t, y.Limits.Seeded)
	_, err = types.Edit(t.Context(), "POINT", TypePatch{MaxCount: &most, Given: map[string]bool{"max_count": true}})
	require.NoError(t, err)
	require.Equal(t, int64(1), s.int(`SELECT count(*) FROM event_types WHERE code = 'POINT' AND NOT limits_seeded AND max_count = 100000000`))
}

// The limits of development are given once, and only to a built-in type that has none.
func TestSeedLimits(t *testing.T) {
	t.Parallel()
	s := setupImport(t)
	types := &Types{s.targets.Deps}
	s.exec(`UPDATE event_types SET max_count = 3 WHERE code = 'VOUCHER'`)
	for range 2 {
		require.NoError(t, types.SeedLimits(t.Context()))
		list, err := pg.Value(t.Context(), s.pool, func(tx pgx.Tx) (map[string]domain.EventType, error) { return selectTypes(t.Context(), tx) })
		require.NoError(t, err)
		require.Empty(t, list["POINT"].Limits.Missing())
		require.True(t, list["POINT"].Limits.Seeded)
		require.Equal(t, domain.TypeLimits{Count: 3}, list["VOUCHER"].Limits)
		require.Equal(t, []string{"P", "KRW"}, []string{list["POINT"].Unit, list["VOUCHER"].Unit})
	}
}
