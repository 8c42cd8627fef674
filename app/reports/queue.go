package reports

import (
	"context"
	"fmt"
	"slices"
	"time"

	"bestow/app/eventrow"
	"bestow/domain"
	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
)

// Queue holds what runs in lanes and what will, by the database's clock. Lanes stand in the order of their second;
// different lanes run side by side, the events of one after another.
type Queue struct {
	At    time.Time
	Lanes []Lane
}

// Lane is all RUNNING and PENDING events that are reserved for one second: what runs, then the others in their order.
type Lane struct {
	ReservationAt time.Time
	Due           bool
	Events        []Queued // at least one
}

// Queued is an event in its lane.
type Queued struct {
	Event domain.Event
	// WaitsFor says what keeps a PENDING event that is not the lane's next from starting, or would if its time had
	// come: LaneBusy, Missed, or a code of [obstacle.Rules.Refuse], which a start would get too. "" for what runs or is
	// next.
	WaitsFor domain.Code
	// ExpectedStart is when a PENDING event will start: now or its reserved time for the next one of a free lane, and
	// what the rate of the lane's runner promises for those behind it. nil if it is not known: it stands still, or
	// depends on an event that does.
	ExpectedStart *time.Time
	RatePerS      float64  // of what runs: settled a second; 0 for none
	ETAS          int64    // of what runs: seconds to go at that rate; 0 if it is not known
	WaitingFor    []Reason // what it stands still for
}

// Queue reads the lanes with something in them that runs or waits. Its order is StartDue's.
func (s *Reports) Queue(ctx context.Context) (Queue, error) {
	return pg.ValueWithin(ctx, s.pool, pg.ReadWait, func(tx pgx.Tx) (q Queue, err error) {
		if q.At, err = pg.Now(ctx, tx); err != nil {
			return q, err
		}
		events, err := selectReserved(ctx, tx)
		if err != nil {
			return q, err
		}
		look, err := s.readLook(ctx, tx, events)
		if err != nil {
			return q, err
		}
		for _, e := range events {
			queued := Queued{Event: e, WaitsFor: s.waitsFor(look, e), WaitingFor: s.reasons(look, e)}
			if err := queued.readRate(ctx, tx); err != nil {
				return q, err
			}
			q.add(queued)
		}
		for i := range q.Lanes {
			q.Lanes[i].forecast(q.At)
		}
		return q, nil
	})
}

// waitsFor returns the code of what keeps a PENDING event from starting, apart from its lane: StartDue passes it over.
func (s *Reports) waitsFor(l look, e domain.Event) domain.Code {
	if e.Status != domain.Pending {
		return ""
	}
	if e.Missed {
		return domain.Missed
	}
	if refused := s.refusal(l, e); len(refused) > 0 {
		return refused[0].Code
	}
	return ""
}

func (q *Queued) readRate(ctx context.Context, tx pgx.Tx) error {
	if q.Event.Status != domain.Running {
		return nil
	}
	p := Progress{Event: q.Event, WaitingFor: q.WaitingFor}
	rate, err := readChunks(ctx, tx, &p)
	if err != nil {
		return err
	}
	p.forecast(rate)
	q.RatePerS, q.ETAS = p.RatePerS, p.ETAS
	return nil
}

// add puts an event behind those that were added before, and what runs before them.
func (q *Queue) add(e Queued) {
	at := *e.Event.ReservationAt
	if n := len(q.Lanes); n == 0 || !q.Lanes[n-1].ReservationAt.Equal(at) {
		q.Lanes = append(q.Lanes, Lane{ReservationAt: at, Due: !at.After(q.At)})
	}
	lane := &q.Lanes[len(q.Lanes)-1]
	if e.Event.Status == domain.Running {
		lane.Events = slices.Insert(lane.Events, 0, e)
		return
	}
	lane.Events = append(lane.Events, e)
}

// Runner is the lane's event that runs, nil while it is free.
func (l *Lane) Runner() *domain.Event {
	if l.Events[0].Event.Status == domain.Running {
		return &l.Events[0].Event
	}
	return nil
}

// forecast says when each event of the lane will start, and who waits for the lane.
func (l *Lane) forecast(now time.Time) {
	next, rate := l.free(now)
	first := l.Runner() == nil
	for i := range l.Events {
		e := &l.Events[i]
		if e.Event.Status != domain.Pending || e.WaitsFor != "" {
			continue
		}
		if !first {
			e.WaitsFor = domain.LaneBusy
			e.WaitingFor = addOnce(e.WaitingFor, laneBusyReason(0))
		}
		first = false
		if slices.ContainsFunc(e.WaitingFor, Reason.wrong) {
			next = nil
		}
		e.ExpectedStart = next
		next = after(next, e.Event.TotalCount, rate)
	}
}

// free is when the lane takes its next event, and the rate at which its events are worked; nil and 0 where that is
// unknown.
func (l *Lane) free(now time.Time) (at *time.Time, rate float64) {
	runner := l.Runner()
	if runner == nil {
		return later(&now, l.ReservationAt), 0
	}
	if len(l.Events[0].WaitingFor) > 0 {
		return nil, 0
	}
	rate = l.Events[0].RatePerS
	left := runner.Unsettled()
	return later(after(&now, left, rate), l.ReservationAt), rate // it may have been started by hand, before its time
}

// later is the later of two moments, nil where a is unknown.
func later(a *time.Time, b time.Time) *time.Time {
	if a == nil || !a.Before(b) {
		return a
	}
	return &b
}

// unforeseeable says how many seconds ahead nothing is foretold.
const unforeseeable = 10 * 365 * 24 * 3600

// after is when n targets are settled that are begun at a moment; nil where the moment or the rate is unknown.
func after(begun *time.Time, n int, rate float64) *time.Time {
	seconds := float64(max(n, 0)) / rate
	if begun == nil || rate <= 0 || seconds > unforeseeable {
		return nil
	}
	end := begun.Add(time.Duration(seconds * float64(time.Second)))
	return &end
}

// selectReserved reads the events that run or wait in a lane: in the order of their turns.
func selectReserved(ctx context.Context, tx pgx.Tx) ([]domain.Event, error) {
	const where = ` WHERE e.reservation_at IS NOT NULL AND e.event_status IN ('PENDING', 'RUNNING') ORDER BY ` +
		eventrow.Turn
	rows, err := tx.Query(ctx, `SELECT `+eventrow.Columns+` FROM `+eventrow.Tables+where)
	if err != nil {
		return nil, fmt.Errorf("read lanes: %w", err)
	}
	events, err := pgx.CollectRows(rows, eventrow.Scan)
	if err != nil {
		return nil, fmt.Errorf("read lanes: %w", err)
	}
	return events, nil
}
