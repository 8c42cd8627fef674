// Package exampleledger is a ledger in memory behind the four grant routes. It shows what another team has to build: a
// real one keeps grants in a database, with a unique index on the key, and makes a batch in one transaction.
package exampleledger

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
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

// ServeHTTP answers a request.
func (l *Ledger) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	var asked struct {
		Deadline *time.Time `json:"deadline"`
		BudgetMS *int64     `json:"budget_ms"`
		Items    []grant    `json:"items"`
		Keys     []string   `json:"idempotency_keys"`
	}
	kind, route, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/money/v1/"), "/")
	known := r.Method == http.MethodPost && (kind == "points" || kind == "vouchers") && (route == "grants" || route == "grants/lookup")
	switch {
	case r.Header.Get("Authorization") != "Bearer "+l.Token:
		refuse(w, http.StatusUnauthorized, "unauthorized")
		return
	case !known:
		refuse(w, http.StatusNotFound, "not_found")
		return
	case r.Header.Get("Content-Type") != "application/json":
		refuse(w, http.StatusUnsupportedMediaType, "unsupported_media_type")
		return
	case json.NewDecoder(http.MaxBytesReader(w, r.Body, 16<<20)).Decode(&asked) != nil, len(asked.Items)+len(asked.Keys) > 5000,
		route == "grants" && asked.Items == nil, route == "grants/lookup" && asked.Keys == nil:
		refuse(w, http.StatusUnprocessableEntity, "invalid")
		return
	}
	l.mu.Lock() // in a database, the transaction begins here, and looks at the deadline again before its COMMIT
	defer l.mu.Unlock()
	if asked.Deadline != nil && time.Now().After(*asked.Deadline) || asked.BudgetMS != nil && time.Since(began).Milliseconds() >= *asked.BudgetMS {
		refuse(w, http.StatusGatewayTimeout, "deadline")
		return
	}
	answers := []grant{}
	for _, g := range asked.Items {
		answers = append(answers, l.grant(kind, g))
	}
	for _, key := range asked.Keys {
		g, made := l.grants[kind+" "+key]
		if !made {
			g = grant{Key: key, Outcome: "unknown_key"}
		}
		answers = append(answers, g)
	}
	answer(w, http.StatusOK, "application/json", map[string]any{"items": answers})
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
	answer(w, status, "application/problem+json", map[string]any{"status": status, "code": code, "title": http.StatusText(status)})
}

func answer(w http.ResponseWriter, status int, mediaType string, body any) {
	w.Header().Set("Content-Type", mediaType)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // a caller that is gone asks again
}
