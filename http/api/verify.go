package api

import "time"

// The states of a verification.
const (
	VerifyWaiting = "waiting"
	VerifyRunning = "running"
)

// Verification is a report that was requested and is not made yet.
type Verification struct {
	EventID int64      `json:"event_id"`
	State   string     `json:"state" enum:"waiting,running" doc:"waiting: for a process with the role jobs"`
	By      string     `json:"by" doc:"the name of the key that asked first"`
	AskedAt time.Time  `json:"asked_at" doc:"the database's clock"`
	Since   *time.Time `json:"since" doc:"since when it is made; null while it waits"`
}
