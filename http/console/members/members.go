package members

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"bestow/app/eventrow"
	"bestow/app/lists"
	"bestow/domain"
	"bestow/http/api"
	"bestow/http/console/page"
	"bestow/http/web"
)

const (
	pageSize  = 50  // campaigns on a page of a member's
	maxMember = 300 // bytes that are looked for, as in the API
)

// memberView is what the page of a member shows; without a member it asks for one.
type memberView struct {
	page.View
	lotsView

	Member   string
	All      []lists.Membership
	Types    map[string]domain.EventType // by their codes
	Typos    []string                    // members that there are, where this one is not
	Campaign int64                       // the one that is named as the member is; 0: none
	Next     string                      // the path of the next page; "" on the last one
	First    bool                        // it is the first page
}

// find leads to the campaign that is named by its campaign ID or its number, and else to the member: a number that is
// no campaign's is a member's. What names a campaign and a member leads to the member's page, which has a link to the
// campaign; with # in front a number is the campaign's.
func (h *Handlers) find(w http.ResponseWriter, r *http.Request) error {
	q, err := asked(r)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), web.RequestTimeout)
	defer cancel()
	id, err := h.campaign(ctx, q)
	if err != nil {
		return err
	}
	if id == 0 {
		return page.GoTo(w, r, searchPath(q))
	}
	if !strings.HasPrefix(q, "#") {
		both, err := h.App.Lists.Known(ctx, 0, []string{q})
		if err != nil {
			return err
		}
		if len(both) > 0 {
			return page.GoTo(w, r, searchPath(q))
		}
	}
	return page.GoTo(w, r, page.CampaignPath(id))
}

// campaign returns the id of the campaign that is named so, 0 for none.
func (h *Handlers) campaign(ctx context.Context, q string) (int64, error) {
	if q == "" {
		return 0, nil
	}
	named, err := h.App.Events.List(ctx, eventrow.Filter{CampaignID: q, Limit: 1})
	if err != nil {
		return 0, err
	}
	if len(named) > 0 {
		return named[0].ID, nil
	}
	id, isID := domain.ParseID(strings.TrimPrefix(q, "#"))
	if !isID {
		return 0, nil
	}
	_, err = h.App.Events.Get(ctx, id)
	if domain.IsCode(err, domain.NotFound) {
		return 0, nil
	}
	return id, err
}

// asked returns what is looked for. Error: api.BadRequest.
func asked(r *http.Request) (string, error) {
	q := strings.TrimSpace(r.URL.Query().Get("q"))
	return q, checkMember(q)
}

// checkMember refuses what no list can hold.
func checkMember(member string) error {
	if len(member) > maxMember {
		why := "is longer than " + strconv.Itoa(maxMember) + " bytes"
		return api.BadQueryError(domain.Field{Name: "query.q", Message: why})
	}
	return web.CheckText("q", member)
}

// search answers with the page of the member who is asked for, or with a form that asks for one.
func (h *Handlers) search(w http.ResponseWriter, r *http.Request) error {
	q, err := asked(r)
	if err != nil {
		return err
	}
	return h.show(w, r, q)
}

// member answers with the page of the member in the path.
func (h *Handlers) member(w http.ResponseWriter, r *http.Request) error {
	member, err := memberIn(r)
	if err != nil {
		return err
	}
	return h.show(w, r, member)
}

// memberIn returns the member in the path.
func memberIn(r *http.Request) (string, error) {
	member, err := web.MemberIn(r.URL)
	if err == nil {
		err = checkMember(member)
	}
	if err != nil {
		return "", domain.NotFoundError("no list can have such a member", "check the address")
	}
	return member, nil
}

// show answers with the campaigns that have the member on their lists, the newest first.
func (h *Handlers) show(w http.ResponseWriter, r *http.Request, member string) error {
	ctx, cancel := context.WithTimeout(r.Context(), web.RequestTimeout)
	defer cancel()
	base, err := h.Read(r, "members")
	if err != nil {
		return err
	}
	v := memberView{View: base, Member: member}
	v.Title = v.T("nav.members")
	query := r.URL.Query()
	before, err := web.EventCursor.Read(query.Get(campaignsField))
	if err != nil {
		return err
	}
	v.First = before == 0
	if strings.TrimSpace(member) == "" {
		return page.Show(w, r, http.StatusOK, memberPage(v))
	}
	if err := h.readMember(ctx, &v, before, query); err != nil {
		return err
	}
	return page.Show(w, r, http.StatusOK, memberPage(v))
}

