package http

import (
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
)

// secondAnswer is a second status of success of a route, with the same body as the usual one.
type secondAnswer struct {
	path   string // of a POST
	status int
	when   string
}

// secondAnswers lists the second answers of all routes, since huma documents only the usual status.
func secondAnswers() []secondAnswer {
	const draining = "Accepted: claims are still open, and may still grant. Ask again until the answer is 200"
	return []secondAnswer{
		{"/events/{id}/start", http.StatusOK, "The event runs already: an earlier request started it"},
		{"/events/{id}/resume", http.StatusOK, "The event runs already: an earlier request resumed it"},
		{"/events/{id}/stop", http.StatusAccepted, draining},
		{"/stop-all", http.StatusAccepted, draining},
		{"/brake", http.StatusAccepted, draining},
		{"/events/{id}/targets", http.StatusOK, "The answer to a dry run: nothing is kept"},
		{"/parked/{id}/replay", http.StatusOK, "The replay was asked for already"},
	}
}

// describeSecondAnswers adds them to the description of the API.
func describeSecondAnswers(doc *huma.OpenAPI) {
	for _, a := range secondAnswers() {
		post := doc.Paths[a.path].Post
		usual := *post.Responses[strconv.Itoa(post.DefaultStatus)]
		usual.Description = a.when
		post.Responses[strconv.Itoa(a.status)] = &usual
	}
}
