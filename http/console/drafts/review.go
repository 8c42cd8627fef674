package drafts

import (
	"net/http"

	"bestow/domain"
	"bestow/http/console/page"
)

// review answers with what a campaign grants, in numbers and in words, before it starts.
func (h *Handlers) review(w http.ResponseWriter, r *http.Request) error {
	v, err := h.read(r, 3)
	if err != nil {
		return err
	}
	if !page.Editable(v.Event) {
		return page.GoTo(w, r, page.CampaignPath(v.Event.ID))
	}
	if v.Event.TotalCount == 0 {
		return page.GoTo(w, r, v.path("list"))
	}
	return page.Show(w, r, http.StatusOK, reviewPage(v))
}

// StartsByItself reports whether the campaign starts at its reserved time.
func (v draftView) StartsByItself() bool { return v.Event.ReservationAt != nil && !v.Event.Missed }

// operation returns the key of what a type does.
func operation(t domain.EventType) string {
	if t.Operation == domain.Vouchers {
		return "pick.vouchers"
	}
	return "pick.points"
}
