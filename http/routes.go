package http

import (
	"net/http"
	"strings"

	"bestow/domain"
	"bestow/http/auth"
	"bestow/http/console"
	"bestow/http/web"

	"github.com/danielgtaylor/huma/v2"
	"github.com/labstack/echo/v4"
)

// routes registers all routes and middleware.
func (s *server) routes(findClient echo.MiddlewareFunc) {
	e := s.echo
	e.Use(
		findClient,           // first, so that the others know where the request comes from
		identify,             // before those that log, so that the others can log the request's id
		s.answerBeforeCut,    // outside of those that may answer before the body is read
		s.logAccess,          // outside of recover, to log the answer to a panic
		s.recoverPanic,       // outside of those that may panic
		s.secureHeaders,      // refusals need them too
		s.guard.Authenticate, // before the request is read; unknown routes need a key too
		compress(),           // of what was let in; refusals are short
	)
	e.GET("/", s.serveFront)
	e.GET(web.Prefix+"/openapi.json", s.serveOpenAPI)
	e.GET(web.Prefix+"/docs", s.serveDocs)
	e.GET(web.Prefix+"/docs.js", serveDocsScript)
	e.GET("/invite", echo.WrapHandler(http.HandlerFunc(s.people.InvitePage)))
	e.POST("/invite", echo.WrapHandler(http.HandlerFunc(s.people.AnswerInvite)))
	e.GET("/auth/oidc/start", func(c echo.Context) error { return s.people.BeginCompany(c.Response(), c.Request()) })
	e.GET("/auth/oidc/callback", func(c echo.Context) error {
		return s.people.FinishCompany(c.Response(), c.Request())
	})
	s.pages()
	if s.riverUI != nil {
		e.Any("/river", s.river)
		e.Any("/river/*", s.river)
	}
	s.operations()
	s.rules = rulesOf(s.api)
	s.pagePieces()
	for _, r := range s.console.Routes() {
		rule := auth.Rule{Way: auth.Console, Right: r.Access.Right, Fresh: r.Access.Fresh, Unlimited: r.Access.Unlimited}
		if r.Access.Open {
			rule = auth.Rule{Way: auth.Open}
		}
		s.rules[r.Method+" "+r.Path] = rule
	}
	describeSecondAnswers(s.api.OpenAPI())
}

// noPage is the pattern of the addresses of the console that have no page.
const noPage = console.Home + "/*"

// pages registers the routes of the console.
func (s *server) pages() {
	s.echo.RouteNotFound(noPage, echo.NotFoundHandler)
	for _, r := range s.console.Routes() {
		s.echo.Add(r.Method, r.Path, func(c echo.Context) error {
			for i, name := range c.ParamNames() {
				c.Request().SetPathValue(name, c.ParamValues()[i])
			}
			return r.Handle(c.Response(), c.Request())
		})
	}
}

// answerError answers a browser on its way to a page of the console with a page, and all others as the API does.
func (s *server) answerError(err error, c echo.Context) {
	if c.Response().Committed || !console.Serves(c.Request().URL.Path) || !auth.WantsPage(c.Request()) {
		s.api.AnswerError(err, c)
		return
	}
	if err := s.console.Refuse(c.Response(), c.Request(), err); err != nil {
		s.api.AnswerError(err, c)
	}
}

