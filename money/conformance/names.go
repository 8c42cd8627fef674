package conformance

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// exactKeys grants under keys that a collation may take for one: they differ in case, in an accent and in width.
func (s *session) exactKeys() error {
	base := s.items(1)[0]
	var asked []item
	for _, last := range []string{"a", "A", "á", "ａ"} {
		i := base
		i.Key, i.MemberID = base.Key+last, base.MemberID+last
		asked = append(asked, i)
	}
	first, err := s.grant(points, asked)
	if err != nil {
		return fmt.Errorf("keys that differ in case, in an accent or in width: %w", err)
	}
	return s.stands(points, asked, first)
}

// anotherLedger asks a ledger that says who it is for grants that are meant for another one. A ledger that does not say
// it cannot know.
func (s *session) anotherLedger() error {
	ours, err := s.ledgerID()
	if err != nil || ours == "" {
		return err
	}
	for id, refused := range map[string]bool{ours + "-other": true, ours: false} {
		asked := s.items(1)
		body, err := json.Marshal(request{Items: asked})
		if err != nil {
			return fmt.Errorf("write request: %w", err)
		}
		r, err := s.send(s.ctx, http.MethodPost, points+"/grants", body,
			func(r *http.Request) { r.Header.Set("Bestow-Ledger", id) })
		if err != nil {
			return err
		}
		if is := r.status >= 400 && r.status < 500; is != refused {
			return fmt.Errorf("GET identity says ledger_id %q, and a request with Bestow-Ledger: %s gets %s",
				ours, id, r)
		}
		if refused {
			if err := s.absent(asked); err != nil {
				return err
			}
		}
	}
	return nil
}

// ledgerID is the id that the ledger says of itself, "" where it has no such route.
func (s *session) ledgerID() (string, error) {
	r, err := s.send(s.ctx, http.MethodGet, "identity", nil)
	if err != nil || r.status != http.StatusOK {
		return "", err
	}
	var identity struct {
		LedgerID string `json:"ledger_id"`
	}
	if err := json.Unmarshal(r.body, &identity); err != nil {
		return "", fmt.Errorf("read GET identity: %w: %s", err, r)
	}
	return identity.LedgerID, nil
}
