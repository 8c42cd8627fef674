package moneyclient_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"bestow/money"
	"bestow/money/moneyclient"
	"bestow/money/moneyhttp/wire"

	"github.com/stretchr/testify/require"
)

// strange is a client of a ledger that answers as the handler does.
func strange(tb testing.TB, answer http.HandlerFunc) *moneyclient.Client {
	tb.Helper()
	at := httptest.NewUnstartedServer(answer)
	at.Config.ErrorLog = log.New(io.Discard, "", 0)
	at.Start()
	tb.Cleanup(func() {
		at.CloseClientConnections()
		at.Close()
	})
	return newClient(tb, moneyclient.Config{URL: at.URL, Token: token})
}

// says answers with a status, a content type and a body.
func says(status int, kind, body string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		for n := 0; n < len(headers); n += 2 {
			w.Header().Set(headers[n], headers[n+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

const (
	jsonType    = "application/json"
	problemType = "application/problem+json"
	oneAnswer   = `{"items":[{"idempotency_key":"k","outcome":"granted","money_tx_id":"T1","member_id":"m","amount":1}]}`
)

// What a ledger replies is worth what it proves: nothing was applied, or it is unknown what was. Never more.
func TestRepliesThatAreNoAnswers(t *testing.T) {
	t.Parallel()
	type unclear = moneyclient.UnclearError
	type refused = moneyclient.RefusedError
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   error // nil: unknown, by whatever error
		says   string
		alone  time.Duration // how long the ledger wants to be left alone; -1: it is left alone, and did not say how long
	}{
		"HTML":             {answer: says(200, "text/html", "<html>"), want: &unclear{200, "it is not application/json", 0}},
		"HTML as JSON":     {answer: says(200, jsonType, "<html>"), want: &unclear{200, "it is not the JSON of the route", 0}},
		"empty":            {answer: says(200, jsonType, ""), want: &unclear{200, "it is not the JSON of the route", 0}},
		"no content type":  {answer: says(200, "", oneAnswer), want: &unclear{200, "it is not application/json", 0}},
		"amount as text":   {answer: says(200, jsonType, strings.Replace(oneAnswer, ":1}", `:"1"}`, 1)), want: &unclear{200, "it is not the JSON of the route", 0}},
		"a name twice":     {answer: says(200, jsonType, strings.Replace(oneAnswer, `"T1"`, `"T1","money_tx_id":"T2"`, 1)), want: &unclear{200, "it is not the JSON of the route", 0}},
		"half of it":       {answer: says(200, jsonType, oneAnswer[:50]), want: &unclear{200, "it is not the JSON of the route", 0}},
		"two of it":        {answer: says(200, jsonType, oneAnswer+oneAnswer), want: &unclear{200, "it is not the JSON of the route", 0}},
		"cut off":          {answer: cutOff, says: "unexpected EOF"},
		"17 MiB":           {answer: tooMuch, want: &unclear{200, "it is over 16 MiB", 0}},
		"a byte at a time": {answer: slowly, says: "deadline exceeded"},
		"no answer":        {answer: func(_ http.ResponseWriter, r *http.Request) { waitFor(r) }, says: "deadline exceeded"},
		//nolint:forbidigo // cuts the connection
		"reset":               {answer: func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, says: "EOF"},
		"201":                 {answer: says(201, jsonType, oneAnswer), want: &unclear{201, "it is not 200", 0}},
		"204":                 {answer: says(204, "", ""), want: &unclear{204, "it is not 200", 0}},
		"301":                 {answer: says(301, "", "", "Location", "/elsewhere"), want: &unclear{301, "redirects are not followed", 0}},
		"307":                 {answer: says(307, "", "", "Location", "/elsewhere"), want: &unclear{307, "redirects are not followed", 0}},
		"400":                 {answer: says(400, problemType, `{"code":"malformed","detail":"no"}`), want: &refused{400, "malformed", "no", 0, "", nil}},
		"401":                 {answer: says(401, problemType, `{"code":"unauthorized","detail":"no"}`), want: &refused{401, "unauthorized", "no", 0, "", nil}, alone: -1},
		"403 of a proxy":      {answer: says(403, "text/html", "<html>"), want: &refused{403, "", "", 0, "", nil}, alone: -1},
		"404":                 {answer: says(404, "text/plain", "no"), want: &refused{404, "", "", 0, "", nil}, alone: -1},
		"409":                 {answer: says(409, problemType, `{"code":"other_installation"}`), want: &refused{409, "other_installation", "", 0, "", nil}, alone: -1},
		"429":                 {answer: says(429, problemType, `{"code":"slow_down"}`, "Retry-After", "7"), want: &refused{429, "slow_down", "", 7 * time.Second, "", nil}, alone: 7 * time.Second},
		"429 for a day":       {answer: says(429, "", "", "Retry-After", "86400"), want: &refused{429, "", "", 5 * time.Minute, "", nil}, alone: 5 * time.Minute},
		"429 until then":      {answer: says(429, "", "", "Retry-After", "Mon, 02 Jan 2006 15:04:05 GMT"), want: &refused{429, "", "", 0, "", nil}, alone: -1},
		"500":                 {answer: says(500, problemType, `{"code":"unknown_outcome","detail":"hm"}`), want: &unclear{500, "unknown_outcome: hm", 0}},
		"502 of a proxy":      {answer: says(502, "text/html", "<html>"), want: &unclear{502, "it is not 200", 0}},
		"503 of a proxy":      {answer: says(503, "text/html", "<html>", "Retry-After", "3"), want: &unclear{503, "it is not 200", 3 * time.Second}, alone: 3 * time.Second},
		"503 of the ledger":   {answer: says(503, problemType, `{"code":"unavailable"}`, "Retry-After", "1"), want: &refused{503, "unavailable", "", time.Second, "", nil}, alone: time.Second},
		"504 of a proxy":      {answer: says(504, "text/html", "<html>"), want: &unclear{504, "it is not 200", 0}},
		"504 of the ledger":   {answer: says(504, problemType, `{"code":"deadline"}`), want: money.ErrDeadline},
		"too many":            {answer: says(422, problemType, `{"code":"too_many_items"}`), want: money.ErrTooMany},
		"no key":              {answer: says(409, problemType, `{"code":"missing_keys"}`), want: money.ErrNoMaster},
		"too many, of a 500":  {answer: says(500, problemType, `{"code":"too_many_items"}`), want: &unclear{500, "too_many_items: ", 0}},
		"no key, of a 502":    {answer: says(502, problemType, `{"code":"missing_keys"}`), want: &unclear{502, "missing_keys: ", 0}},
		"a code that lies":    {answer: says(500, problemType, `{"code":"deadline"}`), want: &unclear{500, "deadline: ", 0}},
		"a code that runs on": {answer: says(400, problemType, `{"code":"a\nb"}`), want: &refused{400, "", "", 0, "", nil}},
		"all that it says": {
			answer: says(422, problemType,
				`{"code":"invalid","detail":"no","hint":"do\n so","errors":[{"location":"body.a","message":"is\tnot"}]}`),
			want: &refused{
				422, "invalid", "no", 0, "do so",
				[]wire.FieldError{{Location: "body.a", Message: "is not"}},
			},
		},
		"a long story": {
			answer: says(400, problemType, `{"code":"no","detail":"`+strings.Repeat("가", 1000)+`"}`),
			want:   &refused{400, "no", strings.Repeat("가", 300), 0, "", nil},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := strange(t, c.answer)
			for route, ask := range map[string]func(context.Context) error{
				"grant": func(ctx context.Context) error {
					_, err := client.GrantPoints(ctx, soon(), items(1))
					return err
				},
				"lookup": func(ctx context.Context) error {
					_, err := client.LookupVouchers(ctx, []string{"k"})
					return err
				},
			} {
				patience := time.Minute
				if c.says == "deadline exceeded" {
					patience = 300 * time.Millisecond
				}
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				err := ask(ctx)
				cancel()
				require.Error(t, err, route)
				if c.want != nil {
					require.Equal(t, c.want, err, route)
				}
				require.Contains(t, err.Error(), c.says, route)
				alone, leave := moneyclient.LeaveAlone(err)
				require.Equal(t, c.alone != 0, leave, route)
				require.Equal(t, max(0, c.alone), alone, route)
			}
		})
	}
}

// An answer that can be no ledger's answer to the batch is none, however well its JSON reads: the ledger counts as
// away, and people are told why. One odd answer among others is its own item's.
func TestAnswersToAnotherQuestion(t *testing.T) {
	t.Parallel()
	const good = `{"outcome":"granted","money_tx_id":"T1"}`
	for name, c := range map[string]struct{ items, why string }{
		"each twice":             {good + "," + good + "," + good + "," + good, "it has 4 answers to 2 items"},
		"one is missing":         {good, "it has 1 answers to 2 items"},
		"none":                   {"", "it has 0 answers to 2 items"},
		"no ids":                 {`{"outcome":"granted"},{"outcome":"replayed"}`, "its answers have no money_tx_id"},
		"another word":           {`{"outcome":"ok"},{"outcome":"ok"}`, `its answers have the outcome "ok"`},
		"one without an id":      {good + `,{"outcome":"granted"}`, ""},
		"one with another word":  {good + `,{"outcome":"ok"}`, ""},
		"all refused":            {`{"outcome":"refused"},{"outcome":"conflict"}`, ""},
		"one refused, one bare ": {`{"outcome":"refused"},{"outcome":"granted"}`, ""},
	} {
		_, err := strange(t, says(200, jsonType, `{"items":[`+c.items+`]}`)).GrantPoints(t.Context(), soon(), items(2))
		if c.why == "" {
			require.NoError(t, err, name)
			continue
		}
		require.Equal(t, &moneyclient.UnclearError{Status: 200, Why: c.why}, err, name)
	}
}

// So is one of cancels: an answer of another item would be taken for that of this one.
func TestAnswersToOtherCancels(t *testing.T) {
	t.Parallel()
	client := strange(t, says(200, jsonType, `{"items":[{"outcome":"cancelled"}]}`))
	want := &moneyclient.UnclearError{Status: 200, Why: "it has 1 answers to 2 items"}
	_, err := client.CancelSaves(t.Context(), soon(), make([]money.Cancel, 2))
	require.Equal(t, want, err)
	_, err = client.CancelVouchers(t.Context(), soon(), make([]money.VoucherCancel, 2))
	require.Equal(t, want, err)
}

// Only the word granted says that a key is known, and only unknown_key that it is not.
func TestLookupsWithAnotherWord(t *testing.T) {
	t.Parallel()
	for word, known := range map[string]bool{"granted": true, "unknown_key": false} {
		found, err := strange(t, says(200, jsonType,
			`{"items":[{"outcome":"`+word+`","money_tx_id":"T1"}]}`)).LookupPoints(t.Context(), []string{"k"})
		require.NoError(t, err)
		require.Equal(t, known, found[0].Known, word)
	}
	for _, word := range []string{"pending", "refused", "not_found", ""} {
		_, err := strange(t, says(200, jsonType, `{"items":[{"outcome":"`+word+`","money_tx_id":"T1"}]}`)).LookupPoints(
			t.Context(), []string{"k"})
		var unclear *moneyclient.UnclearError
		require.ErrorAs(t, err, &unclear, word)
	}
}

// Another ledger's answer is none, even where it does not refuse to answer.
func TestAnotherLedgerAnswers(t *testing.T) {
	t.Parallel()
	client := strange(t, says(200, jsonType, oneAnswer, "Bestow-Ledger", "other"))
	client.Expect("ours")
	_, err := client.GrantPoints(t.Context(), soon(), items(1))
	require.ErrorContains(t, err, `another ledger answered: "other"`)
	client.Expect("other")
	_, err = client.GrantPoints(t.Context(), soon(), items(1))
	require.NoError(t, err)
}

// waitFor waits until the client has gone.
func waitFor(r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body) // so that the server notices
	<-r.Context().Done()
}

func cutOff(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", jsonType)
	w.Header().Set("Content-Length", "1000")
	_, _ = io.WriteString(w, oneAnswer)
}

func tooMuch(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", jsonType)
	blank := strings.Repeat(" ", 1<<20)
	for range 17 {
		if _, err := io.WriteString(w, blank); err != nil {
			return
		}
	}
}

func slowly(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	w.Header().Set("Content-Type", jsonType)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for range 1000 {
		if _, err := io.WriteString(w, " "); err != nil || http.NewResponseController(w).Flush() != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-tick.C:
		}
	}
}

