package drafts

import (
	"net/http"

	"bestow/app/checks"
	"bestow/domain"
	"bestow/http/console/page"
	"bestow/http/console/words"
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
	if v.Event.TotalCount == 0 || v.unread() {
		return page.GoTo(w, r, v.path("list"))
	}
	return page.Show(w, r, http.StatusOK, reviewPage(v))
}

// unread reports whether the lists have something unusual that nobody has read.
func (v draftView) unread() bool { return len(checks.Unread(v.Checks)) > 0 }

// readField is the field of the form of checks that names those that the person has read.
const readField = "read"

// readChecks keeps what the person has read, and leads to the last step.
func (h *Handlers) readChecks(w http.ResponseWriter, r *http.Request) error {
	if err := page.ReadForm(w, r); err != nil {
		return err
	}
	id, err := page.CampaignID(r)
	if err != nil {
		return err
	}
	if err := h.App.Checks.Read(r.Context(), page.Caller(r), id, r.PostForm[readField]); err != nil {
		return h.refuseList(w, r, err)
	}
	return page.GoTo(w, r, page.CampaignPath(id)+"/review")
}

// says returns the numbers of a check in words; "" for none.
func (v draftView) says(f checks.Finding) string {
	amount := func(n int64) string { return words.Count(n) + " " + v.Event.Type.Unit }
	switch {
	case f.Code == checks.Duplicates:
		return v.T("warning_says.duplicate_rows", f.Count)
	case f.Value > 0:
		return v.T("warning_says."+f.Code, amount(f.Value), amount(f.Usual))
	}
	return ""
}

// operation returns the key of what a type does.
func operation(t domain.EventType) string {
	if t.Operation == domain.Vouchers {
		return "pick.vouchers"
	}
	return "pick.points"
}
