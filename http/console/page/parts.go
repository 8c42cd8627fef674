package page

import (
	"strconv"
	"strings"

	"bestow/domain"
	"bestow/http/api"
	"bestow/http/console/words"

	"github.com/a-h/templ"
)

// problem is a refusal, as the API tells it.
type problem = api.Problem

// place is an entry of the navigation: only what works stands there. After g, its key on the keyboard leads there; "":
// it has none.
type place struct{ page, path, key string }

// places is a group of the navigation, under its heading.
type places struct {
	head string // the key of its message
	all  []place
}

var navigation = []places{
	{"nav.work", []place{
		{"overview", Home, "o"},
		{"campaigns", Home + "/campaigns", "c"},
		{"members", Home + "/members", "m"},
		{"ledger", Home + "/ledger", "l"},
	}},
	{"nav.watch", []place{{"parked", Home + "/parked", "p"}, {"system", Home + "/system", "s"}}},
	{"nav.control", []place{
		{"audit", Home + "/audit", "h"}, {"keys", Home + "/keys", "k"}, {"types", Home + "/types", "e"},
	}},
}

// placeOf returns the path of the entry of the navigation that a path lies under.
func placeOf(path string) string {
	found := Home
	for _, group := range navigation {
		for _, n := range group.all {
			if strings.HasPrefix(path+"/", n.path+"/") && len(n.path) > len(found) {
				found = n.path
			}
		}
	}
	return found
}

// keyboard lists the keys of the keyboard and what they do, a line each.
func (v View) keyboard() string {
	var leads strings.Builder
	for _, group := range navigation {
		for _, n := range group.all {
			if n.key != "" {
				leads.WriteString("g " + n.key + "|" + v.T("nav."+n.page) + "\n")
			}
		}
	}
	return v.T("keys", leads.String())
}

// badge returns the count beside an entry of the navigation; "" for none.
func (v View) badge(page string) string {
	switch {
	case page != "parked" || v.Parked == 0:
		return ""
	case v.Parked >= parkedShown:
		return strconv.Itoa(parkedShown) + "+"
	}
	return strconv.Itoa(v.Parked)
}

// keyOf gives an entry of the navigation its key on the keyboard.
func keyOf(n place) templ.Attributes {
	if n.key == "" {
		return nil
	}
	return templ.Attributes{"data-key": n.key}
}

// firstPlaces are those that a phone shows at the foot of the page; the others are in its menu.
var firstPlaces = navigation[0].all

var languageNames = map[words.Language]string{words.Korean: "한국어", words.English: "EN"}

// icon is the page's icon: the mark, drawn in its address.
const icon = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24'%3E%3Crect width='24' " +
	"height='24' rx='5' fill='%23c03a1b'/%3E%3Cpath d='M7.5 4.6v14.6M7.5 11.2c1.2-1.6 2.7-2.3 4.3-2.3 3 0 5.1 2.1 5.1 " +
	"5.2s-2.1 5.2-5.1 5.2c-1.6 0-3.1-.8-4.3-2.3' fill='none' stroke='%23fff' stroke-width='2.2'/%3E%3C/svg%3E"

// themeOf returns the attribute of a chosen theme.
func themeOf(v View) templ.Attributes {
	if v.Theme == "" {
		return nil
	}
	return templ.Attributes{"data-theme": v.Theme}
}

// otherTheme returns the theme that the switch leads to.
func otherTheme(v View) string {
	if v.Theme == "dark" {
		return "light"
	}
	return "dark"
}

// liveClass is the class of a page that has a stream.
func liveClass(v View) string {
	if v.Live {
		return "live-on"
	}
	return ""
}

// Current marks the entry of the page that is shown.
func Current(is bool) templ.Attributes {
	if !is {
		return nil
	}
	return templ.Attributes{"aria-current": "page"}
}

// Pressed marks the choice that is taken.
func Pressed(is bool) templ.Attributes {
	if !is {
		return templ.Attributes{"aria-pressed": "false"}
	}
	return templ.Attributes{"aria-pressed": "true"}
}

// Locked marks a button that the person's role may not use, and says who may. The server refuses it either way.
func Locked(v View, right domain.Right) templ.Attributes {
	if v.May(right) {
		return nil
	}
	return templ.Attributes{"aria-disabled": "true", "title": v.Needs(right)}
}

// Chosen marks the option of a list that is taken.
func Chosen(is bool) templ.Attributes {
	if !is {
		return nil
	}
	return templ.Attributes{"selected": true}
}

// Opened marks the dialog that a refused form belongs to.
func Opened(v View, id string) templ.Attributes {
	if v.Opened != id {
		return nil
	}
	return templ.Attributes{"data-open": true}
}

// Number writes a whole number as an attribute.
func Number[N ~int | ~int64](n N) string { return strconv.FormatInt(int64(n), 10) }
