package campaigns

import (
	"cmp"
	"context"
	"maps"
	"net/http"
	"slices"
	"time"

	"bestow/app/audit"
	"bestow/app/lists"
	"bestow/app/reports"
	"bestow/domain"
	"bestow/http/console/page"
	"bestow/http/web"
)

// campaignView is what the page of a campaign shows.
type campaignView struct {
	page.View
	reports.Progress

	Flow  reports.Flow
	Audit []audit.Entry // what people did to it, the newest first
	Start []audit.Entry // by a person; none: its reservation started it, or nothing did

	Again       []lists.GivenUp // whom a retry would take, of a campaign that is complete
	least, most int64           // amounts of a campaign that has members left; 0: not known
}

// campaign answers with how far a campaign is, how fast, what fails, and what a person may do.
func (h *Handlers) campaign(w http.ResponseWriter, r *http.Request) error {
	v, err := h.readCampaign(r)
	if err != nil {
		return err
	}
	return page.Show(w, r, http.StatusOK, campaignPage(v))
}

func (h *Handlers) readCampaign(r *http.Request) (v campaignView, err error) {
	id, err := page.CampaignID(r)
	if err != nil {
		return v, err
	}
	ctx, cancel := context.WithTimeout(r.Context(), web.RequestTimeout)
	defer cancel()
	if v.Progress, err = h.App.Reports.Progress(ctx, id); err != nil {
		return v, err
	}
	if v.Flow, err = h.App.Reports.Flow(ctx, id); err != nil {
		return v, err
	}
	life := audit.Filter{EventID: id, Actions: lifeActions, Limit: historyShown}
	if v.Audit, err = h.App.Audit.List(ctx, life); err != nil {
		return v, err
	}
	start := audit.Filter{EventID: id, Actions: []string{"event.start"}, Limit: 1}
	if v.Start, err = h.App.Audit.List(ctx, start); err != nil {
		return v, err
	}
	if err := h.readStakes(ctx, &v); err != nil {
		return v, err
	}
	v.View, err = h.Read(r, "campaigns")
	v.Title, v.Now, v.Live = page.Name(v.Event), v.At, !v.AtRest()
	return v, err
}

// readStakes reads what the campaign's dialogs say is at stake.
func (h *Handlers) readStakes(ctx context.Context, v *campaignView) (err error) {
	switch v.Event.Status {
	case domain.Completed:
		if v.Event.Summary.Fail > 0 {
			v.Again, err = h.App.Lists.Retryable(ctx, v.Event.ID)
		}
	case domain.Running, domain.Stopped, domain.Failed:
		v.least, v.most, err = h.App.Targets.Span(ctx, v.Event.ID)
	case domain.Pending:
	}
	return err
}

// refuse answers a form with the campaign's page as it is now, and what was wrong above it.
func (h *Handlers) refuse(w http.ResponseWriter, r *http.Request, dialog string, err error) error {
	wrong, status, err := h.Mistake(r, err)
	if err != nil {
		return err
	}
	v, err := h.readCampaign(r)
	if err != nil {
		return err
	}
	v.Path = page.CampaignPath(v.Event.ID) // of the page, and not of the form
	v.Wrong = wrong
	if wrong.Code == domain.Invalid {
		v.Opened = dialog
	}
	return page.Show(w, r, status, campaignPage(v))
}

// MayStart reports whether the campaign's status lets a person start it.
func (v campaignView) MayStart() bool {
	return v.Event.Status == domain.Pending && v.Event.TotalCount > 0
}

// MayResume reports whether the campaign's status lets a person resume it.
func (v campaignView) MayResume() bool {
	return v.Event.Status == domain.Stopped || v.Event.Status == domain.Failed
}

// MayRetry reports whether there is something to try again.
func (v campaignView) MayRetry() bool {
	return len(v.Again) > 0
}

// ToRetry returns how many members a retry of all would take, and the sum of their amounts.
func (v campaignView) ToRetry() (members int, sum int64) {
	for _, g := range v.Again {
		members += g.Members
		sum += g.Amount
	}
	return members, sum
}

// NamedAgain lists the codes that a retry can name, if there is more than one choice. Who was given up without a code
// is tried again with all.
func (v campaignView) NamedAgain() []lists.GivenUp {
	if len(v.Again) < 2 {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(v.Again), func(g lists.GivenUp) bool { return g.Code == "" })
}

// LeftAmount returns the most that the members who are left may get, and whether it is what they get.
func (v campaignView) LeftAmount() (most int64, exact bool) {
	left := int64(v.Sum.Left())
	settled := int64(v.Event.TotalCount) - left
	most = v.Event.TotalAmount - settled*max(v.least, 1)
	if left == 0 {
		return 0, true
	}
	if v.most > 0 && v.most <= v.Event.TotalAmount/left {
		most = min(most, left*v.most)
	}
	return most, settled == 0 || v.least == v.most && v.least > 0
}

// failure counts those who were given up for a code.
type failure struct {
	code string
	n    int
}

// Given lists the codes for which members were given up, the most frequent first.
func (v campaignView) Given() []failure {
	all := make([]failure, 0, len(v.Failures))
	for _, code := range slices.Sorted(maps.Keys(v.Failures)) {
		all = append(all, failure{code, v.Failures[code]})
	}
	slices.SortStableFunc(all, func(a, b failure) int { return cmp.Compare(b.n, a.n) })
	return all
}

