package moneyhttp

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"time"

	"bestow/internal/pg"
	"bestow/money/moneyhttp/wire"

	"github.com/danielgtaylor/huma/v2"
)

const (
	// maxBody is the most bytes of a body: 5,000 items of 3 KiB each.
	maxBody = 16 << 20
	// bodyTimeout is the time that a body may take to arrive.
	bodyTimeout = 30 * time.Second
)

// routes is the one page of routes and middleware.
func (s *Server) routes(mux *http.ServeMux) http.Handler {
	mux.HandleFunc("GET "+wire.Prefix+"/openapi.json", s.serveOpenAPI)
	s.api = s.newAPI(mux)
	s.api.UseMiddleware(s.checkQuery, s.checkHeaders, s.checkBody, s.checkCaller)

	handle(s, grantOp("/points/grants", "Save points for members, each key once"), s.grantPoints)
	handle(s, grantOp("/vouchers/grants", "Issue vouchers to members, each key once"), s.grantVouchers)
	read(s, op("POST", "/points/grants/lookup", "Say which saves keys stand for"), s.lookupPoints)
	read(s, op("POST", "/vouchers/grants/lookup", "Say which vouchers keys stand for"), s.lookupVouchers)
	read(s, forAnyCaller(op("GET", "/identity", "Say which ledger this is and what it can")), s.identity)
	handle(s, forAnyCaller(op("PUT", "/pairing", "Make this the ledger of one installation, for ever")), s.pair)

	handle(s, once("/members/{id}/saves", "Save points for a member"), s.save)
	handle(s, once("/members/{id}/uses", "Use points of a member"), s.use)
	handle(s, once("/members/{id}/movements/{money_tx_id}/cancel", "Undo a use or a save, in whole or in part"),
		s.cancelOf)
	handle(s, once("/movements/{money_tx_id}/cancel", "Undo a use or a save; the member's id stands in the body"),
		s.cancelMovement)
	handle(s, op("POST", "/points/cancels", "Undo saves of many members in one transaction"), s.cancelSaves)
	handle(s, op("POST", "/vouchers/cancels", "Cancel vouchers of many members in one transaction"), s.cancelVouchers)
	read(s, op("GET", "/members/{id}/vouchers", "List a member's vouchers and their states, newest first"), s.vouchers)
	read(s, op("GET", "/members/{id}", "Say what a member has"), s.member)
	read(s, op("GET", "/members/{id}/movements", "List a member's history, newest first"), s.movements)
	read(s, op("GET", "/members/{id}/movements/{money_tx_id}", "Show a movement with its lots"), s.movement)
	read(s, op("GET", "/members/{id}/lots", "List a member's lots and what became of them, newest first"), s.lots)
	read(s, op("GET", "/members/{id}/lots/{money_tx_id}", "Show the lot of a save, and what was drawn from it"), s.lot)

	read(s, op("GET", "/expiry/forecast", "Say what will expire on which day and in which month"), s.forecast)
	read(s, op("GET", "/totals", "Say what became of all that was saved, by type, policy and day"), s.totals)
	read(s, op("GET", "/policies", "List accrual policies"), s.policies)
	handle(s, createPolicyOp(), s.createPolicy)
	read(s, op("GET", "/policies/{code}", "Show an accrual policy"), s.policy)
	handle(s, s.editPolicyOp(), s.editPolicy)

	// The first wraps all that follow.
	return noteArrival(
		identify( // so that all that follows can name the request
			s.observe( // outside of recover, to see what a panic was answered with
				s.recoverPanic( // outside of all that may panic
					secureHeaders( // refusals have them too
						s.authenticate( // what is no route needs a token as well
							s.knownRoutes(mux)))))))
}

// op is an operation that is refused where a request means another ledger.
func op(method, path, summary string) huma.Operation {
	return huma.Operation{
		OperationID: strings.ToLower(method) + strings.NewReplacer("/", "-", "{", "", "}", "", "_", "-").Replace(path),
		Method:      method, Path: path, Summary: summary, DefaultStatus: http.StatusOK,
		Parameters: callerParams(),
	}
}

func grantOp(path, summary string) huma.Operation {
	o := op("POST", path, summary)
	o.Description = "All items are one transaction: all that can be granted is granted, or nothing is. " +
		"Answers stand in the order asked. A refused item, and a request that is refused as a whole, burn no key. " +
		"Status 504 with the code `deadline`: some item is still to be applied, nothing of the request was, " +
		"and nothing will be. Where every key stands or is refused the request is answered however late. Status 500, " +
		"or no answer: send it again with the same keys."
	return o
}

// once is an operation that changes something for one member.
func once(path, summary string) huma.Operation {
	o := op("POST", path, summary)
	o.DefaultStatus = http.StatusCreated
	o.Description = "Needs an Idempotency-Key. Asked again with the same key and content it answers 200, " +
		"with Idempotency-Replayed: true; also after its deadline; with another member, amount or operation, " +
		"and of a cancel with another movement or policy, 409, key_conflict. What is refused burns no key. " +
		"Status 504 with the code `deadline`: nothing stands under the key."
	return o
}

// read registers a route that changes nothing: after any error, nothing was applied.
func read[I, O any](s *Server, op huma.Operation, do func(context.Context, *I) (*O, error)) {
	handle(s, op, func(ctx context.Context, in *I) (*O, error) {
		ctx, cancel := context.WithTimeout(ctx, wire.DefaultBudget)
		defer cancel()
		out, err := do(ctx, in)
		if pg.Unavailable(err) {
			err = fmt.Errorf("%w: %w", pg.ErrNotBegun, err)
		}
		return out, err
	})
}

// handle registers a route.
func handle[I, O any](s *Server, op huma.Operation, do func(context.Context, *I) (*O, error)) {
	schema := s.api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[wire.Problem](), true, "Problem")
	op.Responses = map[string]*huma.Response{"default": {
		Description: "Refused as a whole", Content: map[string]*huma.MediaType{wire.ProblemType: {Schema: schema}},
	}}
	op.SkipValidateBody = true // the body's own decoder is stricter
	op.MaxBodyBytes = maxBody
	op.BodyReadTimeout = bodyTimeout
	huma.Register(s.api, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := do(ctx, in)
		if err != nil {
			return nil, s.problem(ctx, err)
		}
		return out, nil
	})
}
