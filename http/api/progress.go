package api

import "time"

// Progress is the state of an event at one time, in counts of its targets.
type Progress struct {
	EventID      int64          `json:"event_id"`
	EventStatus  string         `json:"event_status" enum:"PENDING,RUNNING,COMPLETED,STOPPED,FAILED"`
	Total        int            `json:"total"`
	Published    int            `json:"published" doc:"acknowledged by Kafka"`
	Success      int            `json:"success"`
	Fail         int            `json:"fail" doc:"given up: the retry limit is reached, or the ledger refused for good"`
	RetrySuccess int            `json:"retry_success" doc:"those of success that were refused at least once"`
	WaitingRetry int            `json:"waiting_retry" doc:"refused for now, tried again by itself"`
	NextRetryAt  *time.Time     `json:"next_retry_at"`
	Unknown      int            `json:"unknown" doc:"asked, the outcome is not known yet; asked again until it is"`
	InFlight     int            `json:"in_flight" doc:"in the hands of a handler now; of a COMPLETED event, also those that a retry has tried again"`
	RatePerS     float64        `json:"rate_per_s" doc:"settled a second, over the last ten seconds; 0 unless RUNNING"`
	ETAS         int64          `json:"eta_s" doc:"seconds to go at that rate; 0 where nobody can tell, and while it stands still"`
	Sum          Sum            `json:"sum" doc:"where all targets are at this moment, each in one part: the parts add up to total"`
	Lag          Lag            `json:"lag" doc:"where those wait that are not settled"`
	WaitingFor   []Reason       `json:"waiting_for" doc:"what it stands still for; empty while it moves, and at its end"`
	Failures     map[string]int `json:"failures" doc:"of fail, by error code"`
	FailureCode  *string        `json:"failure_code" doc:"of a FAILED event: why going on would do harm; null for others"`
	StoppedMemo  *string        `json:"stopped_memo" doc:"why the event was stopped the last time; null for never, or no memo"`
}

// Sum counts the targets of an event by where they are.
type Sum struct {
	Total   int `json:"total"`
	Granted int `json:"granted"`
	GivenUp int `json:"given_up"`
	Waiting int `json:"waiting" doc:"refused for now, and tried again by itself"`
	Unknown int `json:"unknown" doc:"asked, the outcome is not known yet"`
	InHand  int `json:"in_hand" doc:"claimed by a handler"`
	InKafka int `json:"in_kafka" doc:"published, and in the hands of no handler"`
	Unsent  int `json:"unsent" doc:"not published yet"`
}

// Lag is what waits at each stage of the road.
type Lag struct {
	Relay  Waiting `json:"relay" doc:"not published yet; nothing unless the event is RUNNING"`
	Kafka  Waiting `json:"kafka" doc:"published, and claimed by no handler yet; nothing unless the event is RUNNING"`
	Ledger Waiting `json:"ledger" doc:"claimed by a handler, and not settled yet"`
}

// Waiting counts the targets that wait at a stage.
type Waiting struct {
	Targets int     `json:"targets"`
	OldestS float64 `json:"oldest_s" doc:"seconds that the first of them waits; at the relay, since the event was started"`
}

// Reason is one cause for which an event stands still.
type Reason struct {
	Code string `json:"code" example:"relay" doc:"relay, handler, jobs: no process has the role; relay_queue_paused, jobs_queue_paused: in River UI; kafka_away, kafka_refuses, ledger_away, granter_unknown, database_read_only; type_unmade: the tables or topics of an event type; not_known: a process cannot look; stalled: it has not moved for 20 s, and the text has what was found out; reserved, by_hand, retry, lane_busy, no_targets, import_running, missing_keys: nothing is wrong, its time has not come, or a person has something to do"`
	Text string `json:"text" example:"no process with the role relay is running" doc:"for people; 'blocked: ' before what does not pass by itself"`
}

// Flow says how fast an event went lately, and how far it is in each partition.
type Flow struct {
	EventID    int64       `json:"event_id"`
	AsOf       time.Time   `json:"as_of" doc:"the moment, by the database's clock"`
	StepS      int         `json:"step_s" doc:"seconds that each rate covers" example:"10"`
	Rates      []Rate      `json:"rates" doc:"the last ten minutes of its granting, the oldest first, without a gap"`
	Partitions []Partition `json:"partitions"`
}

// Rate is how many members were settled a second.
type Rate struct {
	At   time.Time `json:"at" doc:"the beginning of the step"`
	PerS float64   `json:"per_s" doc:"settled a second, by the moment at which a handler first claimed their chunk"`
}

// Partition is how far an event is in one partition of its topic.
type Partition struct {
	Key     int     `json:"key"`
	Total   int     `json:"total" doc:"members"`
	Settled int     `json:"settled" doc:"members"`
	Behind  int     `json:"behind" doc:"messages that no handler has claimed yet; 0 unless the event is RUNNING"`
	OldestS float64 `json:"oldest_s" doc:"seconds that the first of those waits"`
}
