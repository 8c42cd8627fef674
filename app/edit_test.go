package app

import (
	"strings"
	"testing"

	"bestow/app/command"
	"bestow/app/eventrow"
	"bestow/app/imports"
	"bestow/app/patch"
	"bestow/app/types"
	"bestow/domain"
	"bestow/internal/eventtest"
	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// lifeTest is a database with all use cases on it.
type lifeTest struct {
	*eventtest.DB

	app *App
}

// setupLife makes a database; change may change what its use cases stand on.
func setupLife(t *testing.T, change ...func(*Deps)) *lifeTest {
	t.Helper()
	db := eventtest.New(t)
	deps := Deps{Pool: db.Pool, River: db.River}
	for _, c := range change {
		c(&deps)
	}
	a, err := New(deps)
	require.NoError(t, err)
	return &lifeTest{db, a}
}

func (s *lifeTest) importCSV(id int64, file string) error {
	s.Helper()
	u := imports.Upload{Body: strings.NewReader(file), ContentType: "text/csv"}
	_, err := s.app.Targets.Import(s.Context(), command.Caller{Actor: "test"}, id, u)
	return err
}

func (s *lifeTest) mustImport(id int64, file string) {
	s.Helper()
	require.NoError(s, s.importCSV(id, file))
}

// edit changes one event as a person would.
func (s *lifeTest) edit(id int64, p EventPatch) error {
	s.Helper()
	_, err := s.app.Events.Edit(s.Context(), command.Caller{Actor: "test"}, id, p,
		func(domain.Event) error { return nil })
	return err
}

// A default amount that rows have taken stays: they would keep it. What no row took, and what is read when it is used,
// changes (C6).
func TestAmountInUse(t *testing.T) {
	t.Parallel()
	five, six := int64(5), int64(6)
	to := func(amount *int64) EventPatch {
		return EventPatch{DefaultAmount: patch.SetTo(amount)}
	}
	const some, none = "member_id,amount\na,\nb,5\nc,\n", "member_id,amount\na,5\nb,7\n"
	for name, c := range map[string]struct {
		lists  []string
		before string // SQL after the imports
		patch  EventPatch
		rows   int // that are in use; 0: the patch is taken
	}{
		"rows took it":                        {[]string{some}, "", to(&six), 2},
		"cleared":                             {[]string{some}, "", to(nil), 2},
		"the second list took it":             {[]string{none, "member_id\nz\n"}, "", to(&six), 1},
		"the same":                            {[]string{some}, "", to(&five), 0},
		"no row took it":                      {[]string{none}, "", to(&six), 0},
		"no list":                             {nil, "", to(&six), 0},
		"a reason is read when it is used":    {[]string{some}, "", EventPatch{DefaultReason: patch.SetTo("")}, 0},
		"an import of before, amounts alike":  {[]string{none}, `UPDATE imports SET defaulted = NULL`, to(&six), 1},
		"an import of before, no amount like": {[]string{"member_id,amount\na,7\n"}, `UPDATE imports SET defaulted = NULL`, to(&six), 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := setupLife(t)
			id := s.Event("default_amount = 5", "default_reason = 'spring'")
			for _, list := range c.lists {
				s.mustImport(id, list)
			}
			if c.before != "" {
				s.Exec(c.before)
			}
			err := s.edit(id, c.patch)
			if c.rows == 0 {
				require.NoError(t, err)
				return
			}
			var refused *domain.Error
			require.ErrorAs(t, err, &refused)
			require.Equal(t, domain.AmountInUse, refused.Code)
			require.Equal(t, c.rows, refused.Rows)
			require.Equal(t, int64(5), s.Int(`SELECT default_amount FROM campaign_events WHERE id = $1`, id))
		})
	}
}

// A start sees limits that were lowered since the import; of an import of before the largest amount was kept it asks
// the targets (C7). In production a type that lacks any limit starts nothing.
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
		"development's": {
			"max_per_member = 7, max_per_event = 12, max_count = 2, limits_seeded = true", true,
			domain.LimitsMissing,
			"event type POINT has only the limits that development gives",
		},
		"production, one less": {"max_per_member = 7, max_count = 2", true, domain.LimitsMissing, "event type POINT has no max_per_event"},
	} {
		for _, change := range []string{`UPDATE imports SET max_amount = NULL`, `SELECT 1`} {
			t.Run(name+", "+change, func(t *testing.T) {
				t.Parallel()
				s := setupLife(t, func(d *Deps) { d.LimitsNeeded = c.production })
				id := s.Event()
				s.mustImport(id, "member_id,amount\na,7\nb,5\n")
				s.Exec(change)
				s.Exec(`UPDATE event_types SET ` + c.set)
				_, _, err := s.app.Events.Start(t.Context(), command.Caller{Actor: "test"}, id)
				if c.want == "" {
					require.NoError(t, err)
					return
				}
				require.ErrorIs(t, err, &domain.Error{Code: c.want})
				require.EqualError(t, err, c.message)
				require.Equal(t, int64(1), s.Int(`SELECT count(*) FROM campaign_events WHERE event_status = 'PENDING'`))
			})
		}
	}
}

// A limit that a person sets, be it the same one, makes the limits a person's; a label does not.
func TestAPersonSetsSeededLimits(t *testing.T) {
	t.Parallel()
	s := setupLife(t)
	use := s.app.Types
	require.NoError(t, use.SeedLimits(t.Context()))
	label, most := "Points", int32(100_000_000)
	y, err := use.Edit(t.Context(), command.Caller{Actor: "test"}, "POINT", types.Patch{Label: patch.SetTo(&label)})
	require.NoError(t, err)
	require.True(t, y.Value.Limits.Seeded)
	_, err = use.Edit(t.Context(), command.Caller{Actor: "test"}, "POINT", types.Patch{MaxCount: patch.SetTo(&most)})
	require.NoError(t, err)
	require.Equal(t, int64(1),
		s.Int(`SELECT count(*) FROM event_types WHERE code = 'POINT' AND NOT limits_seeded AND max_count = 100000000`))
}

// The limits of development are given once, and only to a built-in type that has none.
func TestSeedLimits(t *testing.T) {
	t.Parallel()
	s := setupLife(t)
	use := s.app.Types
	s.Exec(`UPDATE event_types SET max_count = 3 WHERE code = 'VOUCHER'`)
	for range 2 {
		require.NoError(t, use.SeedLimits(t.Context()))
		list, err := pg.Value(t.Context(), s.Pool,
			func(tx pgx.Tx) (map[string]domain.EventType, error) { return eventrow.Types(t.Context(), tx) })
		require.NoError(t, err)
		require.Empty(t, list["POINT"].Limits.Missing())
		require.True(t, list["POINT"].Limits.Seeded)
		require.Equal(t, domain.TypeLimits{Count: 3}, list["VOUCHER"].Limits)
		require.Equal(t, []string{"P", "KRW"}, []string{list["POINT"].Unit, list["VOUCHER"].Unit})
	}
}

// A repeated key that made an event tells of none that was deleted since.
func TestKeyOfADeletedEvent(t *testing.T) {
	t.Parallel()
	s := setupLife(t)
	make := func() (domain.Event, error) {
		made, err := s.app.Events.Create(t.Context(), by("k"), NewEvent{CampaignID: "spring", EventType: "POINT"})
		return made.Value, err
	}
	first, err := make()
	require.NoError(t, err)
	again, err := make()
	require.NoError(t, err)
	require.Equal(t, first.ID, again.ID)
	s.mustDo(s.remove(first.ID))
	_, err = make()
	require.ErrorIs(t, err, &domain.Error{Code: domain.Undone})
}
