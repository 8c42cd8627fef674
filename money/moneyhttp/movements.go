package moneyhttp

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"bestow/money"
)

// Once is what each request may say that changes something for one member.
type Once struct {
	Key      string `header:"Idempotency-Key" doc:"needed: 1 to 200 characters; for ever of this movement"`
	Deadline string `header:"Bestow-Deadline" doc:"RFC 3339: nothing is applied after it; default: 10 s from now, at most: a minute"`
}

// changed is the answer to a movement: 201, or 200 where it was applied before.
type changed[T any] struct {
	Status   int
	Replayed string `header:"Idempotency-Replayed" doc:"true where the key was applied before"`
	Body     T
}

func newChanged[T any](body T, replayed bool) *changed[T] {
	if replayed {
		return &changed[T]{http.StatusOK, "true", body}
	}
	return &changed[T]{http.StatusCreated, "", body}
}

type saveInput struct {
	Once

	MemberID string `path:"id"`
	Body     body[save]
}

// save saves points for a member.
func (s *Server) save(ctx context.Context, in *saveInput) (*changed[Moved], error) {
	asked, err := in.Body.read()
	if err != nil {
		return nil, err
	}
	return move(ctx, s, in.Once, in.MemberID, s.ledger.Save, money.Item{Key: in.Key, MemberID: in.MemberID, Amount: asked.Amount,
		Reason: asked.Reason, ExpiryAt: asked.ExpiryAt, TypeCode: asked.TypeCode, Ref: asked.Ref, Policy: asked.Policy})
}

type useInput struct {
	Once

	MemberID string `path:"id"`
	Body     body[use]
}

// use takes points from a member's lots.
func (s *Server) use(ctx context.Context, in *useInput) (*changed[Moved], error) {
	asked, err := in.Body.read()
	if err != nil {
		return nil, err
	}
	return move(ctx, s, in.Once, in.MemberID, s.ledger.Use, money.Spending{Key: in.Key, MemberID: in.MemberID, Amount: asked.Amount,
		TypeCode: asked.TypeCode, Ref: asked.Ref, Reason: asked.Reason})
}

// move applies what is asked for a member within the request's deadline, and answers it with the balance after it.
func move[T any](ctx context.Context, s *Server, once Once, memberID string,
	apply func(context.Context, time.Time, T) (money.Moved, error), asked T) (*changed[Moved], error) {
	deadline, ctx, done, err := s.deadlineOf(ctx, times{header: once.Deadline})
	if err != nil {
		return nil, err
	}
	defer done()
	m, err := apply(ctx, deadline, asked)
	if err != nil {
		return nil, err
	}
	balance, err := s.balanceAfter(ctx, memberID)
	if err != nil {
		return nil, err
	}
	return newChanged(Moved{m.TxID, balance, wireParts(m.Lots)}, m.Replayed), nil
}

// balanceAfter reads the balance for the answer to a movement that was applied. Whatever fails here does not say that it was
// not.
func (s *Server) balanceAfter(ctx context.Context, memberID string) (int64, error) {
	m, err := s.ledger.Member(ctx, memberID)
	if err != nil {
		return 0, s.brokenOff(ctx, err)
	}
	return m.Balance, nil
}

type cancelInput struct {
	Once

	MemberID string `path:"id"`
	TxID     string `path:"money_tx_id"`
	Body     body[cancel]
}

// cancelOf undoes a use or a save of a member.
func (s *Server) cancelOf(ctx context.Context, in *cancelInput) (*changed[Cancelled], error) {
	asked, err := in.Body.read()
	if err != nil {
		return nil, err
	}
	return s.cancel(ctx, in.Once, in.TxID, memberCancel{in.MemberID, asked.Amount, asked.OnExpiredLot, asked.OnUsed, asked.Reason})
}

type memberCancelInput struct {
	Once

	TxID string `path:"money_tx_id"`
	Body body[memberCancel]
}

// cancelMovement does the same where the member's id stands in the body.
func (s *Server) cancelMovement(ctx context.Context, in *memberCancelInput) (*changed[Cancelled], error) {
	asked, err := in.Body.read()
	if err != nil {
		return nil, err
	}
	return s.cancel(ctx, in.Once, in.TxID, asked)
}

