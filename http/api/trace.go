package api

import "time"

// Trace says how one member of an event got, or did not get, what the list says.
type Trace struct {
	EventID     int64          `json:"event_id"`
	CampaignID  string         `json:"campaign_id"`
	EventType   string         `json:"event_type"`
	EventStatus string         `json:"event_status" enum:"PENDING,RUNNING,COMPLETED,STOPPED,FAILED"`
	MemberID    string         `json:"member_id"`
	Target      *TracedTarget  `json:"target,omitempty" doc:"the member's row of the list; left out: no list of the event has the member"`
	Chunk       *TracedChunk   `json:"chunk,omitempty" doc:"the targets that one message carries, this one among them"`
	Job         *TracedJob     `json:"job,omitempty" doc:"the last job that sent it to Kafka; left out: River has deleted it"`
	Message     *TracedMessage `json:"message,omitempty" doc:"the message that a handler took last; left out: none yet"`
	Result      *Result        `json:"result,omitempty" doc:"left out: the ledger was not asked for it yet"`
	Absent      *Absence       `json:"absent,omitempty" doc:"why there is no result; left out if there is one"`
	Timeline    []TraceStep    `json:"timeline" doc:"what happened, in the order of time"`
	WaitingFor  []Reason       `json:"waiting_for" doc:"what the event waits for"`
}

// TracedTarget is a member's row of the list.
type TracedTarget struct {
	ID            int64   `json:"id"`
	Amount        int64   `json:"amount"`
	Reason        *string `json:"reason" doc:"null: the event's default_reason"`
	PublishStatus string  `json:"publish_status" enum:"PENDING,PUBLISHED"`
	ImportID      int64   `json:"import_id"`
}

// TracedChunk is the chunk of a target.
type TracedChunk struct {
	PartitionKey int        `json:"partition_key"`
	FirstID      int64      `json:"first_id" doc:"of its targets"`
	LastID       int64      `json:"last_id" doc:"of its targets"`
	PublishedAt  *time.Time `json:"published_at" doc:"the last time that Kafka acknowledged it"`
	ClaimedAt    *time.Time `json:"claimed_at" doc:"the first time that a handler took it"`
	Attempts     int        `json:"attempts" doc:"claims in a row that did not come back"`
}

// TracedJob is a job of River.
type TracedJob struct {
	ID          int64      `json:"id"`
	State       string     `json:"state"`
	Attempt     int        `json:"attempt"`
	ScheduledAt time.Time  `json:"scheduled_at"`
	FinalizedAt *time.Time `json:"finalized_at"`
}

// TracedMessage is the place of a message in Kafka.
type TracedMessage struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Offset    int64  `json:"offset"`
}

// TraceStep is one thing that happened on the way.
type TraceStep struct {
	At   time.Time `json:"at"`
	Code string    `json:"code" enum:"imported,started,stopped,resumed,retried,published,claimed,asked,refused,given_up,granted,completed,failed"`
	Text string    `json:"text" doc:"for people"`
}

// Membership is one event that has a member on its list.
type Membership struct {
	EventID       int64      `json:"event_id"`
	CampaignID    string     `json:"campaign_id"`
	Name          *string    `json:"name" doc:"what people call the event; null for none"`
	EventType     string     `json:"event_type"`
	EventStatus   string     `json:"event_status" enum:"PENDING,RUNNING,COMPLETED,STOPPED,FAILED"`
	Amount        int64      `json:"amount"`
	PublishStatus string     `json:"publish_status" enum:"PENDING,PUBLISHED"`
	Status        *string    `json:"status" enum:"PENDING,SUCCESS,FAILED,PERMANENTLY_FAILED" doc:"of the result; null: the ledger was not asked for it yet"`
	ErrorCode     *string    `json:"error_code"`
	MoneyTxID     *string    `json:"money_tx_id"`
	UpdatedAt     *time.Time `json:"updated_at" doc:"of the result"`
}

// Memberships is one page of the events of a member, newest first.
type Memberships struct {
	Items      []Membership `json:"items"`
	NextCursor *string      `json:"next_cursor" doc:"ask for the next page with it; null on the last one"`
}

// RevealPIN is a request to see the PIN of a voucher.
type RevealPIN struct {
	Reason string `json:"reason" minLength:"1" maxLength:"500" example:"the member lost the message" doc:"why: for the audit"`
}

// RevealedVoucher is a voucher that an event has given a member, with its PIN.
type RevealedVoucher struct {
	EventID         int64      `json:"event_id"`
	MemberID        string     `json:"member_id"`
	Amount          int64      `json:"amount"`
	MoneyTxID       string     `json:"money_tx_id"`
	VoucherCode     string     `json:"voucher_code"`
	VoucherPIN      string     `json:"voucher_pin"`
	VoucherExpiryAt *time.Time `json:"voucher_expiry_at"`
}
