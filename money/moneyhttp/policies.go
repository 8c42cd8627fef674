package moneyhttp

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"

	"bestow/money"
	"bestow/money/moneyhttp/wire"

	"github.com/danielgtaylor/huma/v2"
)

// mergePatch is RFC 7396; plain JSON is taken for it too.
const mergePatch = "application/merge-patch+json"

func createPolicyOp() huma.Operation {
	o := op("POST", "/policies", "Make a policy")
	o.DefaultStatus = http.StatusCreated
	o.Description = "The code is the idempotency key: with the same terms again it answers 200, " +
		"with Idempotency-Replayed: true; with others 409, policy_exists."
	return o
}

func (s *Server) editPolicyOp() huma.Operation {
	o := op("PATCH", "/policies/{code}", "Change a policy, retire it or bring it back")
	o.Description = "A JSON merge patch: what is absent stays, null clears; " +
		"a new validity_kind clears what belongs to the former one. A change counts for later saves only. " +
		"If-Match is the ETag of the policy as it was read. A policy that is already as the patch makes it is " +
		"answered as it is, whatever If-Match says: the patch was applied before."
	t := reflect.TypeFor[policyPatch]()
	schema := s.api.OpenAPI().Components.Schemas.Schema(t, true, t.Name())
	o.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{mergePatch: {Schema: schema}}}
	return o
}

type policiesInput struct {
	Status string `query:"status" doc:"ACTIVE or INACTIVE; absent: all"`
	Cursor string `query:"cursor" doc:"next_cursor of the page before"`
	Limit  string `query:"limit" doc:"1 to 1000; default 100"`
}

// policies is a page of the policies.
func (s *Server) policies(ctx context.Context, in *policiesInput) (*struct{ Body wire.Policies }, error) {
	limit, err := limitOf(in.Limit)
	if err != nil {
		return nil, err
	}
	page, err := s.ledger.Policies(ctx,
		money.PolicyQuery{Status: money.PolicyStatus(in.Status), After: in.Cursor, Limit: limit})
	if err != nil {
		return nil, err
	}
	answer := wire.Policies{Items: make([]wire.Policy, len(page))}
	for n := range page {
		answer.Items[n] = wire.NewPolicy(&page[n])
	}
	if len(page) == limit {
		answer.NextCursor = page[limit-1].Code
	}
	return &struct{ Body wire.Policies }{answer}, nil
}

// policyOutput is the answer with one policy.
type policyOutput struct {
	Status   int
	ETag     string `header:"ETag" doc:"of this state of the policy, for If-Match"`
	Location string `header:"Location"`
	Replayed string `header:"Idempotency-Replayed" doc:"true where the policy was made before"`
	Body     wire.Policy
}

func policyAnswer(p *money.Policy) *policyOutput {
	return &policyOutput{
		Status: http.StatusOK, ETag: `"` + strconv.FormatInt(p.Revision, 10) + `"`,
		Body: wire.NewPolicy(p),
	}
}

type policyInput struct {
	Code string `path:"code"`
}

// policy shows one policy.
func (s *Server) policy(ctx context.Context, in *policyInput) (*policyOutput, error) {
	p, err := s.ledger.Policy(ctx, in.Code)
	if err != nil {
		return nil, policyProblem(err)
	}
	return policyAnswer(&p), nil
}

type createPolicyInput struct{ Body body[newPolicy] }

// createPolicy makes a policy.
func (s *Server) createPolicy(ctx context.Context, in *createPolicyInput) (*policyOutput, error) {
	asked, err := in.Body.read()
	if err != nil {
		return nil, err
	}
	terms, err := termsOf(&asked.PolicyTerms)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, wire.DefaultBudget)
	defer cancel()
	p, replayed, err := s.ledger.CreatePolicy(ctx, asked.Code, terms)
	if err != nil {
		return nil, policyProblem(err)
	}
	out := policyAnswer(&p)
	out.Location = wire.Prefix + "/policies/" + url.PathEscape(p.Code)
	if replayed {
		out.Replayed = "true"
		return out, nil
	}
	out.Status = http.StatusCreated
	s.tellPolicy(ctx, "a policy is made", &p)
	return out, nil
}

type editPolicyInput struct {
	Code    string `path:"code"`
	IfMatch string `header:"If-Match" doc:"the ETag of the policy as it was read, or *; without it 428"`
	Body    body[policyPatch]
}

// editPolicy changes a policy.
func (s *Server) editPolicy(ctx context.Context, in *editPolicyInput) (*policyOutput, error) {
	patch, err := in.Body.read()
	if err != nil {
		return nil, err
	}
	if in.IfMatch == "" {
		return nil, newProblem(wire.CodePreconditionRequired,
			"the change does not say which state of the policy it is of",
			"GET the policy and send its ETag as If-Match")
	}
	ctx, cancel := context.WithTimeout(ctx, wire.DefaultBudget)
	defer cancel()
	p, err := s.ledger.EditPolicy(ctx, in.Code, revisionsOf(in.IfMatch), patch.apply)
	if err != nil {
		return nil, policyProblem(err)
	}
	s.tellPolicy(ctx, "a policy is changed", &p)
	return policyAnswer(&p), nil
}

// tellPolicy logs how a policy is now, since no row tells who lifted a limit.
func (s *Server) tellPolicy(ctx context.Context, what string, p *money.Policy) {
	terms, err := json.Marshal(wire.NewPolicy(p).PolicyTerms)
	if err != nil {
		terms = []byte(err.Error())
	}
	s.log.WarnContext(ctx, what, requestKey, requestID(ctx), "policy", p.Code, "revision", p.Revision,
		"terms", string(terms))
}

// revisionsOf reads If-Match: the states that it names, none for any. What is no ETag of a policy is a state that none
// has.
func revisionsOf(header string) (revisions []int64) {
	for tag := range strings.SplitSeq(header, ",") {
		tag = strings.TrimSpace(tag)
		if tag == "*" {
			return nil
		}
		n := int64(0)
		if digits, ok := strings.CutPrefix(tag, `"`); ok && strings.HasSuffix(digits, `"`) {
			// 0 or an end of the range: no policy has it
			n, _ = strconv.ParseInt(strings.TrimSuffix(digits, `"`), 10, 64)
		}
		revisions = append(revisions, n)
	}
	return revisions
}

// policyProblem is the refusal of a route that a policy's code stands in: one that does not exist is 404 there.
func policyProblem(err error) error {
	if r, ok := errors.AsType[*money.Refusal](err); ok && r.Code == money.UnknownPolicy {
		p := refusedMovement(r)
		p.Status, p.Hint = http.StatusNotFound, "GET "+wire.Prefix+"/policies lists them"
		return p
	}
	return err
}
