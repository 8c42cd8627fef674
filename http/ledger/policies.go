package ledger

import (
	"context"

	"bestow/app/command"
	"bestow/app/ledger"
	"bestow/http/api"
	"bestow/http/web"

	"github.com/danielgtaylor/huma/v2"
)

// DescribePolicies describes the route of Policies.
func (*Handlers) DescribePolicies(o *huma.Operation) { o.Description = away }

// PoliciesIn is a request for a page of the policies.
type PoliciesIn struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"999" default:"100"`
	Cursor string `query:"cursor" maxLength:"100" doc:"next_cursor of the page before"`
}

// PoliciesOut is a page of the policies.
type PoliciesOut struct{ Body api.Policies }

// Policies answers with the policies, in the order of their codes.
func (h *Handlers) Policies(ctx context.Context, in *PoliciesIn) (*PoliciesOut, error) {
	after, err := web.PolicyCursor.ReadText(in.Cursor)
	if err != nil {
		return nil, err
	}
	list, err := h.ledger.Policies(ctx, after, in.Limit+1)
	if err != nil {
		return nil, err
	}
	list, next := web.Page(list, in.Limit, func(p ledger.Policy) string { return web.PolicyCursor.WriteText(p.Code) })
	out := &PoliciesOut{api.Policies{Items: make([]api.Policy, len(list)), NextCursor: next}}
	for n, p := range list {
		out.Body.Items[n] = wirePolicy(p)
	}
	return out, nil
}

// PolicyIn is a request for one policy.
type PolicyIn struct {
	Code string `path:"code" example:"review"`
}

// PolicyOut is an answer with one policy.
type PolicyOut struct {
	ETag     string `header:"ETag" doc:"of this state of the policy, for If-Match"`
	Replayed string `header:"Idempotency-Replayed" doc:"true: the answer is the stored one of this Idempotency-Key"`
	Body     api.Policy
}

// Policy answers with a policy.
func (h *Handlers) Policy(ctx context.Context, in *PolicyIn) (*PolicyOut, error) {
	p, err := h.ledger.Policy(ctx, in.Code)
	if err != nil {
		return nil, err
	}
	return policyOut(command.Answer[ledger.Policy]{Value: p}), nil
}

// DescribeCreatePolicy describes the route of CreatePolicy.
func (*Handlers) DescribeCreatePolicy(o *huma.Operation) {
	o.Description = "A policy is never deleted, but it can be retired. A request of which no answer came may be sent " +
		"again: with the same terms nothing is made twice, and with other terms it is 409, `policy_exists`. " + away
}

// CreatePolicyIn is a request to make a policy.
type CreatePolicyIn struct {
	web.Idempotent

	Body web.Body[api.NewPolicy]
}

// CreatePolicy makes a policy. It also logs who did: its terms hold for all saves that name it.
func (h *Handlers) CreatePolicy(ctx context.Context, in *CreatePolicyIn) (*PolicyOut, error) {
	asked, unread, err := in.Body.Read()
	if err != nil {
		return nil, err
	}
	made, err := h.ledger.CreatePolicy(ctx, in.Caller(ctx, in.Body.Canonical()),
		ledger.NewPolicy{Code: asked.Code, Terms: termsOf(asked.PolicyTerms), Unread: unread})
	if err != nil {
		return nil, err
	}
	h.tell(ctx, "an accrual policy is made", made)
	return policyOut(made), nil
}

// DescribePatchPolicy describes the route of PatchPolicy.
func (h *Handlers) DescribePatchPolicy(o *huma.Operation) {
	o.Description = "What is saved by the policy stays as it is. Of a policy that has the status already nothing " +
		"changes, whatever If-Match says. " + away
	o.RequestBody = web.MergePatchOf[api.PolicyPatch](h.api, "PolicyPatch")
}

// PatchPolicyIn is a request to retire a policy, or to bring it back.
type PatchPolicyIn struct {
	web.Idempotent

	Code    string `path:"code" example:"review"`
	IfMatch string `header:"If-Match" doc:"only if the policy is still as it was read"`
	Body    web.Body[api.PolicyPatch]
}

// PatchPolicy retires a policy, or brings it back.
func (h *Handlers) PatchPolicy(ctx context.Context, in *PatchPolicyIn) (*PolicyOut, error) {
	asked, err := in.Body.Whole()
	if err != nil {
		return nil, err
	}
	changed, err := h.ledger.SetPolicyStatus(ctx, in.Caller(ctx, in.Body.Canonical()), in.Code,
		ledger.Status(asked.Status), func(p ledger.Policy) error {
			return web.Match(in.IfMatch, web.Tag(wirePolicy(p)), "the policy")
		})
	if err != nil {
		return nil, err
	}
	h.tell(ctx, "an accrual policy is changed", changed)
	return policyOut(changed), nil
}

func (h *Handlers) tell(ctx context.Context, what string, p command.Answer[ledger.Policy]) {
	if !p.Replayed {
		h.log.WarnContext(ctx, what, "policy", p.Value.Code, "by", web.Actor(ctx), "status", string(p.Value.Status))
	}
}

func policyOut(p command.Answer[ledger.Policy]) *PolicyOut {
	body := wirePolicy(p.Value)
	return &PolicyOut{ETag: web.Tag(body), Replayed: web.Replayed(p.Replayed), Body: body}
}

// wirePolicy returns p as it is sent.
func wirePolicy(p ledger.Policy) api.Policy {
	return api.Policy{
		Code: p.Code, CreatedAt: p.CreatedAt.UTC(), UpdatedAt: p.UpdatedAt.UTC(),
		PolicyTerms: api.PolicyTerms{
			Name: p.Name, Status: string(p.Status), Validity: p.Validity, Days: p.Days, Until: api.OrNull(p.Until),
			Months: p.Months, Min: p.Min, Max: p.Max, MaxHold: p.MaxHold, RegrantDays: p.RegrantDays,
			TypeCode: api.OrNull(p.TypeCode),
		},
	}
}

func termsOf(t api.PolicyTerms) ledger.Terms {
	terms := ledger.Terms{
		Name: t.Name, Status: ledger.Status(t.Status), Validity: t.Validity, Days: t.Days, Months: t.Months,
		Min: t.Min, Max: t.Max, MaxHold: t.MaxHold, RegrantDays: t.RegrantDays,
	}
	if t.Until != nil {
		terms.Until = *t.Until
	}
	if t.TypeCode != nil {
		terms.TypeCode = *t.TypeCode
	}
	return terms
}
