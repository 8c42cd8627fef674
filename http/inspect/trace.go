package inspect

import (
	"context"

	"bestow/app/lists"
	"bestow/app/reports"
	"bestow/domain"
	"bestow/http/api"
	"bestow/http/web"
)

// TraceIn is a request for the way of a member.
type TraceIn struct {
	web.MemberPath

	ID int64 `path:"id" minimum:"1"`
}

// TraceOut is the way of a member.
type TraceOut struct{ Body api.Trace }

// Trace answers with what happened to one member of an event.
func (h *Handlers) Trace(ctx context.Context, in *TraceIn) (*TraceOut, error) {
	t, err := h.lists.Trace(ctx, in.ID, in.Member)
	if err != nil {
		return nil, err
	}
	waiting, err := h.reports.WaitingFor(ctx, []domain.Event{t.Event})
	if err != nil {
		return nil, err
	}
	return &TraceOut{Body: wireTrace(t, waiting[in.ID])}, nil
}

func wireTrace(t lists.Trace, waiting []reports.Reason) api.Trace {
	w := api.Trace{
		EventID: t.Event.ID, CampaignID: t.Event.CampaignID, EventType: t.Event.Type.Code,
		EventStatus: string(t.Event.Status), MemberID: t.Member, Timeline: make([]api.TraceStep, len(t.Steps)),
		WaitingFor: web.Reasons(waiting),
	}
	for i, s := range t.Steps {
		w.Timeline[i] = api.TraceStep{At: s.At.UTC(), Code: s.Code, Text: s.Text}
	}
	if t.Result != nil {
		r := wireResult(*t.Result)
		w.Result = &r
	}
	if t.Absence != nil {
		w.Absent = wireAbsence(*t.Absence)
	}
	if t.Target != nil {
		addTarget(&w, *t.Target)
	}
	return w
}

func addTarget(w *api.Trace, t lists.TracedTarget) {
	w.Target = &api.TracedTarget{
		ID: t.ID, Amount: t.Amount, Reason: t.Reason, PublishStatus: t.PublishStatus, ImportID: t.ImportID,
	}
	w.Chunk = &api.TracedChunk{
		PartitionKey: t.PartitionKey, FirstID: t.FirstID, LastID: t.LastID, PublishedAt: api.UTC(t.PublishedAt),
		ClaimedAt: api.UTC(t.ClaimedAt), Attempts: t.Attempts,
	}
	if j := t.Job; j != nil {
		w.Job = &api.TracedJob{
			ID: j.ID, State: j.State, Attempt: j.Attempt, ScheduledAt: j.ScheduledAt.UTC(),
			FinalizedAt: api.UTC(j.FinalizedAt),
		}
	}
	if m := t.Claimed; m != nil {
		w.Message = &api.TracedMessage{Topic: m.Topic, Partition: m.Partition, Offset: m.Offset}
	}
}

// MembershipsIn is a request for a page of the events of a member.
type MembershipsIn struct {
	web.MemberPath

	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
	Cursor string `query:"cursor" maxLength:"100" doc:"next_cursor of the page before"`
}

// MembershipsOut is a page of the events of a member.
type MembershipsOut struct{ Body api.Memberships }

// Memberships answers with the events that have a member on their lists, the newest first.
func (h *Handlers) Memberships(ctx context.Context, in *MembershipsIn) (*MembershipsOut, error) {
	before, err := web.EventCursor.Read(in.Cursor)
	if err != nil {
		return nil, err
	}
	list, err := h.lists.Memberships(ctx, in.Member, before, in.Limit+1)
	if err != nil {
		return nil, err
	}
	list, next := web.Page(list, in.Limit, func(m lists.Membership) string { return web.EventCursor.Write(m.EventID) })
	out := &MembershipsOut{Body: api.Memberships{Items: make([]api.Membership, len(list)), NextCursor: next}}
	for i, m := range list {
		out.Body.Items[i] = api.Membership{
			EventID: m.EventID, CampaignID: m.CampaignID, Name: api.OrNull(m.Name), EventType: m.EventType,
			EventStatus: string(m.EventStatus),
			Amount:      m.Amount, PublishStatus: m.PublishStatus, Status: api.OrNull(string(m.Status)),
			ErrorCode: api.OrNull(m.ErrorCode), MoneyTxID: api.OrNull(m.MoneyTxID), UpdatedAt: api.UTC(m.UpdatedAt),
		}
	}
	return out, nil
}