// operations registers the routes of the API, each with the right that its callers need.
func (s *server) operations() {
	a, ev, li, in, ac, ty := s.api, s.events, s.lists, s.inspect, s.access, s.types
	web.Handle(a, op("POST", "/events", http.StatusCreated, domain.Operate, "Make an event"), ev.Create)
	web.Handle(a, op("GET", "/events", http.StatusOK, domain.Read, "List events, newest first"), ev.List)
	web.Handle(a, op("GET", "/events/{id}", http.StatusOK, domain.Read, "Show an event"), ev.Get)
	web.Handle(a, op("PATCH", "/events/{id}", http.StatusOK, domain.Operate,
		"Change an event that is PENDING", ev.DescribePatch), ev.Patch)
	web.Stream(a, op("DELETE", "/events/{id}", http.StatusNoContent, domain.Operate,
		"Delete an event that was never started"), ev.Delete)
	web.Handle(a, op("POST", "/events/{id}/start", http.StatusAccepted, domain.Operate, "Start an event"), ev.Start)
	web.Handle(a, op("POST", "/events/{id}/resume", http.StatusAccepted, domain.Operate,
		"Let a stopped event go on"), ev.Resume)
	web.Stream(a, op("POST", "/events/{id}/stop", http.StatusOK, domain.Operate, "Stop an event"), ev.Stop)
	web.Stream(a, op("GET", "/events/{id}/progress", http.StatusOK, domain.Read,
		"Show how an event goes", in.DescribeProgress), in.Progress)
	web.Handle(a, op("GET", "/events/{id}/flow", http.StatusOK, domain.Read,
		"Show how fast an event went, and how far it is in each partition"), in.Flow)
	web.Handle(a, op("GET", "/queue", http.StatusOK, domain.Read,
		"Show the lanes in the order in which they will run"), in.Queue)
	web.Stream(a, op("POST", "/events/{id}/targets", http.StatusCreated, domain.Operate,
		"Import a member list", li.DescribeImport), li.Import)
	web.Handle(a, op("GET", "/events/{id}/imports", http.StatusOK, domain.Read,
		"List an event's uploads"), li.ListImports)
	web.Handle(a, op("GET", "/events/{id}/imports/{import_id}", http.StatusOK, domain.Read,
		"Show an upload, and what its pass over the list found"), li.ShowImport)
	web.Stream(a, op("GET", "/events/{id}/imports/{import_id}/rejected", http.StatusOK, domain.ReadWhole,
		"Download the rejected rows of an upload", li.DescribeRejectedRows), li.RejectedRows)
	web.Stream(a, op("DELETE", "/events/{id}/imports/{import_id}", http.StatusNoContent, domain.Operate,
		"Take an import back from an event that has not started", li.DescribeTakeBack), li.TakeBack)
	web.Handle(a, op("DELETE", "/events/{id}/imports/running", http.StatusNoContent, domain.Operate,
		"End an upload that is under way", li.DescribeEndImport), li.EndImport)
	web.Stream(a, op("GET", "/events/{id}/targets", http.StatusOK, domain.Read,
		"List an event's members, by member_id", in.DescribeTargets), in.Targets)
	web.Stream(a, op("GET", "/events/{id}/results", http.StatusOK, domain.Read,
		"List what became of the members, by member_id", in.DescribeResults), in.Results)
	web.Handle(a, op("GET", "/events/{id}/members/{member_id}", http.StatusOK, domain.Read,
		"Show why a member got something of an event, or did not"), in.Trace)
	web.Handle(a, op("POST", "/events/{id}/members/{member_id}/reveal-pin", http.StatusOK, domain.Reveal,
		"Show the PIN of a member's voucher", in.DescribeRevealPIN, fresh), in.RevealPIN)
	web.Handle(a, op("GET", "/members/{member_id}", http.StatusOK, domain.Read,
		"List the events that have a member on their lists, newest first"), in.Memberships)
	web.Stream(a, op("POST", "/events/{id}/retry", http.StatusOK, domain.Operate,
		"Try again what was given up"), ev.Retry)
	web.Handle(a, op("POST", "/events/{id}/verify", http.StatusAccepted, domain.Operate,
		"Ask for a report that compares all that was granted", in.DescribeVerify), in.Verify)
	web.Handle(a, op("GET", "/events/{id}/verify", http.StatusOK, domain.Read,
		"Show the last report on an event: the auditor's document", in.DescribeLastReport), in.LastReport)
	web.Stream(a, op("POST", "/brake", http.StatusOK, domain.Operate,
		"Engage a brake: nothing in its scope starts or goes on until it is released"), ev.EngageBrake)
	web.Handle(a, op("GET", "/brake", http.StatusOK, domain.Read, "Show the engaged brakes"), ev.ShowBrakes)
	web.Handle(a, op("POST", "/brake/release", http.StatusOK, domain.Release,
		"Release a brake: reserved events that are due start; stopped events wait for a resume", fresh),
		ev.ReleaseBrake)
	web.Stream(a, op("POST", "/stop-all", http.StatusOK, domain.Operate,
		"Stop every running event, and let none start: the brake all"), ev.StopAll)
	web.Handle(a, op("GET", "/event-types", http.StatusOK, domain.Read,
		"List event types with their states, units and limits"), ty.List)
	web.Handle(a, op("POST", "/event-types", http.StatusAccepted, domain.Administer,
		"Make an event type", ty.DescribeCreate), ty.Create)
	web.Handle(a, op("GET", "/event-types/{code}", http.StatusOK, domain.Read, "Show an event type"), ty.Get)
	web.Handle(a, op("PATCH", "/event-types/{code}", http.StatusOK, domain.Administer,
		"Change the unit, the limits, the label or the state of an event type", ty.DescribePatch), ty.Patch)
	web.Handle(a, op("GET", "/system", http.StatusOK, domain.Read,
		"Show the processes, the ledgers' breakers, River and the brake, and what stands still", in.DescribeSystem),
		in.System)
	web.Handle(a, op("GET", "/parked", http.StatusOK, domain.Read,
		"List messages that no handler could use, newest first"), ev.ListParked)
	web.Handle(a, op("POST", "/parked/{id}/replay", http.StatusAccepted, domain.Operate,
		"Publish a parked message again"), ev.ReplayParked)
	web.Handle(a, op("GET", "/keys", http.StatusOK, domain.Administer, "List the keys, newest first"), ac.ListKeys)
	web.Handle(a, op("POST", "/keys", http.StatusCreated, domain.Administer,
		"Make a key, which is shown this once", ac.DescribeCreateKey, fresh), ac.CreateKey)
	web.Handle(a, op("DELETE", "/keys/{id}", http.StatusNoContent, domain.Administer,
		"Revoke a key: within 15 seconds no process takes it", fresh), ac.RevokeKey)
	web.Handle(a, op("GET", "/audit", http.StatusOK, domain.Read,
		"List what people and keys have changed, newest first"), ac.ListAudit)
	s.pieces()
	s.signIn()
	s.points()
}

