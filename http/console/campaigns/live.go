package campaigns

import (
	"context"
	"net/http"
	"time"

	"bestow/app/known"
	"bestow/app/reports"
	"bestow/domain"
	"bestow/http/console/page"
	"bestow/http/console/words"
	"bestow/http/web"

	"github.com/a-h/templ"
	"github.com/go-json-experiment/json"
)

// accessTicks is how many ticks a stream goes on until it looks whether its reader still has access.
const accessTicks = int(known.For / reports.Tick)

// flowTicks is how many ticks there are from one drawing of the chart to the next.
const flowTicks = int(reports.FlowStep / reports.Tick)

// writePatience is the longest time in which a reader must take a message.
const writePatience = 30 * time.Second

// moment is a message of a page's stream: the texts of the elements that it names, and the parts of the bar.
type moment struct {
	Texts  map[string]string     `json:"texts"`
	Bar    map[string]page.Place `json:"bar"`
	Status domain.Status         `json:"status"` // when it changes, the page is read anew
	Rest   bool                  `json:"rest"`   // it is the last message: the page is read anew

	// Parts are elements of the page that the server draws anew, by their ids.
	Parts map[string]string `json:"parts,omitempty"`
}

// live sends how the campaign goes each second, until it is at rest or the reader has gone or has no access any more.
func (h *Handlers) live(w http.ResponseWriter, r *http.Request) error {
	id, err := page.CampaignID(r)
	if err != nil {
		return err
	}
	p, err := h.App.Reports.Follow(r.Context(), id)
	if err != nil {
		return err
	}
	v := h.Blank(r)
	w.Header().Set("Content-Type", web.EventStream)
	w.Header().Set("X-Accel-Buffering", "no") // otherwise a proxy would hold the messages back
	w.WriteHeader(http.StatusOK)
	clock := time.NewTicker(reports.Tick)
	defer clock.Stop()
	for n := 1; ; n++ {
		m := momentOf(v, p)
		m.Parts = h.parts(r.Context(), v, id, n)
		if err := send(w, m); err != nil || p.AtRest() {
			return nil
		}
		select {
		case <-clock.C:
		case <-r.Context().Done():
			return nil
		case <-web.Stopping(r.Context()):
			return nil
		}
		if n%accessTicks == 0 && !web.MayGoOn(r.Context()) {
			return nil // the page reconnects, and is told to sign in
		}
		if p, err = h.App.Reports.Follow(r.Context(), id); err != nil {
			_ = h.API.Problem(context.WithoutCancel(r.Context()), err) // logs it; the page reconnects
			return nil
		}
	}
}

// parts draws the parts of the page that are more than texts, at each of the flowTicks. What cannot be read now is read
// the next time.
func (h *Handlers) parts(ctx context.Context, v page.View, id int64, tick int) map[string]string {
	if tick%flowTicks != 0 {
		return nil
	}
	f, err := h.App.Reports.FollowFlow(ctx, id)
	if err != nil {
		return nil
	}
	v.Now = f.At
	html, err := templ.ToGoHTML(ctx, flow(v, f))
	if err != nil {
		return nil
	}
	return map[string]string{"flow": string(html)}
}

// send writes a message within writePatience.
func send(w http.ResponseWriter, m moment) error {
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	control := http.NewResponseController(w)
	if err := control.SetWriteDeadline(time.Now().Add(writePatience)); err != nil {
		return err
	}
	defer func() { _ = control.SetWriteDeadline(time.Time{}) }()
	if _, err := w.Write([]byte("data: " + string(text) + "\n\n")); err != nil {
		return err
	}
	return control.Flush()
}

// momentOf returns the live part of a campaign's page.
func momentOf(v page.View, p reports.Progress) moment {
	c := campaignView{View: v, Progress: p}
	c.Now = p.At
	m := moment{
		Texts: map[string]string{"clock": c.Moment(p.At, words.Clock)}, Bar: map[string]page.Place{},
		Status: p.Event.Status, Rest: p.AtRest(),
	}
	for _, part := range page.Parts(p.Sum) {
		m.Texts[part.Key] = words.Count(part.N)
		m.Bar[part.Key] = part.Place
	}
	for key, text := range c.texts() {
		m.Texts[key] = text
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
		t["behind"] = v.T("behind", s.InKafka, v.Span(seconds(v.Lag.Kafka.OldestS)))
	}
	if s.Unsent > 0 {
		t["unsent"] = v.T("unsent", s.Unsent)
	}
	if at := v.ETA(); at != nil {
		t["eta"] = v.Words.Left(seconds(float64(v.ETAS)))
		t["eta_at"] = v.Moment(*at, words.Clock)
	}
	return t
}

// seconds returns a number of seconds as a time.
func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
