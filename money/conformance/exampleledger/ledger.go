// Package exampleledger is a ledger in memory behind the four grant routes. It shows what another team has to build: a
// real one keeps grants in a database, with a unique index on the key, and makes a batch in one transaction.
package exampleledger

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
)

// Ledger is the example, an http.Handler.
type Ledger struct {
	Token string

	mu     sync.Mutex
	grants map[string]grant // by kind and key, for ever
}

// grant is an item that is asked for, and what is answered to it.
type grant struct {
	Key      string `json:"idempotency_key"`
	MemberID string `json:"member_id,omitempty"`
	Amount   int64  `json:"amount,omitempty"`
	Outcome  string `json:"outcome"`
	TxID     string `json:"money_tx_id,omitempty"`
	Error    string `json:"error_code,omitempty"`
	Code     string `json:"voucher_code,omitempty"`
	PIN      string `json:"voucher_pin,omitempty"`
}

// request is the body of all four routes.
type request struct {
	Deadline *time.Time `json:"deadline"`
	BudgetMS *int64     `json:"budget_ms"`
	Items    []grant    `json:"items"`            // of grants
	Keys     []string   `json:"idempotency_keys"` // of a lookup

	kind string // points or vouchers
}

// ServeHTTP answers a request.
func (l *Ledger) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	asked, status, code := l.read(w, r)
	if status != http.StatusOK {
		refuse(w, status, code)
		return
	}
	l.mu.Lock() // in a database, the transaction begins here, and looks at the deadline again before its COMMIT
	defer l.mu.Unlock()
	if asked.over(began) && slices.ContainsFunc(asked.Items, func(g grant) bool { return l.isNew(asked.kind, g) }) {
		refuse(w, http.StatusGatewayTimeout, "deadline")
		return
	}
	answers := []grant{}
	for _, g := range asked.Items {
		answers = append(answers, l.grant(asked.kind, g))
	}
	for _, key := range asked.Keys {
		g, made := l.grants[asked.kind+" "+key]
		if !made {
			g = grant{Key: key, Outcome: "unknown_key"}
		}
		answers = append(answers, g)
	}
	answer(w, http.StatusOK, "application/json", map[string]any{"items": answers})
}

// read reads a request, and says with which status and code it is refused as a whole; 200 if it is not.
func (l *Ledger) read(w http.ResponseWriter, r *http.Request) (asked request, status int, code string) {
	kind, route, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/money/v1/"), "/")
	switch {
	case r.Header.Get("Authorization") != "Bearer "+l.Token:
		return asked, http.StatusUnauthorized, "unauthorized"
	case r.Method != http.MethodPost || kind != "points" && kind != "vouchers" ||
		route != "grants" && route != "grants/lookup":
		return asked, http.StatusNotFound, "not_found"
	case r.Header.Get("Content-Type") != "application/json":
		return asked, http.StatusUnsupportedMediaType, "unsupported_media_type"
	}
	asked.kind = kind
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 16<<20)).Decode(&asked)
	lookup := route == "grants/lookup"
	if err != nil || lookup != (asked.Items == nil) || lookup != (asked.Keys != nil) ||
		len(asked.Items)+len(asked.Keys) > 5000 {
		return asked, http.StatusUnprocessableEntity, "invalid"
	}
	return asked, http.StatusOK, ""
}

// over reports whether it is too late to apply the request.
func (r request) over(began time.Time) bool {
	return r.Deadline != nil && time.Now().After(*r.Deadline) ||
		r.BudgetMS != nil && time.Since(began).Milliseconds() >= *r.BudgetMS
}

// isNew reports whether g has to be made: a grant that was made before is repeated, however late.
func (l *Ledger) isNew(kind string, g grant) bool {
	_, taken := l.grants[kind+" "+g.Key]
	return !taken
}

// grant makes a grant if its key is free. A key that is refused stays free.
func (l *Ledger) grant(kind string, g grant) grant {
	first, taken := l.grants[kind+" "+g.Key]
	switch {
	case g.Key == "" || g.MemberID == "" || strings.ContainsFunc(g.MemberID, unicode.IsControl) || g.Amount < 1:
		return grant{Key: g.Key, Outcome: "refused", Error: "bad_item"}
	case taken && (first.MemberID != g.MemberID || first.Amount != g.Amount):
		return grant{Key: g.Key, Outcome: "conflict", Error: "key_conflict"}
	case taken:
		first.Outcome = "replayed"
		return first
	}
	made := grant{Key: g.Key, MemberID: g.MemberID, Amount: g.Amount, Outcome: "granted", TxID: rand.Text()}
	if kind == "vouchers" {
		made.Code, made.PIN = rand.Text(), rand.Text()[:6]
	}
	if l.grants == nil {
		l.grants = map[string]grant{}
	}
	l.grants[kind+" "+g.Key] = made
	return made
}

func refuse(w http.ResponseWriter, status int, code string) {
	answer(w, status, "application/problem+json",
		map[string]any{"status": status, "code": code, "title": http.StatusText(status)})
}

func answer(w http.ResponseWriter, status int, mediaType string, body any) {
	w.Header().Set("Content-Type", mediaType)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // a caller that is gone asks again
}
