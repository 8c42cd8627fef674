package http

import (
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humaecho"
	"github.com/labstack/echo/v4"
)

// prefix is the path of the API.
const prefix = "/api/v1"

// routes registers all routes and middleware.
func (s *server) routes(e *echo.Echo) {
	e.Use(
		identify,          // first, so that the others can log the request's id
		s.answerBeforeCut, // outside of those that may answer before the body is read
		s.logAccess,       // outside of recover, to log the answer to a panic
		s.recoverPanic,    // outside of those that may panic
		secureHeaders,     // refusals need them too
		s.authenticate,    // last, before the request is read; unknown routes need a key too
	)
	e.GET("/", s.serveFront)
	e.GET(prefix+"/openapi.json", s.serveOpenAPI)
	e.GET(prefix+"/docs", s.serveDocs)
	if s.riverUI != nil {
		e.Any("/river", s.river)
		e.Any("/river/*", s.river)
	}

	s.api = humaecho.NewV4WithGroup(e, e.Group(prefix), s.apiConfig())
	s.api.UseMiddleware(catchStatus, s.checkQuery, s.checkBody)

	handle(s, op("POST", "/events", http.StatusCreated, "Make an event"), s.createEvent)
	handle(s, op("GET", "/events", http.StatusOK, "List events, newest first"), s.listEvents)
	handle(s, op("GET", "/events/{id}", http.StatusOK, "Show an event"), s.getEvent)
	handle(s, s.patchOp(), s.patchEvent)
	stream(s, op("DELETE", "/events/{id}", http.StatusNoContent, "Delete an event that was never started"),
		s.deleteEvent)
	handle(s, op("POST", "/events/{id}/start", http.StatusAccepted, "Start an event"), s.startEvent)
	handle(s, op("POST", "/events/{id}/resume", http.StatusAccepted, "Let a stopped event go on"), s.resumeEvent)
	stream(s, op("POST", "/events/{id}/stop", http.StatusOK, "Stop an event"), s.stopEvent)
	stream(s, s.progressOp(), s.progress)
	handle(s, op("GET", "/queue", http.StatusOK, "Show the lanes in the order in which they will run"), s.showQueue)
	stream(s, importOp(), s.importTargets)
	handle(s, op("GET", "/events/{id}/imports", http.StatusOK, "List an event's uploads"), s.listImports)
	stream(s, rejectedOp(), s.rejectedRows)
	handle(s, endImportOp(), s.endImport)
	handle(s, op("GET", "/events/{id}/results", http.StatusOK, "List what became of the members, by member_id"),
		s.listResults)
	stream(s, op("POST", "/events/{id}/retry", http.StatusOK, "Try again what was given up"), s.retryEvent)
	handle(s, verifyOp(), s.verifyEvent)
	handle(s, s.reportOp(), s.lastReport)
	stream(s, op("POST", "/brake", http.StatusOK,
		"Engage a brake: nothing in its scope starts or goes on until it is released"), s.engageBrake)
	handle(s, op("GET", "/brake", http.StatusOK, "Show the engaged brakes"), s.showBrakes)
	handle(s, op("POST", "/brake/release", http.StatusOK,
		"Release a brake: reserved events that are due start; stopped events wait for a resume"), s.releaseBrake)
	stream(s, op("POST", "/stop-all", http.StatusOK, "Stop every running event, and let none start: the brake all"),
		s.stopAll)
	handle(s, op("GET", "/event-types", http.StatusOK, "List event types with their units and limits"), s.listTypes)
	handle(s, s.patchTypeOp(), s.patchType)
	handle(s, systemOp(), s.showSystem)
	handle(s, op("GET", "/parked", http.StatusOK, "List messages that no handler could use, newest first"),
		s.listParked)
	handle(s, op("POST", "/parked/{id}/replay", http.StatusAccepted, "Publish a parked message again"), s.replayParked)
	describeSecondAnswers(s.api.OpenAPI())
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
	case prefix + "/openapi.json", prefix + "/docs":
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
