package conformance_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"bestow/money/conformance"
	"bestow/money/conformance/exampleledger"

	"github.com/stretchr/testify/require"
)

// planted is the example with a fault, as a ledger of another team may have it.
type planted struct {
	exampleledger.Ledger

	fault fault
	mu    sync.Mutex
	notes map[string]string // of the fault, by key
}

// fault changes a request, how it is forwarded, or what is answered.
type fault func(ctx context.Context, p *planted, route string, body object, forward func(object) reply) reply

type object = map[string]any

// reply holds what the ledger answers.
type reply struct {
	status int
	kind   string
	body   object
}

// items are the entries of a body.
func items(body object) (all []object) {
	list, _ := body["items"].([]any)
	for _, i := range list {
		if entry, ok := i.(object); ok {
			all = append(all, entry)
		}
	}
	return all
}

func keyOf(entry object) string {
	key, _ := entry["idempotency_key"].(string)
	return key
}

func decode(from io.Reader) (body object, ok bool) {
	d := json.NewDecoder(from)
	d.UseNumber()
	return body, d.Decode(&body) == nil
}

func (p *planted) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	raw, _ := io.ReadAll(r.Body)
	forward := func(raw []byte) *httptest.ResponseRecorder {
		again := r.Clone(r.Context())
		again.Body = io.NopCloser(bytes.NewReader(raw))
		said := httptest.NewRecorder()
		p.Ledger.ServeHTTP(said, again)
		return said
	}
	body, ok := decode(bytes.NewReader(raw))
	if r.Method == http.MethodGet {
		body, ok = object{}, true
	}
	if !ok || r.Header.Get("Authorization") != "Bearer token" || len(items(body)) > 5000 {
		said := forward(raw)
		w.Header().Set("Content-Type", said.Header().Get("Content-Type"))
		w.WriteHeader(said.Code)
		_, _ = w.Write(said.Body.Bytes())
		return
	}
	got := p.fault(r.Context(), p, strings.TrimPrefix(r.URL.Path, "/money/v1/"), body, func(body object) reply {
		raw, _ := json.Marshal(body)
		said := forward(raw)
		answered, _ := decode(said.Body)
		return reply{said.Code, said.Header().Get("Content-Type"), answered}
	})
	if r.Context().Err() != nil {
		return
	}
	w.Header().Set("Content-Type", got.kind)
	w.WriteHeader(got.status)
	_ = json.NewEncoder(w).Encode(got.body)
}

// note remembers something of a key, and returns what was known before.
func (p *planted) note(key, text string) (before string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.notes == nil {
		p.notes = map[string]string{}
	}
	before = p.notes[key]
	p.notes[key] = text
	return before
}

func (p *planted) noted(key string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.notes[key]
}

// forgetsKeys is a ledger that makes each request's grants anew.
func forgetsKeys(_ context.Context, p *planted, route string, body object, forward func(object) reply) reply {
	if strings.HasSuffix(route, "/lookup") {
		keys, _ := body["idempotency_keys"].([]any)
		for i, key := range keys {
			keys[i] = p.noted(fmt.Sprint(key)) + fmt.Sprint(key)
		}
	}
	if strings.HasSuffix(route, "/grants") {
		prefix := fmt.Sprint(time.Now().UnixNano(), " ")
		for _, i := range items(body) {
			p.note(keyOf(i), prefix)
			i["idempotency_key"] = prefix + keyOf(i)
		}
	}
	got := forward(body)
	for _, i := range items(got.body) {
		if _, key, found := strings.Cut(keyOf(i), " "); found {
			i["idempotency_key"] = key
		}
	}
	return got
}

// otherAmounts is a ledger that says other amounts than it was asked for.
func otherAmounts(_ context.Context, _ *planted, _ string, body object, forward func(object) reply) reply {
	got := forward(body)
	for _, i := range items(got.body) {
		if n, ok := i["amount"].(json.Number); ok {
			amount, _ := n.Int64()
			i["amount"] = amount + 1
		}
	}
	return got
}

// twiceAfterTimeout is a ledger that makes a grant again if its first caller did not wait for the answer.
func twiceAfterTimeout(ctx context.Context, p *planted, route string, body object, forward func(object) reply) reply {
	if !strings.HasSuffix(route, "/grants") {
		return forward(body)
	}
	var lost []object
	for _, i := range items(body) {
		if p.noted(keyOf(i)) == "lost" {
			lost = append(lost, i)
		}
	}
	got := forward(body)
	select {
	case <-ctx.Done():
		for _, i := range items(body) {
			p.note(keyOf(i), "lost")
		}
	case <-time.After(50 * time.Millisecond):
	}
	for _, i := range items(got.body) {
		if slices.ContainsFunc(lost, func(other object) bool { return keyOf(other) == keyOf(i) }) {
			i["outcome"], i["money_tx_id"] = "granted", fmt.Sprint(i["money_tx_id"], "-again")
		}
	}
	return got
}