func (s *Server) cancel(ctx context.Context, once Once, txID string, asked memberCancel) (*changed[Cancelled], error) {
	amount, err := amountOf(asked.Amount)
	if err != nil {
		return nil, err
	}
	deadline, ctx, done, err := s.deadlineOf(ctx, times{header: once.Deadline})
	if err != nil {
		return nil, err
	}
	defer done()
	c, err := s.ledger.Cancel(ctx, deadline, money.Cancel{Key: once.Key, MemberID: asked.MemberID, TxID: txID, Amount: amount,
		OnExpiredLot: money.OnExpiredLot(asked.OnExpiredLot), OnUsed: money.OnUsed(asked.OnUsed), Reason: asked.Reason})
	if err != nil {
		return nil, err
	}
	balance, err := s.balanceAfter(ctx, asked.MemberID)
	if err != nil {
		return nil, err
	}
	return newChanged(Cancelled{c.TxID, c.Cancelled, c.Expired, c.Uncollected, balance, wireParts(c.Lots)}, c.Replayed), nil
}

// amountOf is the amount of a cancel, 0 for all; an amount that is given is not 0.
func amountOf(given *int64) (int64, error) {
	switch {
	case given == nil:
		return 0, nil
	case *given <= 0:
		return 0, &money.Refusal{Code: money.BadAmount, Message: "the amount is not positive: leave it out to cancel all"}
	}
	return *given, nil
}

type memberInput struct {
	MemberID string `path:"id"`
}

// member says what a member has.
func (s *Server) member(ctx context.Context, in *memberInput) (*struct{ Body Member }, error) {
	m, err := s.ledger.Member(ctx, in.MemberID)
	if err != nil {
		return nil, err
	}
	wire := Member{m.MemberID, m.Balance, m.Owed, []Expiring{}}
	for _, e := range m.Expiring {
		wire.Expiring = append(wire.Expiring, Expiring{e.ExpiryAt.UTC(), e.Amount})
	}
	return &struct{ Body Member }{wire}, nil
}

type movementsInput struct {
	MemberID string `path:"id"`
	Cursor   string `query:"cursor" doc:"next_cursor of the page before"`
	From     string `query:"from" doc:"RFC 3339: created then or later"`
	To       string `query:"to" doc:"RFC 3339: created before"`
	Kind     string `query:"kind" doc:"save, use, use_cancel, save_cancel or expire"`
	Limit    string `query:"limit" doc:"1 to 1000; default 100"`
}

// movements is a page of a member's history.
func (s *Server) movements(ctx context.Context, in *movementsInput) (*struct{ Body Movements }, error) {
	q := money.HistoryQuery{MemberID: in.MemberID, Before: in.Cursor, Kind: money.MovementKind(in.Kind)}
	var err error
	if q.From, err = timeOf("from", in.From); err != nil {
		return nil, err
	}
	if q.To, err = timeOf("to", in.To); err != nil {
		return nil, err
	}
	if q.Limit, err = limitOf(in.Limit); err != nil {
		return nil, err
	}
	page, err := s.ledger.Movements(ctx, q)
	if err != nil {
		return nil, err
	}
	wire := Movements{Items: make([]Movement, len(page))}
	for n := range page {
		wire.Items[n] = wireMovement(&page[n])
	}
	if len(page) == q.Limit {
		wire.NextCursor = page[len(page)-1].TxID
	}
	return &struct{ Body Movements }{wire}, nil
}

type movementInput struct {
	MemberID string `path:"id"`
	TxID     string `path:"money_tx_id"`
}

// movement is one movement of a member with its lots.
func (s *Server) movement(ctx context.Context, in *movementInput) (*struct{ Body Movement }, error) {
	m, err := s.ledger.Movement(ctx, in.MemberID, in.TxID)
	if err != nil {
		return nil, err
	}
	return &struct{ Body Movement }{wireMovement(&m)}, nil
}

// defaultPage is how many movements a page has where the request does not say.
const defaultPage = 100

// limitOf reads the length of a page.
func limitOf(value string) (int, error) {
	if value == "" {
		return defaultPage, nil
	}
	limit, err := strconv.Atoi(value)
	if err != nil || limit < 1 || limit > money.MaxPage {
		return 0, unusable(codeBadRequest, "the parameter limit cannot be used",
			FieldError{"query.limit", "must be a number from 1 to " + strconv.Itoa(money.MaxPage)})
	}
	return limit, nil
}

// timeOf reads a parameter that is a time; nil where it is absent.
func timeOf(name, value string) (*time.Time, error) {
	if value == "" {
		return nil, nil //nolint:nilnil // nil is "no bound"
	}
	at, err := time.Parse(time.RFC3339, value)
	if err != nil {
		return nil, unusable(codeBadRequest, "the parameter "+name+" cannot be used",
			FieldError{"query." + name, "must be a time with its zone, as in 2026-12-31T23:59:59%2B09:00"})
	}
	return &at, nil
}
