// Package obs holds the names that logs and metrics use, so that one grep finds an event, a chunk or a job everywhere.
package obs

// The keys of log attributes.
const (
	EventID      = "event_id"
	EventType    = "event_type"
	Chunk        = "chunk"
	JobID        = "job_id"
	Attempt      = "attempt"
	Topic        = "topic"
	Partition    = "partition"
	Offset       = "offset"
	Installation = "installation"
	Ledger       = "ledger"
	Cause        = "cause"
	Reason       = "reason"
	Count        = "count"
	Err          = "err"
)
