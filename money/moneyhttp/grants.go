package moneyhttp

import (
	"context"
	"net/http"
	"time"

	"bestow/money"
	"bestow/money/moneyhttp/wire"
)

type grantInput struct {
	Deadline string `header:"Bestow-Deadline" doc:"RFC 3339; as deadline in the body, of which the earlier one counts; a minute from the arrival at most"`
	Body     body[wire.Grants]
}

type grantOutput struct{ Body wire.Answers }

type lookupInput struct{ Body body[wire.Lookup] }

type lookupOutput struct{ Body wire.Findings }

func (s *Server) grantPoints(ctx context.Context, in *grantInput) (*grantOutput, error) {
	return s.grant(ctx, in, wire.GrantsPoints, s.ledger.GrantPoints)
}

func (s *Server) grantVouchers(ctx context.Context, in *grantInput) (*grantOutput, error) {
	return s.grant(ctx, in, wire.GrantsVouchers, s.ledger.GrantVouchers)
}

// grant is the road of both grant routes.
func (s *Server) grant(ctx context.Context, in *grantInput, kind string,
	ask func(context.Context, time.Time, []money.Item) ([]money.Answer, error),
) (*grantOutput, error) {
	asked, err := in.Body.read()
	if err != nil {
		return nil, err
	}
	if asked.Items == nil {
		return nil, missing("items")
	}
	deadline, ctx, cancel, err := s.deadlineOf(ctx, times{in.Deadline, asked.Deadline, asked.BudgetMS})
	if err != nil {
		return nil, err
	}
	defer cancel()
	items := make([]money.Item, len(asked.Items))
	for n := range asked.Items {
		items[n] = asked.Items[n].Money()
	}
	all, err := ask(ctx, deadline, items)
	if err != nil {
		return nil, err
	}
	s.metrics.granted(kind, all)
	return &grantOutput{wire.NewAnswers(all)}, nil
}

func (s *Server) lookupPoints(ctx context.Context, in *lookupInput) (*lookupOutput, error) {
	return s.lookup(ctx, in, s.ledger.LookupPoints)
}

func (s *Server) lookupVouchers(ctx context.Context, in *lookupInput) (*lookupOutput, error) {
	return s.lookup(ctx, in, s.ledger.LookupVouchers)
}

// lookup is the road of both lookup routes.
func (s *Server) lookup(ctx context.Context, in *lookupInput,
	find func(context.Context, []string) ([]money.Found, error),
) (*lookupOutput, error) {
	asked, err := in.Body.read()
	if err != nil {
		return nil, err
	}
	if asked.Keys == nil {
		return nil, missing("idempotency_keys")
	}
	found, err := find(ctx, asked.Keys)
	if err != nil {
		return nil, err
	}
	return &lookupOutput{wire.NewFindings(found)}, nil
}

// serveOpenAPI answers with the description of the API.
func (s *Server) serveOpenAPI(w http.ResponseWriter, r *http.Request) {
	doc, err := s.openAPI()
	if err != nil {
		s.write(w, r, s.problem(r.Context(), err))
		return
	}
	w.Header().Set("Content-Type", "application/vnd.oai.openapi+json;version=3.1")
	_, _ = w.Write(doc) // a connection that is gone is no loss
}