// points registers the routes of the ledger of points.
func (s *server) points() {
	a, le := s.api, s.ledger
	web.Handle(a, op("GET", "/ledger/forecast", http.StatusOK, domain.Read,
		"Show what members have, and when it expires", le.DescribeForecast), le.Forecast)
	web.Handle(a, op("GET", "/ledger/totals", http.StatusOK, domain.Read,
		"Show what became of all that was saved, by type, policy and day", le.DescribeTotals), le.Totals)
	web.Handle(a, op("GET", "/members/{member_id}/lots", http.StatusOK, domain.Read,
		"List what became of each lot of a member, newest first", le.DescribeLots), le.Lots)
	web.Handle(a, op("GET", "/members/{member_id}/lots/{money_tx_id}", http.StatusOK, domain.Read,
		"Show what became of the lot of a save, with its uses", le.DescribeLots), le.Lot)
	web.Handle(a, op("GET", "/ledger/policies", http.StatusOK, domain.Read,
		"List the accrual policies, by their codes", le.DescribePolicies), le.Policies)
	web.Handle(a, op("POST", "/ledger/policies", http.StatusCreated, domain.Administer,
		"Make an accrual policy", le.DescribeCreatePolicy), le.CreatePolicy)
	web.Handle(a, op("GET", "/ledger/policies/{code}", http.StatusOK, domain.Read,
		"Show an accrual policy", le.DescribePolicies), le.Policy)
	web.Handle(a, op("PATCH", "/ledger/policies/{code}", http.StatusOK, domain.Administer,
		"Retire an accrual policy, or bring it back", le.DescribePatchPolicy), le.PatchPolicy)
}

