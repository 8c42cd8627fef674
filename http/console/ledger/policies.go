package ledger

import (
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"bestow/app/ledger"
	"bestow/domain"
	"bestow/http/api"
	"bestow/http/console/page"
	"bestow/http/console/words"
	"bestow/http/web"

	"golang.org/x/text/unicode/norm"
)

// newID names the dialog of a new policy.
const newID = "d-policy"

// fields are those of the form of a new policy.
var fields = []string{
	"code", "name", "validity_kind", "validity_days", "valid_until", "valid_months", "min_point", "max_point", "max_hold",
	"type_code", "reason",
}

// choices are the kinds of validity, with the keys of their names.
var choices = []struct{ Kind, Name string }{
	{"none", "policy.choose_none"},
	{"days", "policy.choose_days"},
	{"until", "policy.choose_until"},
	{"month_end", "policy.choose_months"},
}

// create makes a policy.
func (h *Handlers) create(w http.ResponseWriter, r *http.Request) error {
	if err := page.ReadForm(w, r); err != nil {
		return err
	}
	form := r.PostForm
	var f domain.Faults
	by := page.Caller(r)
	by.Reason = reason(&f, r)
	points := func(name string) *int64 { return page.Whole(&f, r, name, math.MaxInt64) }
	n := ledger.NewPolicy{Code: form.Get("code"), Terms: ledger.Terms{
		Name: strings.TrimSpace(form.Get("name")), Validity: form.Get("validity_kind"),
		Days: small(&f, r, "validity_days"), Until: strings.TrimSpace(form.Get("valid_until")),
		Months: small(&f, r, "valid_months"), Min: points("min_point"), Max: points("max_point"),
		MaxHold: points("max_hold"), TypeCode: strings.TrimSpace(form.Get("type_code")),
	}}
	n.Unread = f
	if _, err := h.App.Ledger.CreatePolicy(r.Context(), by, n); err != nil {
		return h.refuse(w, r, newID, err)
	}
	return page.GoTo(w, r, here+"?done=policy_made")
}

// setStatus retires a policy or brings it back, unless somebody has changed it since the page was shown.
func (h *Handlers) setStatus(w http.ResponseWriter, r *http.Request) error {
	if err := page.ReadForm(w, r); err != nil {
		return err
	}
	code, status := r.PathValue("code"), ledger.Status(r.PostForm.Get("status"))
	var f domain.Faults
	by := page.Caller(r)
	by.Reason = reason(&f, r)
	if err := f.Refusal("the policy cannot be changed like this"); err != nil {
		return h.refuse(w, r, dialogOf(code), err)
	}
	_, err := h.App.Ledger.SetPolicyStatus(r.Context(), by, code, status, func(p ledger.Policy) error {
		return web.Match(r.PostForm.Get("seen"), web.Tag(p), "the policy")
	})
	switch {
	case err != nil:
		return h.refuse(w, r, dialogOf(code), err)
	case status == ledger.Retired:
		return page.GoTo(w, r, here+"?done=policy_retired")
	}
	return page.GoTo(w, r, here+"?done=policy_restored")
}

// refuse answers a form with the page as it is now, and what was wrong with the form.
func (h *Handlers) refuse(w http.ResponseWriter, r *http.Request, dialog string, err error) error {
	wrong, status, err := h.Mistake(r, err)
	if err != nil {
		return err
	}
	v, err := h.read(r)
	if err != nil {
		return err
	}
	v.Wrong, v.Typed = wrong, page.Kept(r, fields...)
	if wrong.Code != api.PreconditionFailed {
		v.Opened = dialog
	}
	return page.Show(w, r, status, ledgerPage(v))
}

// reason returns why, for the audit.
func reason(f *domain.Faults, r *http.Request) string {
	text := norm.NFC.String(strings.TrimSpace(r.PostForm.Get("reason")))
	switch {
	case web.CheckText("reason", text) != nil:
		f.Add("reason", "is not valid text")
	case len([]rune(text)) > domain.MaxReason:
		f.Add("reason", "is over "+strconv.Itoa(domain.MaxReason)+" characters")
	default:
		return text
	}
	return ""
}

// small returns the number of a field of days or months; nil for none.
func small(f *domain.Faults, r *http.Request, name string) *int {
	n := page.Whole(f, r, name, math.MaxInt64)
	if n == nil {
		return nil
	}
	return new(int(min(max(*n, math.MinInt32), math.MaxInt32)))
}

// dialogOf names the dialog of a policy.
func dialogOf(code string) string { return newID + "-" + code }

// pathOf returns the path of the form that changes a policy.
func pathOf(code string) string { return here + "/policies/" + url.PathEscape(code) }

// validity says how long the points of a policy are valid.
func (v ledgerView) validity(p ledger.Policy) string {
	switch {
	case p.Days != nil:
		return v.T("policy.valid_days", *p.Days)
	case p.Until != "":
		return v.T("policy.valid_until", p.Until)
	case p.Months != nil && *p.Months == 0:
		return v.T("policy.valid_this")
	case p.Months != nil:
		return v.T("policy.valid_month", *p.Months)
	}
	return v.T("policy.valid_none")
}

// perSave says what one save of a policy may be.
func (v ledgerView) perSave(p ledger.Policy) string {
	unit := " " + v.Unit
	switch {
	case p.Min != nil && p.Max != nil:
		return words.Count(*p.Min) + " " + words.None + " " + words.Count(*p.Max) + unit
	case p.Min != nil:
		return v.T("policy.from", words.Count(*p.Min)+unit)
	case p.Max != nil:
		return v.T("policy.to", words.Count(*p.Max)+unit)
	}
	return words.None
}
