package console

import (
	"bestow/domain"
	"bestow/http/api"
	"bestow/http/console/words"

	"github.com/a-h/templ"
)

// problem is a refusal, as the API tells it.
type problem = api.Problem

// place is an entry of the navigation: only what works stands there.
type place struct{ page, path string }

var navigation = []place{{"overview", Home}, {"campaigns", Home + "/campaigns"}}

var languageNames = map[words.Language]string{words.Korean: "한국어", words.English: "EN"}

// icon is the page's icon: the mark, drawn in its address.
const icon = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24'%3E%3Crect width='24' " +
	"height='24' rx='5' fill='%23c03a1b'/%3E%3Cpath d='M7.5 4.6v14.6M7.5 11.2c1.2-1.6 2.7-2.3 4.3-2.3 3 0 5.1 2.1 5.1 " +
	"5.2s-2.1 5.2-5.1 5.2c-1.6 0-3.1-.8-4.3-2.3' fill='none' stroke='%23fff' stroke-width='2.2'/%3E%3C/svg%3E"

// themeOf returns the attribute of a chosen theme.
func themeOf(v view) templ.Attributes {
	if v.Theme == "" {
		return nil
	}
	return templ.Attributes{"data-theme": v.Theme}
}

// otherTheme returns the theme that the switch leads to.
func otherTheme(v view) string {
	if v.Theme == "dark" {
		return "light"
	}
	return "dark"
}

// liveClass is the class of a page that has a stream.
func liveClass(v view) string {
	if v.Live {
		return "live-on"
	}
	return ""
}

// current marks the entry of the page that is shown.
func current(is bool) templ.Attributes {
	if !is {
		return nil
	}
	return templ.Attributes{"aria-current": "page"}
}

// pressed marks the choice that is taken.
func pressed(is bool) templ.Attributes {
	if !is {
		return templ.Attributes{"aria-pressed": "false"}
	}
	return templ.Attributes{"aria-pressed": "true"}
}

// locked marks a button that the person's role may not use, and says who may. The server refuses it either way.
func locked(v view, right domain.Right) templ.Attributes {
	if v.May(right) {
		return nil
	}
	return templ.Attributes{"aria-disabled": "true", "title": v.Needs(right)}
}

// chosen marks the option of a list that is taken.
func chosen(is bool) templ.Attributes {
	if !is {
		return nil
	}
	return templ.Attributes{"selected": true}
}

// opened marks the dialog that a refused form belongs to.
func opened(v view, id string) templ.Attributes {
	if v.Opened != id {
		return nil
	}
	return templ.Attributes{"data-open": true}
}

// companyPath leads to the company's identity provider.
func companyPath(fresh bool) string {
	if fresh {
		return "/auth/oidc/start?fresh=true"
	}
	return "/auth/oidc/start"
}

// retries says whether it is of use to try again what was given up for the code.
func retries(code string) string {
	switch code {
	case "member_withdrawn", "secret_lost":
		return "retry.useless"
	case "account_locked", "cap_exceeded":
		return "retry.useful"
	}
	return "retry.unknown"
}
