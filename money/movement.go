package money

import "time"

// MovementKind says what a movement did. It is wire format: never renamed.
type MovementKind string

// The five kinds of movements.
const (
	KindSave       MovementKind = "save"
	KindUse        MovementKind = "use"
	KindUseCancel  MovementKind = "use_cancel"
	KindSaveCancel MovementKind = "save_cancel"
	KindExpire     MovementKind = "expire"
)

// status is point_status_code.
type status string

const (
	statusSave       status = "S"
	statusUse        status = "U"
	statusUseCancel  status = "R"
	statusSaveCancel status = "C"
	statusExpire     status = "E"
)

// kind returns the word for s, "" for a status that does not exist.
func (s status) kind() MovementKind {
	switch s {
	case statusSave:
		return KindSave
	case statusUse:
		return KindUse
	case statusUseCancel:
		return KindUseCancel
	case statusSaveCancel:
		return KindSaveCancel
	case statusExpire:
		return KindExpire
	}
	return ""
}

// status returns the status of k, "" for a kind that does not exist.
func (k MovementKind) status() status {
	for _, s := range []status{statusSave, statusUse, statusUseCancel, statusSaveCancel, statusExpire} {
		if s.kind() == k {
			return s
		}
	}
	return ""
}

// Movement is one row of a member's history.
type Movement struct {
	TxID       string
	Kind       MovementKind
	Amount     int64 // as it changes the balance: a use is negative
	TypeCode   string
	Ref        string
	Reason     string
	Undo       string // of a cancel: the movement that it undoes; of what a use-cancel made: that use-cancel
	CreatedAt  time.Time
	ExpiryAt   *time.Time // of a save; nil for never
	IssueDate  string     // yyyymmdd in the ledger's time zone
	ExpiryDate string     // of a save: the last day on which its points can be spent; 99991231 for never
	Lots       []Part     // only where one movement was asked for
	// Cancellable is of a save, where one movement was asked for; nil of points that a use-cancel saved anew.
	Cancellable *Cancellable
}

// Cancellable says what a cancel of all that is left of a save does at this moment.
type Cancellable struct {
	Amount  int64 // of the save, what no cancel was asked for yet
	Left    int64 // of Amount, what is taken: it lies in the save's lot, or was saved anew from it
	Expired int64 // of the rest, what has expired; what remains was spent
}

// Part is what a movement did to one lot.
type Part struct {
	SaveID string // the transaction id of the save that made the lot
	Amount int64  // as it changes what the lot has left: what is drawn is negative
}

// Moved is the answer to a save or a use.
type Moved struct {
	TxID     string
	Replayed bool   // the key stood in the ledger with the same content
	Amount   int64  // as asked
	Lots     []Part // in the order in which they were taken
}
