package http

import (
	"net/http"
	"strings"

	"bestow/http/auth"
	"bestow/http/web"

	"github.com/danielgtaylor/huma/v2"
)

// routes registers all routes and middleware.
func (s *server) routes() {
	e := s.echo
	e.Use(
		identify,             // first, so that the others can log the request's id
		s.answerBeforeCut,    // outside of those that may answer before the body is read
		s.logAccess,          // outside of recover, to log the answer to a panic
		s.recoverPanic,       // outside of those that may panic
		secureHeaders,        // refusals need them too
		s.guard.Authenticate, // last, before the request is read; unknown routes need a key too
	)
	e.GET("/", s.serveFront)
	e.GET(web.Prefix+"/openapi.json", s.serveOpenAPI)
	e.GET(web.Prefix+"/docs", s.serveDocs)
	if s.riverUI != nil {
		e.Any("/river", s.river)
		e.Any("/river/*", s.river)
	}

	a, ev, li, in := s.api, s.events, s.lists, s.inspect
	web.Handle(a, op("POST", "/events", http.StatusCreated, "Make an event"), ev.Create)
	web.Handle(a, op("GET", "/events", http.StatusOK, "List events, newest first"), ev.List)
	web.Handle(a, op("GET", "/events/{id}", http.StatusOK, "Show an event"), ev.Get)
	web.Handle(a, op("PATCH", "/events/{id}", http.StatusOK, "Change an event that is PENDING", ev.DescribePatch),
		ev.Patch)
	web.Stream(a, op("DELETE", "/events/{id}", http.StatusNoContent, "Delete an event that was never started"), ev.Delete)
	web.Handle(a, op("POST", "/events/{id}/start", http.StatusAccepted, "Start an event"), ev.Start)
	web.Handle(a, op("POST", "/events/{id}/resume", http.StatusAccepted, "Let a stopped event go on"), ev.Resume)
	web.Stream(a, op("POST", "/events/{id}/stop", http.StatusOK, "Stop an event"), ev.Stop)
	web.Stream(a, op("GET", "/events/{id}/progress", http.StatusOK, "Show how an event goes", in.DescribeProgress),
		in.Progress)
	web.Handle(a, op("GET", "/queue", http.StatusOK, "Show the lanes in the order in which they will run"), in.Queue)
	web.Stream(a, op("POST", "/events/{id}/targets", http.StatusCreated, "Import a member list", li.DescribeImport),
		li.Import)
	web.Handle(a, op("GET", "/events/{id}/imports", http.StatusOK, "List an event's uploads"), li.ListImports)
	web.Stream(a, op("GET", "/events/{id}/imports/{import_id}/rejected", http.StatusOK,
		"Download the rejected rows of an upload", li.DescribeRejectedRows), li.RejectedRows)
	web.Handle(a, op("DELETE", "/events/{id}/imports/running", http.StatusNoContent,
		"End an upload that is under way", li.DescribeEndImport), li.EndImport)
	web.Handle(a, op("GET", "/events/{id}/results", http.StatusOK, "List what became of the members, by member_id"),
		in.Results)
	web.Stream(a, op("POST", "/events/{id}/retry", http.StatusOK, "Try again what was given up"), ev.Retry)
	web.Handle(a, op("POST", "/events/{id}/verify", http.StatusAccepted,
		"Ask for a report that compares all that was granted", in.DescribeVerify), in.Verify)
	web.Handle(a, op("GET", "/events/{id}/verify", http.StatusOK,
		"Show the last report on an event: the auditor's document", in.DescribeLastReport), in.LastReport)
	web.Stream(a, op("POST", "/brake", http.StatusOK,
		"Engage a brake: nothing in its scope starts or goes on until it is released"), ev.EngageBrake)
	web.Handle(a, op("GET", "/brake", http.StatusOK, "Show the engaged brakes"), ev.ShowBrakes)
	web.Handle(a, op("POST", "/brake/release", http.StatusOK,
		"Release a brake: reserved events that are due start; stopped events wait for a resume"), ev.ReleaseBrake)
	web.Stream(a, op("POST", "/stop-all", http.StatusOK,
		"Stop every running event, and let none start: the brake all"), ev.StopAll)
	web.Handle(a, op("GET", "/event-types", http.StatusOK, "List event types with their units and limits"), ev.ListTypes)
	web.Handle(a, op("PATCH", "/event-types/{code}", http.StatusOK,
		"Change the unit, the limits or the label of an event type", ev.DescribePatchType), ev.PatchType)
	web.Handle(a, op("GET", "/system", http.StatusOK,
		"Show the processes, the ledgers' breakers, River and the brake, and what stands still", in.DescribeSystem),
		in.System)
	web.Handle(a, op("GET", "/parked", http.StatusOK, "List messages that no handler could use, newest first"),
		ev.ListParked)
	web.Handle(a, op("POST", "/parked/{id}/replay", http.StatusAccepted, "Publish a parked message again"),
		ev.ReplayParked)
	describeSecondAnswers(a.OpenAPI())
}

// ruleOf returns the rule of the route with the pattern. A route that stands nowhere here needs the key.
func ruleOf(pattern string) auth.Rule {
	switch pattern {
	case web.Prefix + "/openapi.json", web.Prefix + "/docs":
		return auth.Open
	case "/river", "/river/*":
		return auth.Page
	case "/":
		return auth.Front
	}
	return auth.Keyed
}

// op describes one route of the API; describe adds more than its head.
func op(method, path string, status int, summary string, describe ...func(*huma.Operation)) huma.Operation {
	o := huma.Operation{
		OperationID:   operationID(method, path),
		Tags:          []string{tagOf(path)},
		Method:        method,
		Path:          path,
		Summary:       summary,
		DefaultStatus: status,
	}
	for _, more := range describe {
		more(&o)
	}
	return o
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
