package proof

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"bestow/app/audit"
	"bestow/app/verify"
	"bestow/domain"
	"bestow/http/console/page"
	"bestow/http/console/words"
	"bestow/http/web"
)

// proofView is what the proof of a campaign shows.
type proofView struct {
	page.View

	Event    domain.Event
	Starter  string // who started it; "": nobody did by hand
	Report   *verify.Report
	UnderWay bool // another report is being made
	Looked   int  // how often the page has looked by itself whether the report is there
	Stale    bool // the campaign has changed since the report
}

// proof answers with the last report on a campaign.
func (h *Handlers) proof(w http.ResponseWriter, r *http.Request) error {
	v, err := h.read(r)
	if err != nil {
		return err
	}
	if v.looksAgain() {
		w.Header().Set("Refresh", fmt.Sprintf("5; url=%s?%s=%d", pathOf(v.Event.ID), lookedField, v.Looked+1)) // seconds
	}
	return page.Show(w, r, http.StatusOK, proofPage(v))
}

// lookedField is the field of the page's address that counts how often the page has looked by itself.
const lookedField = "looked"

// mostLooks is how often the page looks by itself: for a minute. A page that is loaded again and again takes the place
// from a person who reads it.
const mostLooks = 12

// looksAgain reports whether the page looks by itself once more whether the report is there.
func (v proofView) looksAgain() bool { return v.UnderWay && v.Looked < mostLooks }

func (h *Handlers) read(r *http.Request) (v proofView, err error) {
	id, err := page.CampaignID(r)
	if err != nil {
		return v, err
	}
	ctx, cancel := context.WithTimeout(r.Context(), web.RequestTimeout)
	defer cancel()
	if v.Event, err = h.App.Events.Get(ctx, id); err != nil {
		return v, err
	}
	if v.View, err = h.Read(r, "campaigns"); err != nil {
		return v, err
	}
	v.Title = v.T("proof.title", page.Name(v.Event))
	if looked, ok := domain.ParseID(r.URL.Query().Get(lookedField)); ok {
		v.Looked = int(min(looked, mostLooks))
	}
	started, err := h.App.Audit.List(ctx, audit.Filter{EventID: id, Actions: []string{"event.start"}, Limit: 1})
	if err != nil {
		return v, err
	}
	if len(started) > 0 {
		v.Starter = started[0].Actor
	}
	return v, h.readReport(ctx, &v)
}

// readReport reads the last report. A campaign without one is no error.
func (h *Handlers) readReport(ctx context.Context, v *proofView) error {
	kept, err := h.App.Reports.LastReport(ctx, v.Event.ID)
	switch {
	case domain.IsCode(err, domain.NoReport):
		return nil
	case domain.IsCode(err, domain.ReportUnderWay):
		v.UnderWay = true
		return nil
	case err != nil:
		return err
	}
	v.UnderWay, v.Stale, v.Report = kept.UnderWay != nil, kept.Stale, &verify.Report{}
	if err := json.Unmarshal(kept.Document, v.Report); err != nil {
		return fmt.Errorf("read report: %w", err)
	}
	return nil
}

// request asks for another report, which a process with the role jobs makes.
func (h *Handlers) request(w http.ResponseWriter, r *http.Request) error {
	id, err := page.CampaignID(r)
	if err != nil {
		return err
	}
	if err := page.ReadForm(w, r); err != nil {
		return err
	}
	if _, err := h.App.Reports.RequestReport(r.Context(), page.Caller(r), id); err != nil {
		return h.refuse(w, r, err)
	}
	return page.GoTo(w, r, pathOf(id)+"?done=proof_asked")
}

func (h *Handlers) refuse(w http.ResponseWriter, r *http.Request, err error) error {
	wrong, status, err := h.Mistake(r, err)
	if err != nil {
		return err
	}
	v, err := h.read(r)
	if err != nil {
		return err
	}
	v.Wrong = wrong
	return page.Show(w, r, status, proofPage(v))
}

