package ledger

import (
	"context"
	"errors"
	"strings"
	"time"

	"bestow/app/command"
	"bestow/domain"

	"golang.org/x/text/unicode/norm"
)

// PolicyBook is a ledger's accrual policies.
type PolicyBook interface {
	// Policies returns at most limit policies behind the code in the order of their codes.
	Policies(ctx context.Context, after string, limit int) ([]Policy, error)
	// Policy returns a policy, and the tag of its state. Error: domain.NotFound.
	Policy(ctx context.Context, code string) (p Policy, tag string, err error)
	// CreatePolicy makes a policy; replayed reports whether there was one with the same terms. Errors: domain.Invalid,
	// domain.PolicyExists.
	CreatePolicy(ctx context.Context, code string, t Terms) (p Policy, replayed bool, err error)
	// SetPolicyStatus retires a policy or brings it back, if its state has the tag. Errors: domain.NotFound,
	// ErrPolicyChanged.
	SetPolicyStatus(ctx context.Context, code, tag string, s Status) (Policy, error)
}

// ErrPolicyChanged is the error of a change to a policy that has another state by now.
var ErrPolicyChanged = errors.New("the policy was changed meanwhile")

// Policy is an accrual policy: what a save that names it may be, and how long its points are valid.
type Policy struct {
	Code string `json:"code"`

	Terms

	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

// Terms are those of a policy. A nil bound does not bound.
type Terms struct {
	Name        string `json:"name"`
	Status      Status `json:"status,omitempty"`
	Validity    string `json:"validity_kind,omitempty"` // none, days, until or month_end
	Days        *int   `json:"validity_days,omitempty"`
	Until       string `json:"valid_until,omitempty"` // the last day, as in 2026-12-31
	Months      *int   `json:"valid_months,omitempty"`
	Min         *int64 `json:"min_point,omitempty"`
	Max         *int64 `json:"max_point,omitempty"`
	MaxHold     *int64 `json:"max_hold,omitempty"`
	RegrantDays *int   `json:"regrant_days,omitempty"`
	TypeCode    string `json:"type_code,omitempty"`
}

// Status says whether points are saved by a policy.
type Status string

// The statuses.
const (
	Active  Status = "ACTIVE"
	Retired Status = "INACTIVE" // saves that name it are refused
)

// Policies returns at most limit policies behind the code in the order of their codes. Error: domain.Unavailable.
func (l *Ledger) Policies(ctx context.Context, after string, limit int) ([]Policy, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return l.book.Policies(ctx, after, limit)
}

// Policy returns a policy. Errors: domain.NotFound, domain.Unavailable.
func (l *Ledger) Policy(ctx context.Context, code string) (Policy, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	p, _, err := l.book.Policy(ctx, code)
	return p, err
}

// NewPolicy holds what is said of a policy to be made.
type NewPolicy struct {
	Code string

	Terms

	Unread []domain.Field // what the caller could not read at all, to be reported with the rest
}

// CreatePolicy makes a policy. If there is one of the code already, nothing is changed, and the audit has no row.
// Errors: domain.Invalid, domain.PolicyExists, domain.Unavailable, and those of a key.
func (l *Ledger) CreatePolicy(ctx context.Context, by command.Caller, n NewPolicy) (command.Answer[Policy], error) {
	if answer, found, err := command.Answered[Policy](ctx, l.pool, by); found || err != nil {
		return command.Answer[Policy]{Value: answer, Replayed: true}, err
	}
	n.Name = norm.NFC.String(n.Name)
	if err := n.check(); err != nil {
		return command.Answer[Policy]{}, err
	}
	o := order{pool: l.pool, by: by, code: n.Code}
	made, err := l.createPolicy(ctx, &o, n)
	if err != nil {
		return command.Answer[Policy]{}, o.refused(ctx, err)
	}
	return o.end(ctx, made, command.Change{Action: "policy.create", After: made})
}

func (l *Ledger) createPolicy(ctx context.Context, o *order, n NewPolicy) (made Policy, err error) {
	_, _, err = l.book.Policy(ctx, n.Code) // no policy is ever deleted
	if domain.IsCode(err, domain.NotFound) {
		err = o.begin(ctx, "policy.create_begin", nil, n.Terms)
	}
	if err != nil {
		return made, err
	}
	made, _, err = l.book.CreatePolicy(ctx, n.Code, n.Terms)
	return made, err
}

// check returns domain.Invalid with what the ledger is not asked for. All else is the ledger's to refuse.
func (n NewPolicy) check() error {
	f := domain.Faults(n.Unread)
	if strings.Trim(n.Code, ".") == "" { // which the path of a policy cannot name
		f.Add("code", "must be 1 to 50 of A-Z, a-z, 0-9 and . _ -, a letter or digit first")
	}
	if _, err := time.Parse(time.DateOnly, n.Until); n.Until != "" && err != nil {
		f.Add("valid_until", "must be a day such as 2026-12-31")
	}
	return f.Refusal("the policy cannot be made like this")
}

// tries is how often a change is tried that others overtake.
const tries = 3

// SetPolicyStatus retires a policy or brings it back; was refuses a policy that is not as the caller has read it, nil
// for none. A policy that has the status already stays as it is, and the audit has no row. Errors: domain.NotFound,
// domain.Invalid, domain.Unavailable, those of a key, and that of was.
func (l *Ledger) SetPolicyStatus(ctx context.Context, by command.Caller, code string, s Status,
	was func(Policy) error,
) (command.Answer[Policy], error) {
	if answer, found, err := command.Answered[Policy](ctx, l.pool, by); found || err != nil {
		return command.Answer[Policy]{Value: answer, Replayed: true}, err
	}
	if s != Active && s != Retired {
		return command.Answer[Policy]{}, domain.InvalidError("the policy cannot be changed like this", "",
			domain.Field{Name: "status", Message: "must be ACTIVE or INACTIVE"})
	}
	o := order{pool: l.pool, by: by, code: code}
	before, after, err := l.setPolicyStatus(ctx, &o, s, was)
	if err != nil {
		return command.Answer[Policy]{}, o.refused(ctx, err)
	}
	return o.end(ctx, after, command.Change{Action: "policy.edit", Before: before, After: after})
}

func (l *Ledger) setPolicyStatus(ctx context.Context, o *order, s Status,
	was func(Policy) error,
) (before, after Policy, err error) {
	for range tries {
		now, tag, err := l.book.Policy(ctx, o.code)
		if err != nil || now.Status == s {
			return before, now, err
		}
		if was != nil {
			if err := was(now); err != nil {
				return before, after, err
			}
		}
		if !o.begun {
			before = now
		}
		if err := o.begin(ctx, "policy.edit_begin", before, map[string]any{"status": s}); err != nil {
			return before, after, err
		}
		if after, err = l.book.SetPolicyStatus(ctx, o.code, tag, s); !errors.Is(err, ErrPolicyChanged) {
			return before, after, err
		}
	}
	return before, after, domain.UnavailableError("others change the policy at this moment", "ask again")
}
