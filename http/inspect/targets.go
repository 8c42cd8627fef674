package inspect

import (
	"context"
	"strconv"

	"bestow/app/lists"
	"bestow/http/api"
	"bestow/http/web"

	"github.com/danielgtaylor/huma/v2"
)

// DescribeTargets describes the route of Targets.
func (h *Handlers) DescribeTargets(o *huma.Operation) {
	listOf(o, web.Schema[api.Targets](h.api, "Targets"))
}

// TargetsIn is a request for a page of targets, or for all of them.
type TargetsIn struct {
	web.Export

	ID            int64  `path:"id" minimum:"1"`
	PublishStatus string `query:"publish_status" enum:"PENDING,PUBLISHED" doc:"in any letter case"`
	MemberID      string `query:"member_id" maxLength:"300" doc:"as a list may spell it: blanks around it and the form of its letters do not count"`
	Limit         int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
	Cursor        string `query:"cursor" maxLength:"500" doc:"next_cursor of the page before"`
}

// Targets answers with a page of an event's list, or with all of it, in the order of the members.
func (h *Handlers) Targets(ctx context.Context, in *TargetsIn) (*web.Download, error) {
	if err := web.CheckText("member_id", in.MemberID); err != nil {
		return nil, err
	}
	sight := h.sightOf(ctx)
	after, err := sight.after(ctx, web.TargetCursor, in.Cursor)
	if err != nil {
		return nil, err
	}
	f := lists.TargetFilter{
		PublishStatus: in.PublishStatus, MemberID: in.MemberID, After: after, Limit: in.Limit + 1,
	}
	if in.Format != "" {
		return h.export(ctx, &in.Export, h.listTargets(in.ID, f))
	}
	short, cancel := context.WithTimeout(ctx, web.RequestTimeout)
	defer cancel()
	targets, err := h.lists.Targets(short, in.ID, f)
	if err != nil {
		return nil, err
	}
	targets, next, err := pageOf(short, sight, web.TargetCursor, targets, in.Limit,
		func(t lists.Target) string { return t.MemberID })
	if err != nil {
		return nil, err
	}
	out := api.Targets{Items: make([]api.Target, 0, len(targets)), NextCursor: next}
	for _, t := range targets {
		w := wireTarget(t)
		w.MemberID = sight.show(w.MemberID)
		out.Items = append(out.Items, w)
	}
	return page(out), nil
}

// listTargets is the export of the targets that f lets through.
func (h *Handlers) listTargets(eventID int64, f lists.TargetFilter) list {
	return list{
		event: eventID, what: "targets",
		titles: []string{"member_id", "amount", "reason", "publish_status", "id", "partition_key"},
		each: func(ctx context.Context, who lists.Taking, write func(row) error) error {
			return h.lists.ExportTargets(ctx, who, eventID, f, func(t lists.Target) error {
				reason := ""
				if t.Reason != nil {
					reason = *t.Reason
				}
				return write(row{wireTarget(t), []string{
					t.MemberID, strconv.FormatInt(t.Amount, 10), reason, t.PublishStatus, strconv.FormatInt(t.ID, 10),
					strconv.Itoa(t.PartitionKey),
				}})
			})
		},
	}
}

func wireTarget(t lists.Target) api.Target {
	return api.Target{
		ID: t.ID, MemberID: t.MemberID, Amount: t.Amount, Reason: t.Reason, PublishStatus: t.PublishStatus,
		PartitionKey: t.PartitionKey,
	}
}
