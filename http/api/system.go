package api

import (
	"time"
)

// System is the state of the installation.
type System struct {
	At         time.Time  `json:"at" doc:"the database's clock"`
	ReadOnly   bool       `json:"read_only" doc:"the database takes no writes"`
	Processes  []Process  `json:"processes" doc:"those that were seen within 30 s, the oldest first"`
	Breaker    []Ledger   `json:"breaker" doc:"by ledger"`
	River      River      `json:"river"`
	Brake      []Brake    `json:"brake" doc:"the engaged brakes; empty for none"`
	WaitingFor []Standing `json:"waiting_for" doc:"what should not be: it keeps events from moving that run or are due, or will keep others, or an event type from being made (no ids)"`
	Behind     []Behind   `json:"behind" doc:"what waits in Kafka, by event type and partition; empty for nothing"`
}

// Behind is how far handlers are behind in one partition of an event type.
type Behind struct {
	EventType string  `json:"event_type" example:"POINT"`
	Partition int     `json:"partition" doc:"the partition key, as in GET /events/{id}/flow"`
	Messages  int     `json:"messages" doc:"published, and claimed by no handler yet"`
	Targets   int     `json:"targets" doc:"of these messages"`
	OldestS   float64 `json:"oldest_s" doc:"seconds that the first of them waits"`
}

// Process is a running process.
type Process struct {
	ID        string    `json:"id" doc:"made anew at each start"`
	Roles     []string  `json:"roles"`
	Version   string    `json:"version"`
	Host      string    `json:"host"`
	PID       int       `json:"pid"`
	StartedAt time.Time `json:"started_at"`
	SeenAt    time.Time `json:"seen_at"`
	Reports   []Report  `json:"reports" doc:"what keeps it from its work"`

	Settings map[string]string `json:"settings" doc:"what all processes must have alike, as this one has it; KAFKA_BROKERS is the cluster's id"`
}

// Report is one cause that keeps a process from its work.
type Report struct {
	Code  string `json:"code" example:"kafka_away"`
	Text  string `json:"text"`
	Topic string `json:"topic,omitempty"`
}

// Ledger is a ledger that event types name.
type Ledger struct {
	Name string `json:"name" example:"money"`
	Open bool   `json:"open" doc:"the breaker is open: a handler got no answer, and leaves it alone but for one call a second"`
	Text string `json:"text" doc:"why; empty where it is closed"`
}

// River is the state of the job queue.
type River struct {
	Leader       *string              `json:"leader" doc:"the client that schedules and rescues jobs; null: none, so that none is scheduled"`
	PausedQueues []string             `json:"paused_queues"`
	Oldest       map[string]time.Time `json:"oldest" doc:"by queue: since when the next of the jobs that could be worked now waits"`
}

// Standing is a reason and the events that stand still because of it.
type Standing struct {
	Code   string  `json:"code" example:"relay"`
	Text   string  `json:"text"`
	Events []int64 `json:"events" doc:"ids"`
}

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
