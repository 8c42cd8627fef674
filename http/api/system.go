package api

import "time"

// System is the state of the installation.
type System struct {
	At         time.Time  `json:"at" doc:"the database's clock"`
	ReadOnly   bool       `json:"read_only" doc:"the database takes no writes"`
	Processes  []Process  `json:"processes" doc:"those that were seen within 30 s, the oldest first"`
	Breaker    []Ledger   `json:"breaker" doc:"by ledger"`
	River      River      `json:"river"`
	Brake      []Brake    `json:"brake" doc:"the engaged brakes; empty for none"`
	WaitingFor []Standing `json:"waiting_for" doc:"what should not be: it keeps events from moving that run or are due, or will keep others (no ids)"`
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