// pieces registers the routes of lists that come in pieces.
func (s *server) pieces() {
	a, li := s.api, s.lists
	web.Handle(a, op("OPTIONS", "/uploads", http.StatusNoContent, domain.Read,
		"Show what is spoken of the tus protocol"), li.UploadOptions)
	web.Handle(a, op("POST", "/uploads", http.StatusCreated, domain.Operate,
		"Begin a member list that comes in pieces", li.DescribeCreateUpload), li.CreateUpload)
	web.Handle(a, op("GET", "/uploads", http.StatusOK, domain.Operate,
		"List your uploads that are not imported yet, newest first; an admin may list those of others"), li.ListUploads)
	web.Handle(a, op("HEAD", "/uploads/{upload_id}", http.StatusOK, domain.Operate,
		"Show where an upload of yours goes on"), li.ShowUpload)
	web.Stream(a, op("PATCH", "/uploads/{upload_id}", http.StatusNoContent, domain.Operate,
		"Add a piece to an upload of yours", li.DescribePiece), li.Piece)
	web.Handle(a, op("DELETE", "/uploads/{upload_id}", http.StatusNoContent, domain.Operate,
		"Delete an upload of yours; an admin may delete any"), li.DeleteUpload)
}

// pagePieces registers the routes by which the console's pages send a list in pieces: those of the API, under the path
// of the console, which alone gets the key that a browser shows in development.
func (s *server) pagePieces() {
	const all, one = console.Home + "/uploads", console.Home + "/uploads/:upload_id"
	for _, r := range []struct{ method, path string }{
		{http.MethodPost, all}, {http.MethodHead, one}, {http.MethodPatch, one}, {http.MethodDelete, one},
	} {
		s.rules[r.method+" "+r.path] = auth.Rule{Way: auth.Console, Right: domain.Operate}
		s.echo.Add(r.method, r.path, func(c echo.Context) error {
			path := web.Prefix + strings.TrimPrefix(c.Request().URL.Path, console.Home)
			s.echo.Router().Find(r.method, path, c)
			return c.Handler()(c)
		})
	}
}

// signIn registers the routes of people's sessions.
func (s *server) signIn() {
	a, pe := s.api, s.people
	web.Handle(a, op("POST", "/session", http.StatusCreated, domain.Read,
		"Sign in with a password and a code", pe.DescribeSignIn, open), pe.SignIn)
	web.Handle(a, op("GET", "/session", http.StatusOK, domain.Read,
		"Show who asks, with which role and until when"), pe.Me)
	web.Handle(a, op("POST", "/session/fresh", http.StatusOK, domain.Read,
		"Show the password and a code again, for what is dangerous", pe.DescribeRefresh), pe.Refresh)
	web.Handle(a, op("DELETE", "/session", http.StatusNoContent, domain.Read, "Sign out"), pe.SignOut)
	web.Handle(a, op("GET", "/sessions", http.StatusOK, domain.Administer,
		"List the sessions that go on, newest first"), pe.ListSessions)
	web.Handle(a, op("DELETE", "/sessions/{id}", http.StatusNoContent, domain.Administer,
		"End a session: within 15 seconds no process takes it"), pe.EndSession)
	web.Handle(a, op("GET", "/people", http.StatusOK, domain.Administer,
		"List people and services, newest first"), pe.List)
	web.Handle(a, op("GET", "/people/{id}", http.StatusOK, domain.Administer, "Show a person or a service"), pe.Get)
	web.Handle(a, op("PATCH", "/people/{id}", http.StatusOK, domain.Administer,
		"Change the role of a person or a service, or take the access away", pe.DescribeEdit, fresh), pe.Edit)
	web.Handle(a, op("POST", "/invites", http.StatusCreated, domain.Administer,
		"Invite a person to set a password, within 15 minutes", pe.DescribeInvite, fresh), pe.Invite)
	web.Handle(a, op("POST", "/invites/open", http.StatusOK, domain.Read,
		"Get the secret that the phone of an invited person is to hold", pe.DescribeOpen, open), pe.Open)
	web.Handle(a, op("POST", "/invites/accept", http.StatusCreated, domain.Read,
		"Set the password of an invited person, with the first code", pe.DescribeAccept, open), pe.Accept)
}

