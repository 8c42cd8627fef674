package api

// Target is one member of an event's list.
type Target struct {
	ID            int64   `json:"id"`
	MemberID      string  `json:"member_id" doc:"masked for viewers"`
	Amount        int64   `json:"amount"`
	Reason        *string `json:"reason" doc:"null: the event's default_reason"`
	PublishStatus string  `json:"publish_status" enum:"PENDING,PUBLISHED"`
	PartitionKey  int     `json:"partition_key"`
}

// Targets is one page of an event's list, by member_id.
type Targets struct {
	Items      []Target `json:"items"`
	NextCursor *string  `json:"next_cursor" doc:"ask for the next page with it; null on the last one"`
}
