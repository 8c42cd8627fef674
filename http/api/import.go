package api

import "time"

// ImportResult is the result of an upload.
type ImportResult struct {
	ImportID    *int64  `json:"import_id" doc:"null for a dry run: nothing was kept"`
	Accepted    int     `json:"accepted"`
	Rejected    int     `json:"rejected"`
	TotalAmount int64   `json:"total_amount" doc:"the sum of what was accepted"`
	Unit        *string `json:"unit" doc:"of total_amount; null for none"`
	RejectedURL *string `json:"rejected_url" doc:"where the rejected rows are; null if there are none"`

	Warnings []Warning `json:"warnings" doc:"what was not refused and a person should look at before the event starts; at most 101 a code"`
}

// Warning tells of something suspicious that an import did not refuse.
type Warning struct {
	Code  string     `json:"code" doc:"encoding_guessed: the file was read as CP949 and has too little Korean to be certain; suspicious_member_id: the member looks like a sum row, an empty value or a column's name, has lost zeros or digits in a spreadsheet, or was read in another encoding; hidden_cells: rows or columns of the sheet are hidden, and were read like the others; suspicious_reason: a reason was read in another encoding, or has lost characters; list_seen: the same file, or the same members with the same amounts, were imported before; list_alike: another event has more than half of the members; missed: reservation_at passed before the event had a list; expired: expiry_at has passed"`
	Text  string     `json:"text" doc:"for people"`
	Line  *int64     `json:"line,omitempty" doc:"of the row that it is about; of encoding_guessed: the first that does not look Korean; the header is line 1"`
	Event *int64     `json:"event,omitempty" doc:"of list_seen and list_alike: the event that has the list"`
	At    *time.Time `json:"at,omitempty" doc:"of list_seen and list_alike: when it was imported there; of missed and expired: the moment"`
}

// Import is one upload of an event's history.
type Import struct {
	ImportID    int64     `json:"import_id"`
	CreatedBy   string    `json:"created_by"`
	CreatedAt   time.Time `json:"created_at"`
	ContentType string    `json:"content_type"`
	Bytes       int64     `json:"bytes"`
	SHA256      string    `json:"sha256" doc:"of the bytes as uploaded, in hex"`
	Accepted    int       `json:"accepted"`
	Rejected    int       `json:"rejected"`
	TotalAmount int64     `json:"total_amount"`
	RejectedURL *string   `json:"rejected_url" doc:"where the rejected rows are; null if there are none"`
}

// Imports is the history of an event's uploads, newest first.
type Imports struct {
	Items []Import `json:"items"`
}

// RejectedRow is a row of an upload that could not be used.
type RejectedRow struct {
	Line      int64  `json:"line" doc:"of the record's first line; the header is line 1"`
	FirstLine *int64 `json:"first_line,omitempty" doc:"of a member that stands twice: the line that was kept"`
	ErrorCode string `json:"error_code"`
	Reason    string `json:"reason"`
	Raw       string `json:"raw"`
}

// Upload is a member list that comes in pieces.
type Upload struct {
	UploadID    int64     `json:"upload_id"`
	Size        int64     `json:"size" doc:"in bytes"`
	Received    int64     `json:"received" doc:"how many bytes have come: the next piece begins there"`
	ContentType string    `json:"content_type" doc:"as filetype of Upload-Metadata says"`
	Name        string    `json:"name" doc:"of the file, as filename of Upload-Metadata says; empty for none"`
	SHA256      *string   `json:"sha256" doc:"of the whole file, in hex, as sha256 of Upload-Metadata says; null for none"`
	CreatedAt   time.Time `json:"created_at"`
	ExpiresAt   time.Time `json:"expires_at" doc:"24 hours after the last byte, or the last import of it"`
}

// Uploads lists the caller's uploads, newest first.
type Uploads struct {
	Items []Upload `json:"items"`
}
