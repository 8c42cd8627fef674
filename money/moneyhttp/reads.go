package moneyhttp

import (
	"context"
	"strconv"
	"time"

	"bestow/money"
	"bestow/money/moneyhttp/wire"
)

type memberInput struct {
	MemberID string `path:"id"`
}

// member says what a member has.
func (s *Server) member(ctx context.Context, in *memberInput) (*struct{ Body wire.Member }, error) {
	m, err := s.ledger.Member(ctx, in.MemberID)
	if err != nil {
		return nil, err
	}
	return &struct{ Body wire.Member }{wire.NewMember(&m)}, nil
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
func (s *Server) movements(ctx context.Context, in *movementsInput) (*struct{ Body wire.Movements }, error) {
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
	answer := wire.Movements{Items: make([]wire.Movement, len(page))}
	for n := range page {
		answer.Items[n] = wire.NewMovement(&page[n])
	}
	if len(page) == q.Limit {
		answer.NextCursor = page[len(page)-1].TxID
	}
	return &struct{ Body wire.Movements }{answer}, nil
}

type movementInput struct {
	MemberID string `path:"id"`
	TxID     string `path:"money_tx_id"`
}

// movement is one movement of a member with its lots.
func (s *Server) movement(ctx context.Context, in *movementInput) (*struct{ Body wire.Movement }, error) {
	m, err := s.ledger.Movement(ctx, in.MemberID, in.TxID)
	if err != nil {
		return nil, err
	}
	return &struct{ Body wire.Movement }{wire.NewMovement(&m)}, nil
}

type lotsInput struct {
	MemberID string `path:"id"`
	Cursor   string `query:"cursor" doc:"next_cursor of the page before"`
	Limit    string `query:"limit" doc:"1 to 1000; default 100"`
}

// lots is a page of a member's lots.
func (s *Server) lots(ctx context.Context, in *lotsInput) (*struct{ Body wire.Lots }, error) {
	limit, err := limitOf(in.Limit)
	if err != nil {
		return nil, err
	}
	page, err := s.ledger.LotsOf(ctx, money.LotsQuery{MemberID: in.MemberID, Before: in.Cursor, Limit: limit})
	if err != nil {
		return nil, err
	}
	answer := wire.Lots{Items: make([]wire.Lot, len(page))}
	for n := range page {
		answer.Items[n] = wire.NewLot(&page[n])
	}
	if len(page) == limit {
		answer.NextCursor = page[limit-1].SaveID
	}
	return &struct{ Body wire.Lots }{answer}, nil
}

// lot is the lot of one save with what was drawn from it.
func (s *Server) lot(ctx context.Context, in *movementInput) (*struct{ Body wire.Lot }, error) {
	l, err := s.ledger.Lot(ctx, in.MemberID, in.TxID)
	if err != nil {
		return nil, err
	}
	return &struct{ Body wire.Lot }{wire.NewLot(&l)}, nil
}

type vouchersInput struct {
	MemberID string `path:"id"`
	Cursor   string `query:"cursor" doc:"next_cursor of the page before"`
	Limit    string `query:"limit" doc:"1 to 1000; default 100"`
}

// vouchers is a page of a member's vouchers.
func (s *Server) vouchers(ctx context.Context, in *vouchersInput) (*struct{ Body wire.Vouchers }, error) {
	limit, err := limitOf(in.Limit)
	if err != nil {
		return nil, err
	}
	page, err := s.ledger.Vouchers(ctx, money.VouchersQuery{MemberID: in.MemberID, Before: in.Cursor, Limit: limit})
	if err != nil {
		return nil, err
	}
	answer := wire.Vouchers{Items: make([]wire.IssuedVoucher, len(page))}
	for n := range page {
		answer.Items[n] = wire.NewIssuedVoucher(&page[n])
	}
	if len(page) == limit {
		answer.NextCursor = page[len(page)-1].TxID
	}
	return &struct{ Body wire.Vouchers }{answer}, nil
}

type forecastInput struct {
	Days string `query:"days" doc:"for how many days days has an entry, today among them: 0 to 62; default 62"`
}

// forecast says what will expire.
func (s *Server) forecast(ctx context.Context, in *forecastInput) (*struct{ Body wire.Forecast }, error) {
	days := money.ForecastDays
	if in.Days != "" {
		var err error
		if days, err = strconv.Atoi(in.Days); err != nil || days < 0 || days > money.ForecastDays {
			return nil, unusable(wire.CodeBadRequest, "the parameter days cannot be used",
				wire.FieldError{
					Location: "query.days",
					Message:  "must be a number from 0 to " + strconv.Itoa(money.ForecastDays),
				})
		}
	}
	f, err := s.ledger.Forecast(ctx, days)
	if err != nil {
		return nil, err
	}
	return &struct{ Body wire.Forecast }{wire.NewForecast(&f)}, nil
}

// totals says what became of all that was saved.
func (s *Server) totals(ctx context.Context, _ *struct{}) (*struct{ Body wire.Totals }, error) {
	t, err := s.ledger.Totals(ctx)
	if err != nil {
		return nil, err
	}
	return &struct{ Body wire.Totals }{wire.NewTotals(&t)}, nil
}

// limitOf reads the length of a page.
func limitOf(value string) (int, error) {
	if value == "" {
		return wire.DefaultPage, nil
	}
	limit, err := strconv.Atoi(value)
	if err != nil || limit < 1 || limit > money.MaxPage {
		return 0, unusable(wire.CodeBadRequest, "the parameter limit cannot be used",
			wire.FieldError{
				Location: "query.limit",
				Message:  "must be a number from 1 to " + strconv.Itoa(money.MaxPage),
			})
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
		return nil, unusable(wire.CodeBadRequest, "the parameter "+name+" cannot be used",
			wire.FieldError{
				Location: "query." + name,
				Message:  "must be a time with its zone, as in 2026-12-31T23:59:59%2B09:00",
			})
	}
	return &at, nil
}
