package lists

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"bestow/app/eventrow"
	"bestow/app/memberlist"
	"bestow/domain"
	"bestow/internal/english"
	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
)

// Trace says how one member of an event got, or did not get, what the list says.
type Trace struct {
	Event   domain.Event
	Member  string        // as the list has it, or as it was asked for
	Target  *TracedTarget // nil: no list of the event has the member
	Result  *Result       // nil: the ledger was not asked for it yet
	Absence *Absence      // why there is no target or no result
	Steps   []Step        // in the order of their times, what causes before what it causes
}

// TracedTarget is the member's row of the list, and the chunk that carries it.
type TracedTarget struct {
	ID            int64
	Amount        int64
	Reason        *string // nil: the event's default
	PublishStatus string
	PartitionKey  int
	FirstID       int64 // of the chunk's targets
	LastID        int64
	ImportID      int64
	ImportedBy    string
	ImportedAt    time.Time
	PublishedAt   *time.Time // the last time that Kafka acknowledged the chunk
	ClaimedAt     *time.Time // the first time that a handler took it
	Attempts      int        // claims in a row that did not come back
	Claimed       *TracedMessage
	Job           *TracedJob // the last relay job; nil: River has deleted it
}

// TracedMessage is where the message stands that was claimed last.
type TracedMessage struct {
	Topic     string
	Partition int32
	Offset    int64
}

// TracedJob is a relay job as River has it.
type TracedJob struct {
	ID          int64
	State       string
	Attempt     int
	ScheduledAt time.Time
	FinalizedAt *time.Time
}

// Step is one thing that happened on the way.
type Step struct {
	At   time.Time
	Code string // imported, started, stopped, …
	Text string // for people
	Note string // of a person's move: who made it, and why
}

// Trace returns the way of one member of an event. Error: domain.NotFound for the event.
func (s *Lists) Trace(ctx context.Context, eventID int64, member string) (Trace, error) {
	t, err := pg.Value(ctx, s.pool, func(tx pgx.Tx) (Trace, error) { return s.trace(ctx, tx, eventID, member) })
	if err != nil || t.Result != nil {
		return t, err
	}
	absence, err := s.WhyAbsent(ctx, eventID, member)
	t.Absence = &absence
	return t, err
}

func (s *Lists) trace(ctx context.Context, tx pgx.Tx, eventID int64, member string) (t Trace, err error) {
	if t.Event, err = eventrow.Select(ctx, tx, eventID); err != nil {
		return t, err
	}
	spellings := memberlist.Spellings(member)
	t.Member = spellings[0]
	if t.Target, err = selectTraced(ctx, tx, t.Event, spellings); err != nil {
		return t, err
	}
	if t.Target != nil {
		if t.Target.Job, err = selectJobOf(ctx, tx, t.Event.ID, *t.Target); err != nil {
			return t, err
		}
	}
	f := ResultFilter{MemberID: member, Limit: 1}
	results, err := selectResults(ctx, tx, t.Event, f)
	if err != nil {
		return t, err
	}
	if len(results) > 0 {
		t.Result, t.Member = &results[0], results[0].MemberID
	}
	moves, err := selectMoves(ctx, tx, eventID)
	if err != nil {
		return t, err
	}
	t.Steps = slices.Concat(moves, t.Target.steps(), t.Result.steps(), summarySteps(t.Event))
	slices.SortStableFunc(t.Steps, t.Target.before)
	return t, nil
}

// steps returns what happened to the target.
func (t *TracedTarget) steps() (steps []Step) {
	if t == nil {
		return nil
	}
	add := func(at *time.Time, code, text string) {
		if at != nil {
			steps = append(steps, Step{At: *at, Code: code, Text: text})
		}
	}
	add(&t.ImportedAt, "imported", fmt.Sprintf("import %d by %s put the member on the list with %s", t.ImportID,
		t.ImportedBy, english.Number(t.Amount)))
	published := "Kafka has the message with the member, sent by a relay job"
	if t.publishedAgain() {
		published = "Kafka has the message again, sent by a relay job; when it had the first one is not kept"
	}
	add(t.PublishedAt, "published", published)
	add(t.ClaimedAt, "claimed", "a handler took the message")
	return steps
}

// markLag is the time by which the mark of a relay job may come after the claim of the message that it has published:
// Kafka delivers a message as soon as it has it.
const markLag = time.Second

// publishedAgain reports whether the message that Kafka acknowledged last is another than the one that was taken first.
func (t *TracedTarget) publishedAgain() bool {
	return t.PublishedAt != nil && t.ClaimedAt != nil && t.PublishedAt.Sub(*t.ClaimedAt) > markLag
}

