package ledgers

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"bestow/app/ledger"
	"bestow/domain"
	"bestow/money"
	"bestow/money/moneyhttp/wire"
)

// Policies returns a page of the policies.
func (b ownBook) Policies(ctx context.Context, after string, limit int) ([]ledger.Policy, error) {
	page, err := b.Ledger.Policies(ctx, money.PolicyQuery{After: after, Limit: limit})
	list := make([]ledger.Policy, len(page))
	for n := range page {
		list[n] = policyOf(wire.NewPolicy(&page[n]))
	}
	return list, ownError(err)
}

// Policy returns a policy, and its revision.
func (b ownBook) Policy(ctx context.Context, code string) (ledger.Policy, string, error) {
	p, err := b.Ledger.Policy(ctx, code)
	return policyOf(wire.NewPolicy(&p)), strconv.FormatInt(p.Revision, 10), ownError(err)
}

// CreatePolicy makes a policy.
func (b ownBook) CreatePolicy(ctx context.Context, code string, t ledger.Terms) (ledger.Policy, bool, error) {
	terms := money.PolicyTerms{
		Name: t.Name, Status: money.PolicyStatus(t.Status), Validity: money.Validity(t.Validity), Days: t.Days,
		Months: t.Months, Min: t.Min, Max: t.Max, MaxHold: t.MaxHold, RegrantDays: t.RegrantDays, TypeCode: t.TypeCode,
	}
	if t.Until != "" {
		day, err := time.Parse(time.DateOnly, t.Until)
		if err != nil {
			return ledger.Policy{}, false, err
		}
		terms.Until = &day
	}
	p, replayed, err := b.Ledger.CreatePolicy(ctx, code, terms)
	return policyOf(wire.NewPolicy(&p)), replayed, ownError(err)
}

// SetPolicyStatus retires a policy or brings it back.
func (b ownBook) SetPolicyStatus(ctx context.Context, code, tag string, s ledger.Status) (ledger.Policy, error) {
	revision, err := strconv.ParseInt(tag, 10, 64)
	if err != nil {
		return ledger.Policy{}, err
	}
	p, err := b.EditPolicy(ctx, code, []int64{revision}, func(t *money.PolicyTerms) error {
		t.Status = money.PolicyStatus(s)
		return nil
	})
	return policyOf(wire.NewPolicy(&p)), ownError(err)
}

// Policies returns a page of the policies.
func (b remoteBook) Policies(ctx context.Context, after string, limit int) ([]ledger.Policy, error) {
	if err := b.expect(ctx); err != nil {
		return nil, err
	}
	page, err := b.client.Policies(ctx, "", after, limit)
	list := make([]ledger.Policy, len(page.Items))
	for n, p := range page.Items {
		list[n] = policyOf(p)
	}
	return list, remoteError(ctx, err)
}

// Policy returns a policy, and its ETag.
func (b remoteBook) Policy(ctx context.Context, code string) (ledger.Policy, string, error) {
	if err := b.expect(ctx); err != nil {
		return ledger.Policy{}, "", err
	}
	p, tag, err := b.client.Policy(ctx, code)
	return policyOf(p), tag, remoteError(ctx, err)
}

// CreatePolicy makes a policy.
func (b remoteBook) CreatePolicy(ctx context.Context, code string, t ledger.Terms) (ledger.Policy, bool, error) {
	if err := b.expect(ctx); err != nil {
		return ledger.Policy{}, false, err
	}
	p, replayed, err := b.client.CreatePolicy(ctx, fieldsOf(code, t))
	return policyOf(p), replayed, remoteError(ctx, err)
}

// SetPolicyStatus retires a policy or brings it back.
func (b remoteBook) SetPolicyStatus(ctx context.Context, code, tag string, s ledger.Status) (ledger.Policy, error) {
	if err := b.expect(ctx); err != nil {
		return ledger.Policy{}, err
	}
	p, err := b.client.EditPolicy(ctx, code, tag, map[string]any{"status": s})
	return policyOf(p), remoteError(ctx, err)
}

// policyOf returns p as operators see it.
func policyOf(p wire.Policy) ledger.Policy {
	t := ledger.Terms{
		Name: p.Name, Status: ledger.Status(p.Status), Validity: p.Validity, Days: p.Days, Months: p.Months,
		Min: p.Min, Max: p.Max, MaxHold: p.MaxHold, RegrantDays: p.RegrantDays,
	}
	if p.Until != nil {
		t.Until = *p.Until
	}
	if p.TypeCode != nil {
		t.TypeCode = *p.TypeCode
	}
	return ledger.Policy{Code: p.Code, Terms: t, CreatedAt: p.CreatedAt, UpdatedAt: p.UpdatedAt}
}

// fieldsOf returns the body that makes a policy.
func fieldsOf(code string, t ledger.Terms) map[string]any {
	fields := map[string]any{"code": code, "name": t.Name}
	for name, text := range map[string]string{
		"status": string(t.Status), "validity_kind": t.Validity, "valid_until": t.Until, "type_code": t.TypeCode,
	} {
		if text != "" {
			fields[name] = text
		}
	}
	for name, n := range map[string]*int64{"min_point": t.Min, "max_point": t.Max, "max_hold": t.MaxHold} {
		if n != nil {
			fields[name] = *n
		}
	}
	for name, n := range map[string]*int{
		"validity_days": t.Days, "valid_months": t.Months, "regrant_days": t.RegrantDays,
	} {
		if n != nil {
			fields[name] = *n
		}
	}
	return fields
}

// wrongPolicy is the refusal of a policy that cannot be.
func wrongPolicy(fields []domain.Field) error {
	return domain.InvalidError("the policy cannot be made like this", "correct what is named", fields...)
}

// wrongFields are the fields of a policy that this ledger refuses.
func wrongFields(err error) (fields []domain.Field) {
	if wrong, ok := errors.AsType[*money.PolicyError](err); ok {
		for _, f := range wrong.Fields {
			fields = append(fields, domain.Field{Name: f.Name, Message: f.Message})
		}
	}
	return fields
}

// wrongFieldsOver are the fields of a policy that a ledger refuses over HTTP.
func wrongFieldsOver(status int, all []wire.FieldError) (fields []domain.Field) {
	if status != http.StatusUnprocessableEntity {
		return nil
	}
	for _, f := range all {
		fields = append(fields, domain.Field{Name: strings.TrimPrefix(f.Location, "body."), Message: f.Message})
	}
	return fields
}
