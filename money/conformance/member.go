package conformance

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
)

// member is one whose points are moved by a check.
type member struct {
	*session

	id    string
	moves int
}

// moved is the answer to a movement, or a refusal.
type moved struct {
	TxID        string `json:"money_tx_id"`
	Balance     int64  `json:"balance"`
	Cancelled   int64  `json:"cancelled"`
	Expired     int64  `json:"expired"`
	Uncollected int64  `json:"uncollected"`
	Lots        []lot  `json:"lots"`
	Code        string `json:"code"`
}

type lot struct {
	SaveID string `json:"save_id"`
	Amount int64  `json:"amount"`
}

// purse holds what a member has.
type purse struct {
	Balance int64 `json:"balance"`
	Owed    int64 `json:"owed"`
}

// page is a page of a member's history.
type page struct {
	Items []struct {
		TxID   string `json:"money_tx_id"`
		Amount int64  `json:"amount"`
	} `json:"items"`
	NextCursor string `json:"next_cursor"`
}

type object = map[string]any

// member makes a member without points.
func (s *session) member() *member { return &member{session: s, id: s.items(1)[0].MemberID} }

// move sends a movement with a key of its own.
func (m *member) move(route string, body object) (got moved, err error) {
	m.moves++
	raw, err := json.Marshal(body)
	if err != nil {
		return got, fmt.Errorf("write request: %w", err)
	}
	r, err := m.send(m.ctx, http.MethodPost, "members/"+url.PathEscape(m.id)+"/"+route, raw, func(r *http.Request) {
		r.Header.Set("Idempotency-Key", fmt.Sprintf("conformance:%s:%d", m.id, m.moves))
	})
	if err != nil {
		return got, err
	}
	if r.status >= 500 || json.Unmarshal(r.body, &got) != nil || r.status >= 400 != (got.Code != "") {
		return got, fmt.Errorf("%s: %s", route, r)
	}
	return got, nil
}

// done is a movement that must not be refused.
func done(got moved, err error) (moved, error) {
	if err == nil && got.Code != "" {
		err = fmt.Errorf("a movement is refused with %s", got.Code)
	}
	return got, err
}

// refusedWith is an error unless the movement was refused with the code.
func refusedWith(code string, got moved, err error) error {
	if err == nil && got.Code != code {
		err = fmt.Errorf("it is to be refused with %s, and got code %q, id %q", code, got.Code, got.TxID)
	}
	return err
}

func (m *member) save(amount int64, over ...object) (moved, error) {
	body := object{"amount": amount, "type_code": "BUY", "ref": "conformance"}
	for _, o := range over {
		for name, value := range o {
			body[name] = value
		}
	}
	return done(m.move("saves", body))
}

func (m *member) tryUse(amount int64) (moved, error) {
	return m.move("uses", object{"amount": amount, "type_code": "SHOP", "ref": "conformance"})
}

func (m *member) use(amount int64) (moved, error) { return done(m.tryUse(amount)) }

// cancel cancels a use or a save.
func (m *member) cancel(txID string, how object) (moved, error) {
	return m.move("movements/"+txID+"/cancel", how)
}

// get reads what a route says of the member.
func (m *member) get(route string, answer any) error {
	r, err := m.send(m.ctx, http.MethodGet, "members/"+url.PathEscape(m.id)+route, nil)
	if err != nil {
		return err
	}
	if r.status != http.StatusOK || json.Unmarshal(r.body, answer) != nil {
		return fmt.Errorf("member%s: %s", route, r)
	}
	return nil
}

// has is an error unless the member has so much, and owes so much.
func (m *member) has(balance, owed int64) error {
	var got purse
	if err := m.get("", &got); err != nil {
		return err
	}
	if got != (purse{balance, owed}) {
		return fmt.Errorf("the balance is %d with %d owed; it must be %d with %d owed", got.Balance, got.Owed,
			balance, owed)
	}
	return nil
}

// saves saves amounts, and returns their ids.
func (m *member) saves(amounts ...int64) (ids []string, err error) {
	for _, amount := range amounts {
		got, err := m.save(amount)
		if err != nil {
			return nil, err
		}
		ids = append(ids, got.TxID)
	}
	return ids, nil
}

// took is an error unless the lots are those.
func took(got moved, want ...lot) error {
	if !slices.Equal(got.Lots, want) {
		return fmt.Errorf("the lots are %v; they must be %v", got.Lots, want)
	}
	return nil
}
