package http

import (
	"net/http"
	"strings"

	"bestow/http/web"

	"github.com/danielgtaylor/huma/v2"
)

// routes registers all routes and middleware.
func (s *server) routes() {
	e := s.echo
	e.Use(
		identify,          // first, so that the others can log the request's id
		s.answerBeforeCut, // outside of those that may answer before the body is read
		s.logAccess,       // outside of recover, to log the answer to a panic
		s.recoverPanic,    // outside of those that may panic
		secureHeaders,     // refusals need them too
		s.authenticate,    // last, before the request is read; unknown routes need a key too
	)
	e.GET("/", s.serveFront)
	e.GET(web.Prefix+"/openapi.json", s.serveOpenAPI)
	e.GET(web.Prefix+"/docs", s.serveDocs)
	if s.riverUI != nil {
		e.Any("/river", s.river)
		e.Any("/river/*", s.river)
	}

	a := s.api
	web.Handle(a, op("POST", "/events", http.StatusCreated, "Make an event"), s.createEvent)
	web.Handle(a, op("GET", "/events", http.StatusOK, "List events, newest first"), s.listEvents)
	web.Handle(a, op("GET", "/events/{id}", http.StatusOK, "Show an event"), s.getEvent)
	web.Handle(a, s.patchOp(), s.patchEvent)
	web.Stream(a, op("DELETE", "/events/{id}", http.StatusNoContent, "Delete an event that was never started"),
		s.deleteEvent)
	web.Handle(a, op("POST", "/events/{id}/start", http.StatusAccepted, "Start an event"), s.startEvent)
	web.Handle(a, op("POST", "/events/{id}/resume", http.StatusAccepted, "Let a stopped event go on"), s.resumeEvent)
	web.Stream(a, op("POST", "/events/{id}/stop", http.StatusOK, "Stop an event"), s.stopEvent)
	web.Stream(a, s.progressOp(), s.progress)
	web.Handle(a, op("GET", "/queue", http.StatusOK, "Show the lanes in the order in which they will run"), s.showQueue)
	web.Stream(a, importOp(), s.importTargets)
	web.Handle(a, op("GET", "/events/{id}/imports", http.StatusOK, "List an event's uploads"), s.listImports)
	web.Stream(a, rejectedOp(), s.rejectedRows)
	web.Handle(a, endImportOp(), s.endImport)
	web.Handle(a, op("GET", "/events/{id}/results", http.StatusOK, "List what became of the members, by member_id"),
		s.listResults)
	web.Stream(a, op("POST", "/events/{id}/retry", http.StatusOK, "Try again what was given up"), s.retryEvent)
	web.Handle(a, verifyOp(), s.verifyEvent)
	web.Handle(a, s.reportOp(), s.lastReport)
	web.Stream(a, op("POST", "/brake", http.StatusOK,
		"Engage a brake: nothing in its scope starts or goes on until it is released"), s.engageBrake)
	web.Handle(a, op("GET", "/brake", http.StatusOK, "Show the engaged brakes"), s.showBrakes)
	web.Handle(a, op("POST", "/brake/release", http.StatusOK,
		"Release a brake: reserved events that are due start; stopped events wait for a resume"), s.releaseBrake)
	web.Stream(a, op("POST", "/stop-all", http.StatusOK, "Stop every running event, and let none start: the brake all"),
		s.stopAll)
	web.Handle(a, op("GET", "/event-types", http.StatusOK, "List event types with their units and limits"), s.listTypes)
	web.Handle(a, s.patchTypeOp(), s.patchType)
	web.Handle(a, systemOp(), s.showSystem)
	web.Handle(a, op("GET", "/parked", http.StatusOK, "List messages that no handler could use, newest first"),
		s.listParked)
	web.Handle(a, op("POST", "/parked/{id}/replay", http.StatusAccepted, "Publish a parked message again"), s.replayParked)
	describeSecondAnswers(a.OpenAPI())
}

// rule says what a caller of a route needs.
type rule int

// The rules. A route without one, and an unknown route, needs the key in the Authorization header.
const (
	keyed rule = iota // Bearer KEY
	open              // nothing: `bestow openapi` shows the same to anyone
	page              // Bearer KEY, or HTTP Basic with the key as the password, for people with a browser
	front             // nothing, from a browser; for programs it is no route
)

// ruleOf returns the rule of the route with the pattern.
func ruleOf(pattern string) rule {
	switch pattern {
	case web.Prefix + "/openapi.json", web.Prefix + "/docs":
		return open
	case "/river", "/river/*":
		return page
	case "/":
		return front
	}
	return keyed
}

// op describes one route of the API.
func op(method, path string, status int, summary string) huma.Operation {
	return huma.Operation{
		OperationID:   operationID(method, path),
		Tags:          []string{tagOf(path)},
		Method:        method,
		Path:          path,
		Summary:       summary,
		DefaultStatus: status,
	}
}

// operationID names a route for generated clients: post-events-id-start.
func operationID(method, path string) string {
	return strings.ToLower(method) + strings.NewReplacer("/", "-", "{", "", "}", "", "_", "-").Replace(path)
}

// tagOf returns the heading of a route in the documentation.
func tagOf(path string) string {
	under := func(part string) bool { return strings.Contains(path+"/", "/"+part+"/") }
	switch {
	case under("targets"), under("imports"):
		return "Member lists"
	case under("results"), under("retry"):
		return "Results"
	case under("verify"):
		return "Proof"
	case under("brake"), under("stop-all"):
		return "Brake"
	case under("event-types"):
		return "Event types"
	case under("events"), under("queue"):
		return "Events"
	}
	return "Installation"
}