// A redirect is not followed: where it leads to is never asked, and gets no token.
func TestNoRedirect(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	t.Cleanup(elsewhere.Close)
	client := strange(t, says(307, "", "", "Location", elsewhere.URL))
	_, err := client.GrantPoints(t.Context(), soon(), items(1))
	require.ErrorContains(t, err, "redirects are not followed")
	require.Zero(t, asked.Load())
}

// An answer with fields that are not known yet is read all the same.
func TestNewFieldsAreReadOver(t *testing.T) {
	t.Parallel()
	client := strange(t, says(200, jsonType+"; charset=utf-8",
		strings.Replace(oneAnswer, `"amount"`, `"colour":{"red":1},"amount"`, 1)))
	got, err := client.GrantPoints(t.Context(), soon(), items(1))
	require.NoError(t, err)
	require.Equal(t, []money.Answer{{Key: "k", Outcome: money.Granted, TxID: "T1", MemberID: "m", Amount: 1}}, got)
}

// A request says until when, how long, for whom and to which ledger; and the connection is used again.
func TestRequest(t *testing.T) {
	t.Parallel()
	type seen struct {
		header http.Header
		body   string
		from   string
	}
	requests := make(chan seen, 2)
	at := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		requests <- seen{r.Header, r.URL.Path + " " + string(body), r.RemoteAddr}
		says(200, jsonType, oneAnswer)(w, r)
	}))
	t.Cleanup(at.Close)
	client := newClient(t, moneyclient.Config{URL: at.URL + "/ledger/", Token: token, Installation: installation})
	client.Expect("L1")
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	t.Cleanup(cancel)
	deadline := time.Date(2126, 1, 2, 3, 4, 5, 600, time.UTC)
	for range 2 {
		_, err := client.GrantPoints(ctx, deadline, items(1))
		require.NoError(t, err)
	}
	first, second := <-requests, <-requests
	require.Equal(t, first.from, second.from, "one connection")
	require.Equal(t, "Bearer "+token, first.header.Get("Authorization"))
	require.Equal(t, installation, first.header.Get("Bestow-Installation"))
	require.Equal(t, "L1", first.header.Get("Bestow-Ledger"))
	var ms int
	_, err := fmt.Sscanf(first.body,
		`/ledger/money/v1/points/grants {"deadline":"2126-01-02T03:04:05.0000006Z","budget_ms":%d,"items":[{"idempotency_key"`, &ms)
	require.NoError(t, err, first.body)
	require.True(t, 4000 < ms && ms <= 5000, "%d ms", ms)
}

// A ledger's address that would send the token astray is refused.
func TestAddresses(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{
		"", "money", "money:8081", "//money", "ftp://money", "http://",
		"http://user:pass@money", "https://money?x=1", "https://money#x", "http://a b",
	} {
		_, err := moneyclient.New(moneyclient.Config{URL: bad, Token: token})
		require.Error(t, err, bad)
		require.NotContains(t, err.Error(), "user:")
	}
	_, err := moneyclient.New(moneyclient.Config{URL: "http://money"})
	require.ErrorContains(t, err, "token")
}
