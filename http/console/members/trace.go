package members

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"bestow/app/ledger"
	"bestow/app/lists"
	"bestow/app/pins"
	"bestow/app/reports"
	"bestow/domain"
	"bestow/http/console/page"
	"bestow/http/console/words"
	"bestow/http/web"
)

// traceView is what the page of a member's way through a campaign shows.
type traceView struct {
	page.View
	lists.Trace

	Asked   string // the member, as the path has it
	Waiting []reports.Reason
	Typos   []string
	Voucher *pins.Voucher // with its PIN, in the one answer that shows it

	Lot  *ledger.Lot // of the points; nil: there is none, or the ledger is away
	Away bool        // the ledger is away
}

// trace answers with what happened to one member of a campaign, and why.
func (h *Handlers) trace(w http.ResponseWriter, r *http.Request) error {
	v, err := h.readTrace(r)
	if err != nil {
		return err
	}
	return page.Show(w, r, http.StatusOK, tracePage(v))
}

func (h *Handlers) readTrace(r *http.Request) (v traceView, err error) {
	id, err := page.CampaignID(r)
	if err != nil {
		return v, err
	}
	if v.Asked, err = memberIn(r); err != nil {
		return v, err
	}
	ctx, cancel := context.WithTimeout(r.Context(), web.RequestTimeout)
	defer cancel()
	if v.Trace, err = h.App.Lists.Trace(ctx, id, v.Asked); err != nil {
		return v, err
	}
	if v.View, err = h.Read(r, "members"); err != nil {
		return v, err
	}
	v.Title = v.T("nav.members") + " · " + page.Name(v.Event)
	waiting, err := h.App.Reports.WaitingFor(ctx, []domain.Event{v.Event})
	if err != nil {
		return v, err
	}
	v.Waiting = waiting[id]
	if err := h.readLot(ctx, &v); err != nil {
		return v, err
	}
	if v.Absence == nil || v.Absence.Code != lists.NotListed {
		return v, nil
	}
	v.Typos, err = h.typos(ctx, id, v.Asked)
	return v, err
}

// readLot reads what became of the points, of which our ledger knows. What the ledger does not know is left out, and
// one that is away breaks no page.
func (h *Handlers) readLot(ctx context.Context, v *traceView) error {
	t := v.Event.Type
	if v.Result == nil || v.Result.MoneyTxID == "" || t.Operation != domain.Points || t.Granter != domain.OurGranter {
		return nil
	}
	lot, err := h.App.Ledger.Lot(ctx, v.Member, v.Result.MoneyTxID)
	switch {
	case err == nil:
		v.Lot = &lot
	case domain.IsCode(err, domain.Unavailable):
		v.Away = true
	case !domain.IsCode(err, domain.NotFound):
		return err
	}
	return nil
}

// shownFor is how many seconds a PIN is on the screen.
const shownFor = 30

// reveal answers with the page and the PIN of the member's voucher, for a reason that the audit keeps.
func (h *Handlers) reveal(w http.ResponseWriter, r *http.Request) error {
	id, err := page.CampaignID(r)
	if err != nil {
		return err
	}
	member, err := memberIn(r)
	if err != nil {
		return err
	}
	if err := page.ReadForm(w, r); err != nil {
		return err
	}
	by := page.Caller(r)
	voucher, refused := h.reveals.do(r.Context(), by, func(ctx context.Context) (pins.Voucher, error) {
		return h.App.PINs.Reveal(ctx, by, id, member, r.PostForm.Get("reason"))
	})
	status := http.StatusOK
	v, err := h.readTrace(r)
	if err != nil {
		return err
	}
	v.Path = tracePath(id, member) // of the page, and not of the form
	if refused != nil {
		if v.Wrong, status, err = h.Mistake(r, refused); err != nil {
			return err
		}
		if v.Wrong.Code == domain.Invalid {
			v.Opened = "d-pin"
		}
	} else {
		v.Voucher = &voucher
		w.Header().Set("Refresh", strconv.Itoa(shownFor)+"; url="+v.Path) // the PIN goes, whoever is at the desk then
	}
	w.Header().Set("Cache-Control", "no-store")
	return page.Show(w, r, status, tracePage(v))
}

// HasPIN reports whether there is a voucher whose PIN may be shown.
func (v traceView) HasPIN() bool {
	return v.Event.Type.Operation == domain.Vouchers && v.Result != nil && v.Result.Status == domain.Succeeded
}

// outcome returns how the outcome is shown; ok is false for a member who is no target.
func (v traceView) outcome() (o outcome, ok bool) {
	switch {
	case v.Result != nil:
		return outcomeOf(v.Result.Status, v.Event.Status, true), true
	case v.Target != nil:
		return outcomeOf(domain.ResultNone, v.Event.Status, v.Target.PublishStatus == "PUBLISHED"), true
	}
	return outcome{}, false
}

// amount writes what the member is to get.
func (v traceView) amount() string {
	switch {
	case v.Result != nil:
		return words.Count(v.Result.Amount) + v.unit()
	case v.Target != nil:
		return words.Count(v.Target.Amount) + v.unit()
	}
	return words.None
}

func (v traceView) unit() string {
	if v.Event.Type.Unit == "" {
		return ""
	}
	return " " + v.Event.Type.Unit
}

// verdict says in a sentence what became of the member.
func (v traceView) verdict() (class, text string) {
	if v.Result == nil {
		return "", v.T("trace." + v.Absence.Code)
	}
	reason := v.Or("code."+v.Result.ErrorCode, v.Result.ErrorCode)
	if reason == "" {
		reason = v.T("code.unknown")
	}
	switch v.Result.Status {
	case domain.Succeeded:
		text = v.T("trace.granted", v.amount())
		if n := v.Result.RetryCount; n > 0 {
			text += " · " + v.T("step.refused_n", n)
		}
		return "jade", text
	case domain.GivenUp:
		return "red", v.T("trace.given_up", reason)
	case domain.Refused:
		return "amber", v.T("trace.refused", reason)
	case domain.ResultPending, domain.ResultNone:
	}
	return "amber", v.T("trace.unknown")
}

// look is how a step is shown: by a class and an icon.
type look struct{ class, icon string }

var looks = map[string]look{
	"imported": {"", "file"}, "started": {"hum", "play"}, "stopped": {"hum", "stop"}, "resumed": {"hum", "play"},
	"retried": {"hum", "retry"}, "published": {"", "out"}, "claimed": {"", "dot"}, "asked": {"warn", "info"},
	"refused": {"bad", "x"}, "given_up": {"bad", "stop"}, "granted": {"ok", "check"}, "completed": {"", "check"},
	"failed": {"bad", "warn"},
}

// more returns what is told below a step's heading, in the person's language.
func (v traceView) more(s lists.Step) string {
	switch s.Code {
	case "imported":
		return v.T("step.imported_more", page.Number(v.Target.ImportID), v.Target.ImportedBy) + " · " + v.amount()
	case "claimed":
		if m := v.Target.Claimed; m != nil {
			return m.Topic + " · " + strconv.Itoa(int(m.Partition)) + " · " + page.Number(m.Offset)
		}
		return ""
	case "granted":
		return strings.TrimSpace(v.Result.MoneyTxID)
	case "refused", "given_up":
		return v.T("step.refused_n", v.Result.RetryCount)
	}
	return s.Note
}
