package conformance

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The kinds of what is granted, as routes name them.
const (
	points   = "points"
	vouchers = "vouchers"
)

// The outcomes of items and of keys that are looked up.
const (
	granted  = "granted"
	replayed = "replayed"
	refused  = "refused"
	conflict = "conflict"
	unknown  = "unknown_key"
)

// session is one check at work: its keys are those of no other.
type session struct {
	ctx    context.Context //nolint:containedctx // of one check, which has steps without end
	ledger Ledger
	http   *http.Client
	name   string
	keys   int
}

type item struct {
	Key      string `json:"idempotency_key"`
	MemberID string `json:"member_id"`
	Amount   int64  `json:"amount"`
	TypeCode string `json:"type_code"`
	Ref      string `json:"ref"`
}

// answer holds what came of an item, or is known of a key.
type answer struct {
	Key       string `json:"idempotency_key"`
	Outcome   string `json:"outcome"`
	TxID      string `json:"money_tx_id"`
	MemberID  string `json:"member_id"`
	Amount    int64  `json:"amount"`
	Code      string `json:"error_code"`
	Retryable bool   `json:"retryable"`

	VoucherCode string `json:"voucher_code"`
	VoucherPIN  string `json:"voucher_pin"`
}

// items makes n grants that were never asked for.
func (s *session) items(n int) []item {
	all := make([]item, n)
	for i := range all {
		s.keys++
		id := fmt.Sprintf("%s-%d", s.name, s.keys)
		all[i] = item{Key: "conformance:" + id, MemberID: "m-" + id, Amount: 100, TypeCode: "TEST", Ref: "conformance"}
	}
	return all
}

func keysOf(items []item) []string {
	keys := make([]string, len(items))
	for i := range items {
		keys[i] = items[i].Key
	}
	return keys
}

// reply is an answer to a request.
type reply struct {
	status int
	header http.Header
	body   []byte
}

// String is the status and the beginning of the body.
func (r reply) String() string { return fmt.Sprintf("status %d: %.200s", r.status, r.body) }

// is reports whether the reply is of the media type.
func (r reply) is(mediaType string) bool {
	got, _, err := mime.ParseMediaType(r.header.Get("Content-Type"))
	return err == nil && got == mediaType
}

// problem returns the code of a refusal in application/problem+json.
func (r reply) problem() (code string, err error) {
	var p struct {
		Code   string `json:"code"`
		Status int    `json:"status"`
	}
	if !r.is("application/problem+json") || json.Unmarshal(r.body, &p) != nil || p.Code == "" || p.Status != r.status {
		return "", fmt.Errorf("a refusal is no application/problem+json with code and status: %s", r)
	}
	return p.Code, nil
}

// appliedNothing reports whether the reply says that nothing was applied and nothing will be.
func (r reply) appliedNothing() bool {
	if r.status != http.StatusGatewayTimeout {
		return r.status >= 400 && r.status < 500
	}
	code, err := r.problem()
	return err == nil && code == "deadline"
}

const (
	// requestBudget is the time that a request may take: bestow waits no longer.
	requestBudget = 10 * time.Second
	// patience is the time that a ledger may say that it cannot answer now.
	patience = 30 * time.Second
	maxReply = 16 << 20
)

// send sends a request once, with the token.
func (s *session) send(ctx context.Context, method, path string, body []byte,
	change ...func(*http.Request),
) (r reply, err error) {
	ctx, cancel := context.WithTimeout(ctx, requestBudget)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(s.ledger.URL, "/")+"/money/v1/"+path,
		bytes.NewReader(body))
	if err != nil {
		return r, fmt.Errorf("make request: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+s.ledger.Token)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for _, c := range change {
		c(req)
	}
	got, err := s.http.Do(req)
	if err != nil {
		return r, fmt.Errorf("%s %s: %w", method, path, err)
	}
	defer func() { _ = got.Body.Close() }() // it was read
	r = reply{status: got.StatusCode, header: got.Header}
	if r.body, err = io.ReadAll(io.LimitReader(got.Body, maxReply)); err != nil {
		return r, fmt.Errorf("%s %s: %w", method, path, err)
	}
	return r, nil
}