// ETA returns when all will be settled; nil if nobody can tell.
func (v campaignView) ETA() *time.Time {
	if v.ETAS <= 0 {
		return nil
	}
	at := v.At.Add(time.Duration(v.ETAS) * time.Second)
	return &at
}

// start starts a campaign by hand, after a person has typed its sum.
func (h *Handlers) start(w http.ResponseWriter, r *http.Request) error {
	return h.move(w, r, "d-start", "started", func(ctx context.Context, e domain.Event) error {
		if e.Status == domain.Pending {
			if err := page.Typed(r, e.TotalAmount); err != nil {
				return err
			}
			if err := h.App.Checks.Settled(ctx, e.ID); err != nil {
				return err
			}
		}
		_, _, err := h.App.Events.Start(ctx, page.Caller(r), e.ID)
		return err
	})
}

// resume lets a stopped campaign go on, after a person has typed how many members are left.
func (h *Handlers) resume(w http.ResponseWriter, r *http.Request) error {
	return h.move(w, r, "d-resume", "resumed", func(ctx context.Context, e domain.Event) error {
		if e.Status == domain.Stopped || e.Status == domain.Failed {
			if err := page.Typed(r, int64(e.Unsettled())); err != nil {
				return err
			}
		}
		_, _, err := h.App.Events.Resume(ctx, page.Caller(r), e.ID)
		return err
	})
}

// stop ends the granting of a campaign, for a reason.
func (h *Handlers) stop(w http.ResponseWriter, r *http.Request) error {
	return h.moveTo(w, r, "d-stop", func(ctx context.Context, e domain.Event) (did, error) {
		stopped, err := h.App.Events.Stop(ctx, page.Caller(r), e.ID, r.PostForm.Get("memo"))
		if stopped.Draining > 0 {
			return did{what: "draining"}, err
		}
		return did{what: "stopped"}, err
	})
}

// retry has members tried again that were given up, all or those of one code, and says how many.
func (h *Handlers) retry(w http.ResponseWriter, r *http.Request) error {
	return h.moveTo(w, r, "d-retry", func(ctx context.Context, e domain.Event) (did, error) {
		answer, err := h.App.Events.Retry(ctx, page.Caller(r), e.ID, r.PostForm.Get("error_code"), false)
		switch n := answer.Value.Accepted; {
		case n > 0:
			return did{"retry_begun", n}, err
		case answer.Value.Expired > 0:
			return did{what: "none_expired"}, err
		}
		return did{what: "none_again"}, err
	})
}

// move does what a form of a campaign's page asks for, and leads back to the page, which says what was done.
func (h *Handlers) move(
	w http.ResponseWriter, r *http.Request, dialog, what string, do func(context.Context, domain.Event) error,
) error {
	return h.moveTo(w, r, dialog, func(ctx context.Context, e domain.Event) (did, error) {
		return did{what: what}, do(ctx, e)
	})
}

// did is what a form has done, and to how many members, if it says so.
type did struct {
	what    string
	members int
}

// moveTo is move for what says itself what it has done.
func (h *Handlers) moveTo(
	w http.ResponseWriter, r *http.Request, dialog string, do func(context.Context, domain.Event) (did, error),
) error {
	id, err := page.CampaignID(r)
	if err != nil {
		return err
	}
	if err := page.ReadForm(w, r); err != nil {
		return err
	}
	e, err := h.App.Events.Get(r.Context(), id)
	if err != nil {
		return err
	}
	done, err := do(r.Context(), e)
	if err != nil {
		return h.refuse(w, r, dialog, err)
	}
	return page.GoToDone(w, r, page.CampaignPath(id)+"?done="+done.what, done.members)
}

// brake stops every campaign, and lets none start.
func (h *Handlers) brake(w http.ResponseWriter, r *http.Request) error {
	if err := page.ReadForm(w, r); err != nil {
		return err
	}
	if _, err := h.App.Events.Brake(r.Context(), page.Caller(r), domain.BrakeAll, r.PostForm.Get("memo")); err != nil {
		return err
	}
	return page.GoTo(w, r, page.Home+"?done=braked")
}

// releaseBrake lets campaigns start and go on again.
func (h *Handlers) releaseBrake(w http.ResponseWriter, r *http.Request) error {
	if err := page.ReadForm(w, r); err != nil {
		return err
	}
	scope := domain.BrakeScope(r.PostForm.Get("scope"))
	if _, err := h.App.Events.ReleaseBrake(r.Context(), page.Caller(r), scope, r.PostForm.Get("memo")); err != nil {
		return err
	}
	return page.GoTo(w, r, page.Home+"?done=released")
}

// retries says whether it is of use to try again what was given up for the code. After the expiry the ledger refuses
// all but what it contradicted itself about.
func (v campaignView) retries(code string) string {
	if v.Event.Expired && code != "mismatch" {
		return "retry.useless"
	}
	switch code {
	case "member_withdrawn", "secret_lost":
		return "retry.useless"
	case "account_locked", "cap_exceeded":
		return "retry.useful"
	}
	return "retry.unknown"
}
