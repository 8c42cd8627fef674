package http

import (
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humaecho"
	"github.com/labstack/echo/v4"
)

// prefix is where the API is.
const prefix = "/api/v1"

// routes is the one page of routes, middleware and rules of access.
func (s *server) routes(e *echo.Echo) {
	e.Use(
		identify,          // first, so that all that follows can name the request
		s.answerBeforeCut, // outside of all that may answer before the body is read
		s.logAccess,       // outside of recover, to see what a panic was answered with
		s.recoverPanic,    // outside of all that may panic
		secureHeaders,     // refusals have them too
		s.authenticate,    // the last, before anything reads the request; what is no route needs a key as well
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

// rule says what a route asks of a caller.
type rule int

// The rules. A route without one, and what is no route, asks for the key in the Authorization header.
const (
	keyed rule = iota // Bearer KEY
	open              // nothing: it says what `bestow openapi` tells anybody
	page              // Bearer KEY, or HTTP Basic with the key as the password, for people with a browser
	front             // nothing from a browser; otherwise it is no route
)

// ruleOf is the rule of a route by its pattern.
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

// op is one route of the API.
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

// tagOf is the heading under which the documentation has a route.
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
