package imports

import (
	"strings"
	"testing"

	"bestow/app/command"
	"bestow/domain"

	"github.com/stretchr/testify/require"
)

// What passes max_per_member is a rejected row, in either format, the event's default amount too; what equals it is not
// (C7).
func TestAmountOverLimit(t *testing.T) {
	t.Parallel()
	for contentType, list := range map[string]string{
		typeCSV: "member_id,amount\na,1000\nb,1001\nc,\nd,900000000000000\n",
		typeNDJSON: `{"member_id":"a","amount":1000}` + "\n" + `{"member_id":"b","amount":1001}` + "\n" +
			`{"member_id":"c"}` + "\n" + `{"member_id":"d","amount":900000000000000}` + "\n",
	} {
		s := setupImport(t)
		s.Exec(`UPDATE event_types SET max_per_member = 1000`)
		for amount, want := range map[string]struct{ accepted, rejected int }{"1000": {2, 2}, "1001": {1, 3}} {
			id := s.Event("default_amount = " + amount)
			r, err := s.targets.Import(t.Context(), command.Caller{Actor: "test"}, id,
				Upload{Body: strings.NewReader(list), ContentType: contentType})
			require.NoError(t, err)
			require.Equal(t, want.accepted, r.Value.Accepted, amount)
			require.Equal(t, want.rejected, r.Value.Rejected, amount)
			for _, row := range s.rejected(id, r.Value.ImportID) {
				require.Equal(t, domain.AmountOverLimit, row.Code)
				require.Contains(t, row.Reason, " P is over max_per_member of POINT, 1000 P")
			}
			require.LessOrEqual(t, s.Int(`SELECT max(amount) FROM point_targets WHERE event_id = $1`, id), int64(1000))
		}
	}
}

// An upload with which the event passes a limit, with what was imported before, ends with the numbers, and nothing of
// it is kept; dry or not (C7).
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
			id := s.Event()
			if c.before != "" {
				s.mustImport(id, "member_id,amount\n"+c.before)
			}
			s.Exec(`UPDATE event_types SET ` + c.limits)
			had := s.Int(`SELECT count(*) FROM point_targets`)
			for _, dry := range []bool{true, false} {
				u := Upload{Body: strings.NewReader("member_id,amount\n" + c.list), ContentType: typeCSV, DryRun: dry}
				_, err := s.targets.Import(t.Context(), command.Caller{Actor: "test"}, id, u)
				if c.over == nil {
					require.NoError(t, err)
					continue
				}
				var refused *domain.Error
				require.ErrorAs(t, err, &refused)
				require.Equal(t, domain.TotalOverLimit, refused.Code)
				require.Equal(t, c.over, refused.Over)
				require.Equal(t, had, s.Int(`SELECT count(*) FROM point_targets`))
				require.Equal(t, had, s.Int(`SELECT total_count FROM campaign_events WHERE id = $1`, id))
			}
		})
	}
}
