package web

import (
	"strconv"

	"bestow/app/reports"
	"bestow/http/api"
)

// Prefix is the path of the API.
const Prefix = "/api/v1"

// ByID is a request that has nothing but the id of an event.
type ByID struct {
	ID int64 `path:"id" minimum:"1"`
}

// Nothing is an answer without a body.
type Nothing struct{}

// EventURL returns the path of an event.
func EventURL(id int64) string { return Prefix + "/events/" + strconv.FormatInt(id, 10) }

// Reasons returns what an event waits for. It never returns nil, so that JSON has an empty list for no reason.
func Reasons(reasons []reports.Reason) []api.Reason {
	wire := make([]api.Reason, len(reasons))
	for i, r := range reasons {
		wire[i] = api.Reason(r)
	}
	return wire
}