// before compares two steps by their times, and puts the publication before the claim of the same message.
func (t *TracedTarget) before(a, b Step) int {
	at := func(s Step) time.Time {
		if s.Code == "published" && t != nil && t.ClaimedAt != nil && !t.publishedAgain() && s.At.After(*t.ClaimedAt) {
			return *t.ClaimedAt // the step comes first in the list, and the sort is stable
		}
		return s.At
	}
	return at(a).Compare(at(b))
}

// steps returns what the ledger answered.
func (r *Result) steps() []Step {
	if r == nil {
		return nil
	}
	step := func(code, text string) []Step { return []Step{{At: r.UpdatedAt, Code: code, Text: text}} }
	said := "; " + cmp.Or(r.ErrorCode, "no error") + " " + r.ErrorMessage
	refused := english.Count(r.RetryCount, "time")
	switch r.Status {
	case domain.Succeeded:
		text := "the ledger granted it: entry " + r.MoneyTxID
		if r.RetryCount > 0 {
			text += ", after it had refused " + refused
		}
		return step("granted", text)
	case domain.Refused:
		return step("refused", "the ledger refused it for now, "+refused+said+"; it is tried again")
	case domain.GivenUp:
		return step("given_up", "it was given up after "+english.Count(r.RetryCount, "refusal")+said)
	case domain.ResultPending, domain.ResultNone:
	}
	return step("asked", "the ledger was asked, and its answer is not known yet; the same key is asked again")
}

// summarySteps returns what happened to the event without a person.
func summarySteps(e domain.Event) (steps []Step) {
	if at := e.Summary.CompletedAt; at != nil {
		steps = append(steps, Step{At: *at, Code: "completed", Text: "every member of the event has a final result"})
	}
	if at := e.Summary.StoppedAt; at != nil && e.Status == domain.Failed {
		steps = append(steps, Step{At: *at, Code: "failed", Text: "the service stopped the event: " + e.Summary.StoppedMemo})
	}
	return steps
}

// Membership is one event that has a member on its list.
type Membership struct {
	EventID       int64
	CampaignID    string
	Name          string // of the event; "" for none
	EventType     string
	EventStatus   domain.Status
	Amount        int64
	PublishStatus string
	Status        domain.ResultStatus // ResultNone: the ledger was not asked for it yet
	ErrorCode     string
	MoneyTxID     string
	UpdatedAt     *time.Time // of the result
}

// Known returns which of the members the list of an event has, or of any event for 0, each as it is asked for. It looks
// for all at once.
func (s *Lists) Known(ctx context.Context, eventID int64, members []string) ([]string, error) {
	var spellings []string
	for _, member := range members {
		spellings = append(spellings, memberlist.Spellings(member)...)
	}
	found, err := pg.Value(ctx, s.pool, func(tx pgx.Tx) (found []string, err error) {
		types, err := typesOf(ctx, tx, eventID)
		for i := 0; i < len(types) && err == nil; i++ {
			var some []string
			some, err = selectKnown(ctx, tx, types[i], eventID, spellings)
			found = append(found, some...)
		}
		return found, err
	})
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(members), func(member string) bool {
		return !slices.ContainsFunc(memberlist.Spellings(member), func(s string) bool { return slices.Contains(found, s) })
	}), nil
}

// typesOf returns the type of an event, or all types for 0. Error: domain.NotFound.
func typesOf(ctx context.Context, tx pgx.Tx, eventID int64) ([]domain.EventType, error) {
	if eventID == 0 {
		return eventrow.ListTypes(ctx, tx)
	}
	e, err := eventrow.Select(ctx, tx, eventID)
	return []domain.EventType{e.Type}, err
}

// Memberships returns the events that have the member on their lists, newest first: at most limit of those with an id
// below before, or of all for 0.
func (s *Lists) Memberships(ctx context.Context, member string, before int64, limit int) ([]Membership, error) {
	return pg.Value(ctx, s.pool, func(tx pgx.Tx) (all []Membership, err error) {
		types, err := eventrow.ListTypes(ctx, tx)
		if err != nil {
			return nil, err
		}
		for _, y := range types {
			some, err := selectMemberships(ctx, tx, y, memberlist.Spellings(member), before, limit)
			if err != nil {
				return nil, err
			}
			all = append(all, some...)
		}
		slices.SortFunc(all, func(a, b Membership) int { return cmp.Compare(b.EventID, a.EventID) })
		return all[:min(limit, len(all))], nil
	})
}
