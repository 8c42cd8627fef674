package page

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"bestow/app/eventrow"
	"bestow/app/parked"
	"bestow/domain"
	"bestow/http/api"
	"bestow/http/console/words"
	"bestow/http/web"
)

// The cookies that hold how a person wants to see pages. They hold no secret.
const (
	languageCookie = "bestow-language"
	zoneCookie     = "bestow-zone"
	themeCookie    = "bestow-theme"
)

// View is what every page has.
type View struct {
	words.Words

	Zone   words.Zone
	Zones  []words.Zone // that a person may choose
	Theme  string       // light, dark; "": as the browser has it
	Path   string       // of this page, with its query
	Page   string       // its place in the navigation
	Title  string
	Who    domain.Principal
	Now    time.Time // by the database's clock
	Live   bool      // the page has a stream
	Done   string    // what a form has just done
	Vain   bool      // Done is that nothing could be done
	Wrong  *api.Problem
	Opened string // the id of the dialog that Wrong belongs to

	Parked  int // messages that wait for a person; at most parkedShown
	Running []domain.Event
	Brakes  []domain.Brake
	config  Config
}

// parkedShown is the most that the badge of the navigation counts.
const parkedShown = 99

// runningShown is the most running campaigns that pages count: lanes keep them few.
const runningShown = 1000

// Blank returns the view of a request that nothing is read for yet.
func (b *Base) Blank(r *http.Request) View {
	cookie := func(name string) string {
		c, err := r.Cookie(name)
		if err != nil {
			return ""
		}
		return c.Value
	}
	chosen := r.URL.Query().Get("lang")
	if chosen == "" {
		chosen = cookie(languageCookie)
	}
	v := View{
		Words:  words.In(words.Choose(chosen, r.Header.Get("Accept-Language"))),
		Zone:   b.zone,
		Zones:  b.zones(),
		Path:   pathOf(r),
		Who:    web.Principal(r.Context()),
		Now:    time.Now(),
		config: b.Config,
	}
	v.sayDone(r)
	if cookie(zoneCookie) == words.UTC.Name {
		v.Zone = words.UTC
	}
	if theme := cookie(themeCookie); theme == "light" || theme == "dark" {
		v.Theme = theme
	}
	return v
}

// sayDone says what a form has just done.
func (v *View) sayDone(r *http.Request) {
	what, n := done(r)
	v.Done = v.Or("done."+what, "")
	if v.Done != "" && n > 0 {
		v.Done = v.T("done."+what, n)
	}
	v.Vain = v.Done != "" && strings.HasPrefix(what, vain)
}

// vain begins what a form is said to have done that has changed nothing.
const vain = "none_"

// pathOf returns the path of the page with its query, without what a form has done.
func pathOf(r *http.Request) string {
	u := url.URL{Path: r.URL.Path}
	query := r.URL.Query()
	query.Del(doneField)
	u.RawQuery = query.Encode()
	return u.RequestURI()
}

// zones are those that a person may choose.
func (b *Base) zones() []words.Zone {
	if b.zone.Name == words.UTC.Name {
		return []words.Zone{words.UTC}
	}
	return []words.Zone{b.zone, words.UTC}
}

// Read reads what every page shows around its own part.
func (b *Base) Read(r *http.Request, page string) (v View, err error) {
	ctx, cancel := context.WithTimeout(r.Context(), web.RequestTimeout)
	defer cancel()
	v = b.Blank(r)
	v.Page = page
	running := eventrow.Filter{Statuses: []domain.Status{domain.Running}, Limit: runningShown}
	if v.Running, err = b.App.Events.List(ctx, running); err != nil {
		return v, err
	}
	if v.Brakes, err = b.App.Reports.Brakes(ctx); err != nil {
		return v, err
	}
	replayed := false
	messages, err := b.App.Parked.List(ctx, parked.Filter{Replayed: &replayed, Limit: parkedShown})
	v.Parked = len(messages)
	return v, err
}

// May reports whether the person may do what asks for the right.
func (v View) May(right domain.Right) bool { return v.Who.Role.May(right) }

// Needs says which role a locked button needs.
func (v View) Needs(right domain.Right) string {
	var names []string
	for _, role := range domain.RolesThatMay(right) {
		names = append(names, v.T("role."+string(role)))
	}
	return v.T("needs", strings.Join(names, ", "))
}

// Left returns how many members of all running campaigns have no final outcome yet.
func (v View) Left() (left int) {
	for _, e := range v.Running {
		left += e.Unsettled()
	}
	return left
}

// Moment writes a moment in the chosen zone.
func (v View) Moment(t time.Time, s words.Shape) string { return v.Zone.Format(t, v.Now, s) }

// BothZones writes a moment in both zones, for its title.
func (v View) BothZones(t time.Time) string {
	var lines []string
	for _, z := range v.Zones {
		lines = append(lines, z.Format(t, v.Now, words.Whole)+" "+z.Name)
	}
	return strings.Join(lines, "\n")
}

// Initials are two letters that stand for a name.
func (v View) Initials() string {
	letters := []rune(v.Who.Name)
	switch {
	case len(letters) == 0:
		return ""
	case letters[0] >= '가' && letters[0] <= '힣':
		return string(letters[:1])
	}
	return string(letters[:min(2, len(letters))])
}

// maxLook bounds the bytes of a choice: none of ours is longer.
const maxLook = 20

// Routes lists the routes of what all pages have.
func (b *Base) Routes() []Route {
	return []Route{{"POST", Home + "/look", Access{Open: true}, b.look}}
}

// look changes how a person sees pages, and leads back.
func (b *Base) look(w http.ResponseWriter, r *http.Request) error {
	if err := ReadForm(w, r); err != nil {
		return err
	}
	for field, name := range map[string]string{"lang": languageCookie, "zone": zoneCookie, "theme": themeCookie} {
		value := r.PostForm.Get(field)
		if value == "" || len(value) > maxLook {
			continue
		}
		http.SetCookie(w, &http.Cookie{ //nolint:gosec // G124: it holds no secret, and the page works without it
			Name: name, Value: url.QueryEscape(value), Path: Home, MaxAge: int((365 * 24 * time.Hour).Seconds()),
			HttpOnly: true, SameSite: http.SameSiteLaxMode,
		})
	}
	return GoTo(w, r, Ours(r.PostForm.Get("back")))
}

// CampaignID returns the campaign's id in the path. Error: domain.NotFound.
func CampaignID(r *http.Request) (int64, error) {
	id, ok := domain.ParseID(r.PathValue("id"))
	if !ok {
		return 0, domain.NoEventError(r.PathValue("id"))
	}
	return id, nil
}

// Name returns what people call a campaign.
func Name(e domain.Event) string { return cmp.Or(e.Name, e.CampaignID) }

// CampaignPath returns the path of a campaign's page.
func CampaignPath(id int64) string { return Home + "/campaigns/" + strconv.FormatInt(id, 10) }

// HasRiver reports whether there is a page of jobs at /river.
func (v View) HasRiver() bool { return v.config.River }

// Seconds returns a number of seconds as a time.
func Seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
