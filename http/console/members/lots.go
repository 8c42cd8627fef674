package members

import (
	"cmp"
	"context"
	"net/url"
	"strings"

	"bestow/app/ledger"
	"bestow/domain"
	"bestow/http/console/page"
	"bestow/http/console/words"
	"bestow/http/web"
)

// The fields of a member's page that say where its two lists begin, and the section of the lots.
const (
	campaignsField = "cursor"
	lotsField      = "lots"
	lotsAnchor     = "#lots"
)

// lotsView is what a member's page shows of the member's lots.
type lotsView struct {
	Lots      []ledger.Lot
	LotsAway  bool   // the ledger does not answer
	LotsUnit  string // of the points
	NextLots  string // the path of the next page; "" on the last one
	FirstLots string // the path of the first page; "" on it
}

// readLots reads a page of the member's lots. A ledger that is away breaks no page, and a member whom it cannot know
// has no lots.
func (h *Handlers) readLots(ctx context.Context, v *memberView, query url.Values) error {
	before, err := web.LotCursor.ReadText(query.Get(lotsField))
	if err != nil {
		return err
	}
	v.LotsUnit = v.Types["POINT"].Unit
	all, err := h.App.Ledger.Lots(ctx, v.Member, before, pageSize+1)
	switch {
	case domain.IsCode(err, domain.Unavailable):
		v.LotsAway = true
		return nil
	case domain.IsCode(err, domain.NotFound):
		return nil
	case err != nil:
		return err
	}
	var next *string
	v.Lots, next = web.Page(all, pageSize, func(l ledger.Lot) string { return web.LotCursor.WriteText(l.MoneyTxID) })
	campaigns := query.Get(campaignsField)
	if next != nil {
		v.NextLots = listPath(v.Member, campaigns, *next) + lotsAnchor
	}
	if before != "" {
		v.FirstLots = listPath(v.Member, campaigns, "") + lotsAnchor
	}
	return nil
}

// listPath returns the path of a member's page with each of its lists at a cursor; "" for its beginning.
func listPath(member, campaigns, lots string) string {
	query := url.Values{"q": {member}}
	for field, cursor := range map[string]string{campaignsField: campaigns, lotsField: lots} {
		if cursor != "" {
			query.Set(field, cursor)
		}
	}
	return page.Home + "/members?" + query.Encode()
}

// source says what points were saved for: a campaign that the page lists by its name, with the path of the member's way
// through it, and anything else by the type and the reference that the save has.
func (v memberView) source(l ledger.Lot) (name, path string) {
	id, isID := domain.ParseID(l.Ref)
	if l.TypeCode == ledger.CampaignCode && isID {
		for _, m := range v.All {
			if m.EventID == id {
				return cmp.Or(m.Name, m.CampaignID), tracePath(id, v.Member)
			}
		}
	}
	return strings.TrimSpace(l.TypeCode + " " + l.Ref), ""
}

// became says what became of the points of a lot that are not left, of each kind that there is.
func (v memberView) became(l ledger.Lot) (all []string) {
	for _, p := range partsOf(l) {
		if p.word != leftWord {
			all = append(all, v.T(p.word)+" "+words.Count(p.n))
		}
	}
	return all
}

// part is what became of a part of a lot, as the bar shows it.
type part struct {
	class, word string
	n           int64
	page.Place
}

// leftWord is the key of the word for what is left.
const leftWord = "lot.left"

// partsOf returns what became of a lot; those with nothing are left out, but for what is left.
func partsOf(l ledger.Lot) (all []part) {
	x := 0.0
	for _, p := range []part{
		{class: "ok", word: leftWord, n: l.Left},
		{class: "hand", word: "lot.used", n: l.Used},
		{class: "wait", word: "lot.expired", n: l.Expired},
		{class: "bad", word: "lot.cancelled", n: l.Cancelled},
	} {
		if p.n == 0 && p.word != leftWord {
			continue
		}
		width := float64(p.n) / float64(max(l.Amount, 1)) * 100
		p.Place = page.Place{X: page.Percent(x), Width: page.Percent(width)}
		x += width
		all = append(all, p)
	}
	return all
}
