package api

import "time"

// Parked is a message that no handler could use.
type Parked struct {
	ID         int64      `json:"id"`
	Cause      string     `json:"cause" enum:"undecodable,foreign,newer_version" doc:"newer_version: replay it after the upgrade"`
	Detail     string     `json:"detail" doc:"what was wrong with it"`
	Topic      string     `json:"topic"`
	Partition  int32      `json:"partition"`
	Offset     int64      `json:"offset"`
	At         time.Time  `json:"at" doc:"when it was parked"`
	Size       int        `json:"size" doc:"bytes"`
	Replayed   bool       `json:"replayed" doc:"a replay was asked for, and has not come back as bad"`
	ReplayedAt *time.Time `json:"replayed_at" doc:"when it was asked for"`
	Replaying  bool       `json:"replaying" doc:"Kafka does not have it again yet"`
}

// ParkedPage is one page of parked messages, newest first.
type ParkedPage struct {
	Items      []Parked `json:"items"`
	NextCursor *string  `json:"next_cursor" doc:"ask for the next page with it; null on the last one"`
}