// readMember reads the page of v's member: the campaigns before an id, and the lots as the query says.
func (h *Handlers) readMember(ctx context.Context, v *memberView, before int64, query url.Values) (err error) {
	if v.Types, err = h.types(ctx); err != nil {
		return err
	}
	if v.Campaign, err = h.campaign(ctx, v.Member); err != nil {
		return err
	}
	if v.All, err = h.App.Lists.Memberships(ctx, v.Member, before, pageSize+1); err != nil {
		return err
	}
	var next *string
	v.All, next = web.Page(v.All, pageSize, func(m lists.Membership) string { return web.EventCursor.Write(m.EventID) })
	if next != nil {
		v.Next = listPath(v.Member, *next, query.Get(lotsField))
	}
	if len(v.All) == 0 && v.First {
		if v.Typos, err = h.typos(ctx, 0, v.Member); err != nil {
			return err
		}
	}
	return h.readLots(ctx, v, query)
}

func (h *Handlers) types(ctx context.Context) (map[string]domain.EventType, error) {
	all, err := h.App.Types.List(ctx)
	if err != nil {
		return nil, err
	}
	types := map[string]domain.EventType{}
	for _, t := range all {
		types[t.Code] = t.EventType
	}
	return types, nil
}

// mostZeros is how many leading zeros a spreadsheet is thought to have taken away.
const mostZeros = 2

// typos returns the members that the list of an event has, or of any event for 0, and that differ from this one by
// zeros in front, which spreadsheets take away.
func (h *Handlers) typos(ctx context.Context, event int64, member string) ([]string, error) {
	if strings.Trim(member, "0123456789") != "" {
		return nil, nil
	}
	var others []string
	for n := range mostZeros {
		others = append(others, strings.Repeat("0", n+1)+member)
	}
	if bare := strings.TrimLeft(member, "0"); bare != "" && bare != member {
		others = append(others, bare)
	}
	return h.App.Lists.Known(ctx, event, others)
}

// shown returns a member's ID as the person may see it.
func shown(v page.View, member string) string {
	if v.May(domain.ReadWhole) {
		return member
	}
	return domain.MaskMember(member)
}

// searchPath returns the path of a member's page.
func searchPath(member string) string {
	return page.Home + "/members?" + url.Values{"q": {member}}.Encode()
}

// campaignsPath returns the path of the campaigns whose name or campaign ID has the words in it.
func campaignsPath(words string) string {
	return page.Home + "/campaigns?" + url.Values{"q": {words}}.Encode()
}

// tracePath returns the path of a member's way through a campaign; of a member that browsers would fold away in a path,
// the search.
func tracePath(event int64, member string) string {
	if member == "." || member == ".." {
		return searchPath(member)
	}
	return page.CampaignPath(event) + "/members/" + url.PathEscape(member)
}

// outcome is how a result is shown: by a class and an icon, and the key of a word.
type outcome struct{ class, icon, word string }

// outcomeOf returns how the outcome of a member is shown.
func outcomeOf(s domain.ResultStatus, event domain.Status, published bool) outcome {
	switch s {
	case domain.Succeeded:
		return outcome{"ok", "check", "sum.ok"}
	case domain.GivenUp:
		return outcome{"bad", "x", "sum.bad"}
	case domain.Refused:
		return outcome{"wait", "clock", "sum.wait"}
	case domain.ResultPending:
		return outcome{"wait", "info", "sum.unk"}
	case domain.ResultNone:
	}
	switch {
	case event == domain.Pending:
		return outcome{"", "dot", "trace.not_begun"}
	case published:
		return outcome{"", "out", "sum.kafka"}
	}
	return outcome{"", "dot", "sum.rest"}
}

// tally counts who got something, and who did not for good.
func (v memberView) tally() (got, not int) {
	for _, m := range v.All {
		switch m.Status {
		case domain.Succeeded:
			got++
		case domain.GivenUp:
			not++
		case domain.Refused, domain.ResultPending, domain.ResultNone:
		}
	}
	return got, not
}
