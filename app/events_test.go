package app

import (
	"strings"
	"testing"
	"time"

	"bestow/domain"

	"github.com/stretchr/testify/require"
)

// What an event may be, field by field, at the edges. The API's own cases are tested where it is.
func TestCheckNewEvent(t *testing.T) {
	t.Parallel()
	const passed = "is in the past: give a moment ahead, or leave it out to start by hand"
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	types := map[string]domain.EventType{"POINT": {Code: "POINT"}, "VOUCHER": {Code: "VOUCHER"}}
	at := func(d time.Duration) *time.Time { t := now.Add(d); return &t }
	for name, c := range map[string]struct {
		change func(*NewEvent)
		want   string // "field: message; …", "" for none
	}{
		"plain":                      {func(*NewEvent) {}, ""},
		"50 characters":              {func(n *NewEvent) { n.CampaignID = strings.Repeat("가", 50) }, ""},
		"51 characters":              {func(n *NewEvent) { n.CampaignID = strings.Repeat("가", 51) }, "campaign_id: is over 50 characters"},
		"space inside":               {func(n *NewEvent) { n.CampaignID = "봄 행사" }, ""},
		"a type's list":              {func(n *NewEvent) { n.EventType = "X" }, "event_type: must be one of POINT, VOUCHER"},
		"500 characters":             {func(n *NewEvent) { n.DefaultReason = strings.Repeat("봄", 500) }, ""},
		"a reason of two lines":      {func(n *NewEvent) { n.DefaultReason = "a\nb" }, "default_reason: has U+000A as character 2, a control character"},
		"a reason that lost letters": {func(n *NewEvent) { n.DefaultReason = "spring\ufffd" }, "default_reason: has U+FFFD as character 7, which stands for a character that was lost"},
		"a reason not UTF-8":         {func(n *NewEvent) { n.DefaultReason = "\xff" }, "default_reason: is not valid text"},
		"expiry now":                 {func(n *NewEvent) { n.ExpiryAt = at(0) }, "expiry_at: is in the past"},
		"expiry next":                {func(n *NewEvent) { n.ExpiryAt = at(1) }, ""},
		"expiry at the reservation":  {func(n *NewEvent) { n.ExpiryAt, n.ReservationAt = at(time.Hour), at(time.Hour) }, "expiry_at: is not after reservation_at"},
		"expiry after it":            {func(n *NewEvent) { n.ExpiryAt, n.ReservationAt = at(2*time.Hour), at(time.Hour) }, ""},
		"a reservation in the past":  {func(n *NewEvent) { n.ReservationAt = at(-time.Hour) }, "reservation_at: " + passed},
		"a reservation just passed":  {func(n *NewEvent) { n.ReservationAt = at(-reservationGrace) }, ""},
		"a reservation passed":       {func(n *NewEvent) { n.ReservationAt = at(-reservationGrace - time.Second) }, "reservation_at: " + passed},
		"a fraction of a second":     {func(n *NewEvent) { n.ReservationAt = at(time.Microsecond) }, "reservation_at: must be in whole seconds"},
		"what could not be read":     {func(n *NewEvent) { n.Unread = []domain.Field{{Name: "campaign_id", Message: "odd"}}; n.CampaignID = "" }, "campaign_id: odd"},
		"unread beside what is read": {func(n *NewEvent) {
			n.Unread = []domain.Field{{Name: "default_amount", Message: "odd"}}
			n.EventType = ""
		}, "default_amount: odd; event_type: must be one of POINT, VOUCHER"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := NewEvent{CampaignID: "c", EventType: "POINT"}
			c.change(&n)
			err := n.check(conditions{types: types, now: now})
			if c.want == "" {
				require.NoError(t, err)
				return
			}
			var refused *domain.Error
			require.ErrorAs(t, err, &refused)
			require.Equal(t, domain.Invalid, refused.Code)
			var got []string
			for _, f := range refused.Fields {
				got = append(got, f.Name+": "+f.Message)
			}
			require.Equal(t, c.want, strings.Join(got, "; "))
		})
	}
}