// post sends a body, again where the ledger says that it cannot answer now.
func (s *session) post(path string, body any) (r reply, err error) {
	raw, ok := body.([]byte)
	if !ok {
		if raw, err = json.Marshal(body); err != nil {
			return r, fmt.Errorf("write request: %w", err)
		}
	}
	for until := time.Now().Add(patience); ; {
		r, err = s.send(s.ctx, http.MethodPost, path, raw)
		busy := r.status == http.StatusServiceUnavailable || r.status == http.StatusTooManyRequests
		if err != nil || !busy || time.Now().After(until) {
			return r, err
		}
		seconds, _ := strconv.Atoi(r.header.Get("Retry-After")) // 0 for none
		if err := s.pause(max(time.Duration(seconds)*time.Second, 100*time.Millisecond)); err != nil {
			return r, err
		}
	}
}

// pause waits.
func (s *session) pause(d time.Duration) error {
	select {
	case <-s.ctx.Done():
		return fmt.Errorf("wait: %w", s.ctx.Err())
	case <-time.After(d):
		return nil
	}
}

// request is the body of a grant route.
type request struct {
	Deadline *time.Time `json:"deadline,omitempty"`
	BudgetMS *int64     `json:"budget_ms,omitempty"`
	Items    []item     `json:"items"`
}

// ask asks for grants, and returns one answer for each, in the order asked.
func (s *session) ask(kind string, items []item) ([]answer, error) {
	r, err := s.post(kind+"/grants", request{Items: items})
	if err != nil {
		return nil, err
	}
	all, err := r.answers(keysOf(items))
	if err != nil {
		return nil, err
	}
	for i, a := range all {
		if a.MemberID != "" && a.MemberID != items[i].MemberID || a.Amount != 0 && a.Amount != items[i].Amount {
			return nil, fmt.Errorf("%s is asked for member %q and amount %d; "+
				"the answer is about member %q and amount %d",
				a.Key, items[i].MemberID, items[i].Amount, a.MemberID, a.Amount)
		}
	}
	return all, nil
}

// find looks keys up, and returns one answer for each, in the order asked.
func (s *session) find(kind string, keys []string) ([]answer, error) {
	r, err := s.post(kind+"/grants/lookup", map[string]any{"idempotency_keys": keys})
	if err != nil {
		return nil, err
	}
	return r.answers(keys)
}

// answers reads the answers about the keys.
func (r reply) answers(keys []string) ([]answer, error) {
	if r.status != http.StatusOK || !r.is("application/json") {
		return nil, fmt.Errorf("not 200 with application/json, but %s", r)
	}
	var got struct {
		Items []answer `json:"items"`
	}
	if err := json.Unmarshal(r.body, &got); err != nil {
		return nil, fmt.Errorf("read answer: %w: %s", err, r)
	}
	answered := make([]string, len(got.Items))
	for i := range got.Items {
		answered[i] = got.Items[i].Key
	}
	if !slices.Equal(answered, keys) {
		return nil, fmt.Errorf("%d answers are about the keys %.200q; asked for were %d: %.200q", len(answered),
			answered, len(keys), keys)
	}
	return got.Items, nil
}

// grant asks for grants that all must be made now, each with a transaction of its own.
func (s *session) grant(kind string, items []item) ([]answer, error) {
	all, err := s.ask(kind, items)
	if err != nil {
		return nil, err
	}
	ids := map[string]bool{}
	for i, a := range all {
		if a.Outcome != granted || a.TxID == "" || ids[a.TxID] {
			return nil, fmt.Errorf("item %d is to be granted with a money_tx_id of its own, and got outcome %q, "+
				"id %q, error_code %q",
				i+1, a.Outcome, a.TxID, a.Code)
		}
		ids[a.TxID] = true
	}
	return all, nil
}

// stands looks that each item stands in the ledger, with the ids of the answers.
func (s *session) stands(kind string, items []item, want []answer) error {
	found, err := s.find(kind, keysOf(items))
	if err != nil {
		return err
	}
	for i, f := range found {
		if f.Outcome != granted || f.TxID != want[i].TxID || f.MemberID != items[i].MemberID ||
			f.Amount != items[i].Amount {
			return fmt.Errorf("lookup of %s says %q, id %q, member %q, amount %d; it is id %q, member %q, amount %d",
				f.Key, f.Outcome, f.TxID, f.MemberID, f.Amount, want[i].TxID, items[i].MemberID, items[i].Amount)
		}
	}
	return nil
}

// absent looks that none of the items, which are of points, stands in the ledger.
func (s *session) absent(items []item) error {
	found, err := s.find(points, keysOf(items))
	if err != nil {
		return err
	}
	for _, f := range found {
		if f.Outcome != unknown {
			return fmt.Errorf("lookup of %s says %q, id %q: nothing was to be applied", f.Key, f.Outcome, f.TxID)
		}
	}
	return nil
}

var errNoRefusal = errors.New("it was not refused")