// afterDeadline is a ledger that says of a request whose deadline has passed that it was not applied, and applies it.
func afterDeadline(_ context.Context, _ *planted, _ string, body object, forward func(object) reply) reply {
	probe := object{"idempotency_key": "probe:" + rand.Text(), "member_id": "probe", "amount": 1}
	judged := forward(object{"items": []any{probe}, "deadline": body["deadline"], "budget_ms": body["budget_ms"]})
	if judged.status != http.StatusGatewayTimeout {
		return forward(body)
	}
	delete(body, "deadline")
	delete(body, "budget_ms")
	forward(body)
	return judged
}

// blindAfterDeadline is a ledger that looks at the deadline before it looks at the keys.
func blindAfterDeadline(_ context.Context, _ *planted, _ string, body object, forward func(object) reply) reply {
	probe := object{"idempotency_key": "probe:" + rand.Text(), "member_id": "probe", "amount": 1}
	judged := forward(object{"items": []any{probe}, "deadline": body["deadline"], "budget_ms": body["budget_ms"]})
	if judged.status == http.StatusGatewayTimeout {
		return judged
	}
	return forward(body)
}

// burnsKeys is a ledger that refuses a key for ever that it refused once.
func burnsKeys(_ context.Context, p *planted, route string, body object, forward func(object) reply) reply {
	got := forward(body)
	if !strings.HasSuffix(route, "/grants") {
		return got
	}
	for _, i := range items(got.body) {
		if i["outcome"] == "refused" {
			p.note(keyOf(i), "refused")
		} else if p.noted(keyOf(i)) == "refused" {
			i["outcome"], i["error_code"] = "refused", "refused_before"
		}
	}
	return got
}

// foldsKeys is a ledger whose database takes upper and lower case for one.
func foldsKeys(_ context.Context, _ *planted, _ string, body object, forward func(object) reply) reply {
	var asked []string
	keys, _ := body["idempotency_keys"].([]any)
	for i, key := range keys {
		asked = append(asked, fmt.Sprint(key))
		keys[i] = strings.ToLower(fmt.Sprint(key))
	}
	for _, i := range items(body) {
		asked = append(asked, keyOf(i))
		i["idempotency_key"] = strings.ToLower(keyOf(i))
	}
	got := forward(body)
	for n, i := range items(got.body) {
		i["idempotency_key"] = asked[n]
	}
	return got
}

// isAnother is a ledger that says who it is, and does not care who is meant.
func isAnother(_ context.Context, _ *planted, route string, body object, forward func(object) reply) reply {
	if route == "identity" {
		return reply{http.StatusOK, "application/json", object{"ledger_id": "acme"}}
	}
	return forward(body)
}

// Each check that a fault concerns is red, and no other.
func TestPlantedLedgers(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		fault fault
		red   []string
	}{
		"forgets keys": {forgetsKeys, []string{"at_once", "conflict", "deadline", "lost_answer", "replay", "vouchers"}},
		"answers other amounts": {otherAmounts, []string{
			"amounts", "at_once", "conflict", "deadline", "exact_keys", "largest_batch", "lookup", "lost_answer",
			"member_ids", "mixed_items",
			"refused_key", "replay", "twice_in_a_batch", "vouchers",
		}},
		"grants twice after a time-out":   {twiceAfterTimeout, []string{"lost_answer"}},
		"applies after its deadline":      {afterDeadline, []string{"deadline"}},
		"blind after its deadline":        {blindAfterDeadline, []string{"deadline"}},
		"burns the key of a refused item": {burnsKeys, []string{"refused_key"}},
		"takes two keys for one":          {foldsKeys, []string{"exact_keys"}},
		"does not care who is meant":      {isAnother, []string{"another_ledger"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(&planted{Ledger: exampleledger.Ledger{Token: "token"}, fault: tt.fault})
			t.Cleanup(server.Close)
			var red []string
			for _, c := range conformance.Checks() {
				if err := c.Run(t.Context(), conformance.Ledger{URL: server.URL, Token: "token"}); err != nil {
					t.Log(err)
					red = append(red, c.Name)
				}
			}
			slices.Sort(red)
			require.Equal(t, tt.red, red)
		})
	}
}
