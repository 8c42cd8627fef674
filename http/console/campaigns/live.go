package campaigns

import (
	"context"
	"net/http"

	"bestow/app/reports"
	"bestow/domain"
	"bestow/http/console/page"
	"bestow/http/console/words"

	"github.com/a-h/templ"
)

// moment is a message of a page's stream: the texts of the elements that it names, and the parts of the bar.
type moment struct {
	Texts  map[string]string     `json:"texts,omitempty"`
	Bar    map[string]page.Place `json:"bar,omitempty"`
	Status domain.Status         `json:"status,omitempty"` // when it changes, the page is read anew
	Rest   bool                  `json:"rest,omitzero"`    // it is the last message: the page is read anew

	// Runs are the same of the campaigns of the overview, by their ids.
	Runs map[string]moment `json:"runs,omitempty"`
	// Parts are elements of the page that the server draws anew, by their ids.
	Parts map[string]string `json:"parts,omitempty"`
}

// live sends how the campaign goes each second, until it is at rest or the reader has gone or has no access any more.
func (h *Handlers) live(w http.ResponseWriter, r *http.Request) error {
	id, err := page.CampaignID(r)
	if err != nil {
		return err
	}
	v := h.Blank(r)
	return h.stream(w, r, func(ctx context.Context, tick int) (t told, err error) {
		p, err := h.App.Reports.Follow(ctx, id)
		if err != nil {
			return t, err
		}
		t.last = p.AtRest()
		numbers, err := h.drawn.get(keyOf(v, "numbers", id), p.At, func() (moment, error) { return momentOf(v, p), nil })
		if err != nil {
			return t, err
		}
		t.messages = append(t.messages, numbers)
		if tick%drawTicks == 0 {
			t.add(h.drawFlow(ctx, v, id))
		}
		return t, nil
	})
}

// drawFlow draws the chart and the partitions of a campaign.
func (h *Handlers) drawFlow(ctx context.Context, v page.View, id int64) (message []byte, err error) {
	f, err := h.App.Reports.FollowFlow(ctx, id)
	if err != nil {
		return nil, err
	}
	return h.drawn.get(keyOf(v, "flow", id), f.At, func() (m moment, err error) {
		v.Now = f.At
		html, err := templ.ToGoHTML(ctx, flow(v, f))
		return moment{Parts: map[string]string{"flow": string(html)}}, err
	})
}

// momentOf returns the live part of a campaign's page.
func momentOf(v page.View, p reports.Progress) moment {
	c := campaignView{View: v, Progress: p}
	c.Now = p.At
	m := numbersOf(c)
	m.Texts["clock"], m.Status, m.Rest = c.Moment(p.At, words.Clock), p.Event.Status, p.AtRest()
	return m
}

// numbersOf returns the numbers of a campaign, and its bar.
func numbersOf(c campaignView) moment {
	m := moment{Texts: c.texts(), Bar: map[string]page.Place{}}
	for _, part := range page.Parts(c.Sum) {
		m.Texts[part.Key] = words.Count(part.N)
		m.Bar[part.Key] = part.Place
	}
	return m
}

// texts returns the texts of the page that change while the campaign runs, by their keys.
func (v campaignView) texts() map[string]string {
	s := v.Sum
	t := map[string]string{
		"granted": words.Count(s.Granted),
		"percent": words.Percent(s.Settled(), s.Total),
		"settled": words.Count(s.Settled()),
		"left":    words.Count(s.Left()),
		"sent":    words.Count(s.Total - s.Unsent),
		"asked":   words.Count(s.Total - s.Unsent - s.InKafka),
		"rate":    words.Count(int64(v.RatePerS + 0.5)),
		"behind":  v.T("none_behind"),
		"unsent":  v.T("all_sent"),
		"hand":    v.T("in_hand", s.InHand),
		"eta":     words.None,
		"eta_at":  "",
	}
	if s.InKafka > 0 {
		t["behind"] = v.T("behind", s.InKafka, v.Span(page.Seconds(v.Lag.Kafka.OldestS)))
	}
	if s.Unsent > 0 {
		t["unsent"] = v.T("unsent", s.Unsent)
	}
	if at := v.ETA(); at != nil {
		t["eta"] = v.Words.Left(page.Seconds(float64(v.ETAS)))
		t["eta_at"] = v.Moment(*at, words.Clock)
	}
	return t
}
