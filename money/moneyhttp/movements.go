package moneyhttp

import (
	"context"
	"errors"
	"net/http"
	"time"

	"bestow/money"
	"bestow/money/moneyhttp/wire"
)

// Once holds what each request may say that changes something for one member.
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
	Body     body[wire.Save]
}

// save saves points for a member.
func (s *Server) save(ctx context.Context, in *saveInput) (*changed[wire.Moved], error) {
	asked, err := in.Body.read()
	if err != nil {
		return nil, err
	}
	return move(ctx, s, in.Once, in.MemberID,
		s.ledger.Save, money.Item{
			Key: in.Key, MemberID: in.MemberID, Amount: asked.Amount,
			Reason: asked.Reason, ExpiryAt: asked.ExpiryAt, TypeCode: asked.TypeCode, Ref: asked.Ref,
			Policy: asked.Policy,
		})
}

type useInput struct {
	Once

	MemberID string `path:"id"`
	Body     body[wire.Use]
}

// use takes points from a member's lots.
func (s *Server) use(ctx context.Context, in *useInput) (*changed[wire.Moved], error) {
	asked, err := in.Body.read()
	if err != nil {
		return nil, err
	}
	return move(ctx, s, in.Once, in.MemberID,
		s.ledger.Use, money.Spending{
			Key: in.Key, MemberID: in.MemberID, Amount: asked.Amount,
			TypeCode: asked.TypeCode, Ref: asked.Ref, Reason: asked.Reason,
		})
}

// move applies what is asked for a member within the request's deadline, and answers it with the balance after it.
func move[T any](ctx context.Context, s *Server, once Once, memberID string,
	apply func(context.Context, time.Time, T) (money.Moved, error), asked T,
) (*changed[wire.Moved], error) {
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
	return newChanged(wire.NewMoved(&m, balance), m.Replayed), nil
}

// balanceAfter reads the balance for the answer to a movement that was applied. An error here does not say that it was
// not. Of a member with more points than a number can hold it is the greatest number: the movement stands.
func (s *Server) balanceAfter(ctx context.Context, memberID string) (int64, error) {
	m, err := s.ledger.Member(ctx, memberID)
	if r, ok := errors.AsType[*money.Refusal](err); ok && r.Code == money.OutOfRange {
		return m.Balance, nil
	}
	if err != nil {
		return 0, s.brokenOff(ctx, err)
	}
	return m.Balance, nil
}

type cancelInput struct {
	Once

	MemberID string `path:"id"`
	TxID     string `path:"money_tx_id"`
	Body     body[wire.Cancel]
}

// cancelOf undoes a use or a save of a member.
func (s *Server) cancelOf(ctx context.Context, in *cancelInput) (*changed[wire.Cancelled], error) {
	asked, err := in.Body.read()
	if err != nil {
		return nil, err
	}
	return s.cancel(ctx, in.Once, in.TxID,
		wire.MemberCancel{
			MemberID: in.MemberID, Amount: asked.Amount, OnExpiredLot: asked.OnExpiredLot,
			OnUsed: asked.OnUsed, Reason: asked.Reason,
		})
}

type memberCancelInput struct {
	Once

	TxID string `path:"money_tx_id"`
	Body body[wire.MemberCancel]
}

// cancelMovement does the same where the member's id stands in the body.
func (s *Server) cancelMovement(ctx context.Context, in *memberCancelInput) (*changed[wire.Cancelled], error) {
	asked, err := in.Body.read()
	if err != nil {
		return nil, err
	}
	return s.cancel(ctx, in.Once, in.TxID, asked)
}

func (s *Server) cancel(ctx context.Context, once Once, txID string,
	asked wire.MemberCancel,
) (*changed[wire.Cancelled], error) {
	amount, err := wire.AmountOfCancel(asked.Amount)
	if err != nil {
		return nil, err
	}
	deadline, ctx, done, err := s.deadlineOf(ctx, times{header: once.Deadline})
	if err != nil {
		return nil, err
	}
	defer done()
	c, err := s.ledger.Cancel(ctx,
		deadline, money.Cancel{
			Key: once.Key, MemberID: asked.MemberID, TxID: txID, Amount: amount,
			OnExpiredLot: money.OnExpiredLot(asked.OnExpiredLot), OnUsed: money.OnUsed(asked.OnUsed),
			Reason: asked.Reason,
		})
	if err != nil {
		return nil, err
	}
	balance, err := s.balanceAfter(ctx, asked.MemberID)
	if err != nil {
		return nil, err
	}
	return newChanged(wire.NewCancelled(&c, balance), c.Replayed), nil
}
