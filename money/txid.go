package money

import (
	"fmt"
	"strconv"
)

// Kind tells the two books apart.
type Kind byte

// The kinds.
const (
	Points   Kind = 'P' // a movement of points: point_member
	Vouchers Kind = 'V' // a voucher
)

// TxID names an entry: its kind and its decimal id. With the member's id it leads to the row by its primary key.
func (k Kind) TxID(id int64) string { return string(k) + strconv.FormatInt(id, 10) }

// ParseTxID reads a transaction id as an Answer carries it: P or V and the row's id (point_member_id, voucher_id).
// There is one way of writing each: no sign, no leading zero.
func ParseTxID(s string) (Kind, int64, error) {
	if len(s) < 2 || (Kind(s[0]) != Points && Kind(s[0]) != Vouchers) || s[1] < '1' || s[1] > '9' {
		return 0, 0, fmt.Errorf("read transaction id: %.30q is not P or V and a number", s)
	}
	id, err := strconv.ParseInt(s[1:], 10, 64)
	if err != nil {
		return 0, 0, fmt.Errorf("read transaction id: %.30q is not P or V and a number", s)
	}
	return Kind(s[0]), id, nil
}
