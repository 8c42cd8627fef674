package app

import (
	"strings"
	"testing"

	"bestow/domain"

	"github.com/stretchr/testify/require"
)

// An import counts which of its accepted rows took the event's default amount, and keeps the largest amount, in either
// format.
func TestImportCountsTheDefault(t *testing.T) {
	t.Parallel()
	for contentType, list := range map[string]string{
		typeCSV:                "member_id,amount\na,\nb,7\nc,\na,\nd,5\nbad,x\n",
		"application/x-ndjson": `{"member_id": "a"}` + "\n" + `{"member_id": "b", "amount": 7}` + "\n" + `{"member_id": "c"}` + "\n" + `{"member_id": "a"}` + "\n" + `{"member_id": "d", "amount": 5}` + "\n",
	} {
		s := setupImport(t)
		id := s.event("default_amount = 5")
		u := Upload{Body: strings.NewReader(list), ContentType: contentType}
		r, err := s.targets.Import(t.Context(), Caller{Actor: "test"}, id, u)
		require.NoError(t, err)
		require.Equal(t, 4, r.Accepted)
		require.Equal(t, int64(22), r.TotalAmount)
		require.Equal(t, int64(2), s.int(`SELECT defaulted FROM imports WHERE id = $1`, r.ImportID), "the second row of a does not count, nor does 5 that was written")
		require.Equal(t, int64(7), s.int(`SELECT max_amount FROM imports WHERE id = $1`, r.ImportID))
		require.Equal(t, int64(5), s.int(`SELECT amount FROM point_targets WHERE event_id = $1 AND member_id = 'a'`, id))
	}
}

// edit changes one event as a person would.
func (s *importTest) edit(id int64, p EventPatch) error {
	s.Helper()
	events := &Events{s.targets.Deps}
	_, err := events.Edit(s.Context(), Caller{Actor: "test"}, id, p, func(domain.Event) error { return nil })
	return err
}

// A default amount that rows have taken stays: they would keep it. What no row took, and what is read when it is used,
// changes (C6).
func TestAmountInUse(t *testing.T) {
	t.Parallel()
	five, six := int64(5), int64(6)
	to := func(amount *int64) EventPatch {
		return EventPatch{NewEvent: NewEvent{DefaultAmount: amount}, Given: map[string]bool{"default_amount": true}}
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
		"a reason is read when it is used":    {[]string{some}, "", EventPatch{Given: map[string]bool{"default_reason": true}}, 0},
		"an import of before, amounts alike":  {[]string{none}, `UPDATE imports SET defaulted = NULL`, to(&six), 1},
		"an import of before, no amount like": {[]string{"member_id,amount\na,7\n"}, `UPDATE imports SET defaulted = NULL`, to(&six), 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := setupImport(t)
			id := s.event("default_amount = 5", "default_reason = 'spring'")
			for _, list := range c.lists {
				s.mustImport(id, list)
			}
			if c.before != "" {
				s.exec(c.before)
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
			require.Equal(t, int64(5), s.int(`SELECT default_amount FROM campaign_events WHERE id = $1`, id))
		})
	}
}