// ruleOf returns the rule of the route with the method and the pattern. A route that stands nowhere here needs any key.
func (s *server) ruleOf(method, pattern string) auth.Rule {
	switch pattern {
	case web.Prefix + "/openapi.json", web.Prefix + "/docs", web.Prefix + "/docs.js", "/invite", "/auth/oidc/start",
		"/auth/oidc/callback":
		return auth.Rule{Way: auth.Open}
	case "/river", "/river/*":
		return auth.Rule{Way: auth.Page, Right: domain.Administer}
	case "/":
		return auth.Rule{Way: auth.Front}
	case noPage: // a wrong address signs nobody out
		return auth.Rule{Way: auth.Console}
	}
	return s.rules[method+" "+pattern]
}

// rulesOf returns the rules of a's routes, by their methods and their patterns as echo has them.
func rulesOf(a *web.API) map[string]auth.Rule {
	rules := map[string]auth.Rule{}
	for _, o := range a.Operations() {
		pattern := web.Prefix + strings.NewReplacer("{", ":", "}", "").Replace(o.Path)
		right, _ := o.Metadata[rightKey].(domain.Right)
		way, _ := o.Metadata[wayKey].(auth.Way)
		rules[o.Method+" "+pattern] = auth.Rule{
			Way: way, Right: right, Unlimited: o.Method == http.MethodPost && stops(o.Path), Fresh: o.Metadata[freshKey] == true,
		}
	}
	return rules
}

// stops reports whether a POST to the route stops what runs, which is never refused for the number of requests.
func stops(path string) bool {
	return path == "/brake" || path == "/stop-all" || strings.HasSuffix(path, "/stop")
}

// Where an operation holds what its callers need.
const (
	rightKey = "right"
	wayKey   = "way"
	freshKey = "fresh"
)

// open describes a route that takes no key and no session: its callers get one there.
func open(o *huma.Operation) {
	o.Metadata[wayKey] = auth.Open
	o.Security = []map[string][]string{}
}

// fresh describes a route that asks of a session for a password and a code within the last minutes.
func fresh(o *huma.Operation) {
	o.Metadata[freshKey] = true
	o.Description = strings.TrimSpace(o.Description + " A session must be fresh (POST /session/fresh).")
}

// op describes one route of the API, whose callers need the right; describe adds more than its head.
func op(
	method, path string, status int, right domain.Right, summary string, describe ...func(*huma.Operation),
) huma.Operation {
	o := huma.Operation{
		OperationID:   operationID(method, path),
		Tags:          []string{tagOf(path)},
		Method:        method,
		Path:          path,
		Summary:       summary,
		DefaultStatus: status,
		Metadata:      map[string]any{rightKey: right},
	}
	for _, more := range describe {
		more(&o)
	}
	if roles := domain.RolesThatMay(right); len(roles) < len(domain.Roles()) {
		o.Description = strings.TrimSpace(o.Description + " Role: " + orList(roles) + ".")
	}
	return o
}

// orList names the roles: operator, approver or admin.
func orList(roles []domain.Role) string {
	names := make([]string, len(roles))
	for i, r := range roles {
		names[i] = string(r)
	}
	last := len(names) - 1
	if last == 0 {
		return names[0]
	}
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

// operationID names a route for generated clients: post-events-id-start.
func operationID(method, path string) string {
	return strings.ToLower(method) + strings.NewReplacer("/", "-", "{", "", "}", "", "_", "-").Replace(path)
}

// tagOf returns the heading of a route in the documentation.
func tagOf(path string) string {
	under := func(part string) bool { return strings.Contains(path+"/", "/"+part+"/") }
	switch {
	case under("targets"), under("imports"), under("uploads"):
		return "Member lists"
	case under("results"), under("retry"), under("members"):
		return "Results"
	case under("verify"):
		return "Proof"
	case under("brake"), under("stop-all"):
		return "Brake"
	case under("session"), under("sessions"), under("invites"), under("people"):
		return "Sign-in"
	case under("keys"), under("audit"):
		return "Keys and audit"
	case under("event-types"):
		return "Event types"
	case under("ledger"):
		return "Ledger"
	case under("events"), under("queue"):
		return "Events"
	}
	return "Installation"
}
