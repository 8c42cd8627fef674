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
	FileName    *string   `json:"file_name" doc:"null: its sender named none"`
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

// ImportDetails is one upload with what its pass found.
type ImportDetails struct {
	Import

	Preflight *Preflight `json:"preflight" doc:"null: the version that imported it did not compute it"`
}

// Preflight is what the pass over a list found, for those who look at it before the event starts.
type Preflight struct {
	Rows           int            `json:"rows" doc:"accepted and rejected"`
	Duplicates     int            `json:"duplicates" doc:"rejected rows whose member stands in the file already"`
	RejectedByCode []RejectedCode `json:"rejected_by_code" doc:"the most first"`
	Amounts        Amounts        `json:"amounts" doc:"of the accepted rows"`
	Warnings       []Warning      `json:"warnings" doc:"as the answer of the import had them; none for a viewer, since some name members"`
}

// RejectedCode says how many rows of an upload were rejected with a code.
type RejectedCode struct {
	ErrorCode string        `json:"error_code"`
	Rows      int           `json:"rows"`
	Samples   []RejectedRow `json:"samples" doc:"the first ones, at most 5; none for a viewer, who may not see members"`
}

// Amounts describes the amounts of the accepted rows.
type Amounts struct {
	Sum       int64        `json:"sum"`
	Min       int64        `json:"min"`
	Max       int64        `json:"max"`
	Mean      int64        `json:"mean" doc:"rounded to a whole unit"`
	Distinct  *int         `json:"distinct" doc:"how many different amounts there are; null: more than 65536"`
	Commonest []AmountRows `json:"commonest" doc:"the amounts that most rows have, at most 10; of more than 65536 different ones, among those that the import met first"`
	Histogram []Bucket     `json:"histogram" doc:"by powers of two, from the least to the most; without those that are empty at the ends"`
}

// AmountRows says how many accepted rows have an amount.
type AmountRows struct {
	Amount int64 `json:"amount"`
	Rows   int   `json:"rows"`
}

// Bucket says how many accepted rows have an amount in a range.
type Bucket struct {
	From int64 `json:"from"`
	To   int64 `json:"to" doc:"included"`
	Rows int   `json:"rows"`
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
