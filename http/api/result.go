package api

import "time"

// Result is the result of one member of an event.
type Result struct {
	MemberID     string    `json:"member_id"`
	Amount       int64     `json:"amount"`
	Status       string    `json:"status" enum:"PENDING,SUCCESS,FAILED,PERMANENTLY_FAILED" doc:"PENDING: the ledger was asked, and the outcome is not known yet; FAILED: refused for now, it is tried again by itself; PERMANENTLY_FAILED: given up, until a person asks for a retry"`
	ErrorCode    *string   `json:"error_code" doc:"of the last refusal; null for none"`
	ErrorMessage *string   `json:"error_message" doc:"of the last refusal, in the ledger's words; null for none"`
	RetryCount   int       `json:"retry_count" doc:"how often the ledger refused it; a retry that a person asks for does not count"`
	MoneyTxID    *string   `json:"money_tx_id" doc:"the ledger's entry; null while there is none"`
	UpdatedAt    time.Time `json:"updated_at"`
}

// Results is one page of the results of an event, by member_id.
type Results struct {
	Items      []Result `json:"items"`
	NextCursor *string  `json:"next_cursor" doc:"ask for the next page with it; null on the last one"`
	Absent     *Absence `json:"absent,omitempty" doc:"why the member that member_id asks for is not in items; left out if it is, or if member_id is not given"`
}

// Absence says why a member is not among the results.
type Absence struct {
	Code     string  `json:"code" enum:"not_in_list,row_rejected,not_started,not_asked,other_result" doc:"not_in_list: no list has the member, and of the rejected rows at most 20,000 were searched, as the text says; row_rejected: a list had the member, in a row that was rejected; not_asked: the member is in the list, and the ledger was not asked for it yet; other_result: the member has a result, and another filter leaves it out"`
	Text     string  `json:"text" doc:"for people"`
	ImportID *int64  `json:"import_id" doc:"of row_rejected: the upload"`
	Line     *int64  `json:"line" doc:"of row_rejected: the line of the file"`
	RowCode  *string `json:"row_code" doc:"of row_rejected: the error_code of the row, as in the list of rejected rows"`
}