// document answers with the report's own bytes, which its SHA-256 is of.
func (h *Handlers) document(w http.ResponseWriter, r *http.Request) error {
	id, err := page.CampaignID(r)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), web.RequestTimeout)
	defer cancel()
	kept, err := h.App.Reports.LastReport(ctx, id)
	if err != nil {
		return err
	}
	if !web.Principal(r.Context()).Role.May(domain.ReadWhole) {
		if kept.Document, err = verify.Masked(kept.Document); err != nil {
			return err
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Disposition", fmt.Sprintf(`attachment; filename="proof-%d.json"`, id))
	_, _ = w.Write(kept.Document) // the client is gone
	return nil
}

func pathOf(id int64) string { return page.CampaignPath(id) + "/proof" }

// Open returns how many members had no final outcome.
func (v proofView) Open() int64 {
	return v.Report.Totals.Targets - v.Report.Totals.Success - v.Report.Totals.Fail
}

// verdict says how a report, or a line of it, is shown: by a class, an icon and the key of a message.
type verdict struct{ class, icon, word string }

// state is the verdict of a line.
func state(i verify.Invariant) verdict {
	switch {
	case i.Differences > 0:
		return verdict{"bad", "x", "proof.is.differs"}
	case !i.OK:
		return verdict{"wait", "warn", "proof.is.not_compared"}
	}
	return verdict{"ok", "check", "proof.is.holds"}
}

// lines returns the report's lines: what differs first, then what was not compared.
func (v proofView) lines() []verify.Invariant {
	lines := slices.Clone(v.Report.Invariants)
	rank := func(i verify.Invariant) int {
		switch {
		case i.Differences > 0:
			return 0
		case !i.OK:
			return 1
		}
		return 2
	}
	slices.SortStableFunc(lines, func(a, b verify.Invariant) int { return cmp.Compare(rank(a), rank(b)) })
	return lines
}

// counts says how many lines hold, differ, and were not compared.
func (v proofView) counts() (hold, differ, open int) {
	for _, i := range v.Report.Invariants {
		switch {
		case i.Differences > 0:
			differ++
		case i.OK:
			hold++
		default:
			open++
		}
	}
	return hold, differ, open
}

// conclusion is the verdict of the whole report, in a sentence.
func (v proofView) conclusion() (class, text string) {
	_, differ, open := v.counts()
	switch {
	case differ > 0:
		return "red", v.T("proof.red", differ)
	case open > 0 || !v.Report.OK:
		return "amber", v.T("proof.amber", open)
	}
	return "jade", v.T("proof.green", len(v.Report.Invariants))
}

// twice returns how many keys the ledger has granted twice; ok is false if that was not compared.
func (v proofView) twice() (n int64, ok bool) {
	for _, i := range v.Report.Invariants {
		if i.ID == "I2" {
			return i.Differences, i.Checked
		}
	}
	return 0, false
}

// sumsClass is how a difference of the sums is shown: the ledger may be ahead of results that are not settled yet.
func (v proofView) sumsClass() string {
	for _, i := range v.Report.Invariants {
		if i.ID == "I3" && i.Differences > 0 {
			return "red"
		}
	}
	return "amber"
}

// given returns the reasons with their sum at the end.
func (v proofView) given() (count, amount int64) {
	for _, g := range v.Report.Reasons {
		count += g.Count
		amount += g.Amount
	}
	return count, amount
}

// took writes how long the report took, to a tenth of a second.
func (v proofView) took() string {
	d := time.Duration(v.Report.DurationMS) * time.Millisecond
	return v.T("proof.took", strconv.FormatFloat(d.Seconds(), 'f', 1, 64))
}

var (
	hashes  = regexp.MustCompile(`,? hash \S+ and \S+`)
	numbers = regexp.MustCompile(`[−-]?\b[0-9][0-9,]*\b`)
)

// mostNumbers is how many of the compared numbers a line has room for; its title has all.
const mostNumbers = 4

// compared returns the numbers of what a line has compared, which need no language.
func compared(i verify.Invariant) string {
	if !i.Checked {
		return words.None
	}
	all := numbers.FindAllString(hashes.ReplaceAllString(i.Compared, ""), -1)
	if len(all) == 0 {
		return words.None
	}
	return strings.Join(all[:min(len(all), mostNumbers)], " · ")
}

// grouped writes a hash in groups of four digits.
func grouped(hash string) string {
	var groups []string
	for group := range slices.Chunk([]byte(hash), 4) {
		groups = append(groups, string(group))
	}
	return strings.Join(groups, " ")
}

// initials are two letters that stand for a name in a stamp.
func initials(v page.View, name string) string {
	v.Who.Name = name
	return v.Initials()
}
