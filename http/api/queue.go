package api

import "time"

// Queue lists the lanes with events that run or will run, in their order.
type Queue struct {
	At    time.Time `json:"at" doc:"the database's clock, which decides what is due"`
	Lanes []Lane    `json:"lanes" doc:"by their second; lanes run side by side"`
}

// Lane lists the events that are reserved for one second and run or wait. They run one after another, in this order.
type Lane struct {
	ReservationAt time.Time `json:"reservation_at"`
	Due           bool      `json:"due" doc:"its time has come"`
	Busy          bool      `json:"busy" doc:"one of its events runs"`
	Events        []Queued  `json:"events" doc:"what runs, then the others in their order"`
}

// Queued is an event in its lane.
type Queued struct {
	ID                  int64      `json:"id"`
	CampaignID          string     `json:"campaign_id"`
	EventType           string     `json:"event_type"`
	EventStatus         string     `json:"event_status" enum:"PENDING,RUNNING"`
	ReservationPriority *int       `json:"reservation_priority" doc:"lower first; null after all others"`
	TotalCount          int        `json:"total_count"`
	Settled             int        `json:"settled" doc:"granted or given up"`
	StartedAt           *time.Time `json:"started_at"`
	ExpectedStartAt     *time.Time `json:"expected_start_at" doc:"of a PENDING event; null where nobody can tell"`
	WaitsFor            *string    `json:"waits_for" enum:"lane_busy,brake_engaged,no_targets,import_running,missing_keys,granter_unknown,expired,terms_refused,over_limit,limits_missing,missed" doc:"null for what runs and for the next of its lane; a lane passes over what waits for anything but lane_busy"`
	WaitingFor          []Reason   `json:"waiting_for" doc:"all that it stands still for"`
	RatePerS            float64    `json:"rate_per_s" doc:"of what runs: settled a second, over the last ten seconds"`
	ETAS                int64      `json:"eta_s" doc:"of what runs: seconds to go at that rate; 0 where nobody can tell"`
}
