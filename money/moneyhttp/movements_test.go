package moneyhttp_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"bestow/internal/moneytest"
	"bestow/money"
	"bestow/money/moneyhttp/wire"

	"github.com/stretchr/testify/require"
)

// said is an answer as a program reads it.
type said map[string]any

// post sends a body with a key of its own, or the given one, and expects the status.
func (b bundle) post(status int, path, key, body string) said {
	b.Helper()
	got := b.send("POST", "/money/v1"+path, body, with("Idempotency-Key", key))
	require.Equal(b, status, got.status, "%s %s: %s", path, body, got.body)
	require.Equal(b, map[int]string{200: "true"}[status], got.header.Get("Idempotency-Replayed"), path)
	return read(b, got)
}

func (b bundle) get(path string) said {
	b.Helper()
	got := b.send("GET", "/money/v1"+path, "")
	require.Equal(b, http.StatusOK, got.status, got.body)
	return read(b, got)
}

func read(tb testing.TB, r reply) (s said) {
	tb.Helper()
	require.NoError(tb, json.Unmarshal([]byte(r.body), &s))
	return s
}

// amounts are the amounts of a movement's lots.
func (s said) amounts() (all []float64) {
	lots, _ := s["lots"].([]any)
	for _, lot := range lots {
		l, _ := lot.(map[string]any)
		n, _ := l["amount"].(float64)
		all = append(all, n)
	}
	return all
}

func (b bundle) saved(member string, amounts ...int) (ids []string) {
	b.Helper()
	for n, amount := range amounts {
		s := b.post(201, "/members/"+url.PathEscape(member)+"/saves", fmt.Sprintf("save %s %d", member, n),
			fmt.Sprintf(`{"amount":%d,"type_code":"BUY","ref":"order %d","reason":"봄"}`, amount, n))
		id, _ := s["money_tx_id"].(string)
		ids = append(ids, id)
	}
	return ids
}

// The two stories of the ledger's source, as curl tells them.
func TestStories(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.saved("one", 1000, 2000)
	used := b.post(201, "/members/one/uses", "use", `{"amount":2500,"type_code":"SHOP","ref":"order 9"}`)
	require.Equal(t, []float64{-1000, -1500}, used.amounts())
	require.InDelta(t, 500, used["balance"], 0)

	const member = "회원/둘" // percent-encoded in a path, with its slash
	path := "/members/" + url.PathEscape(member)
	saves := b.saved(member, 100, 200, 300)
	used = b.post(201, path+"/uses", "use two", `{"amount":500,"type_code":"SHOP","ref":"order 10"}`)
	require.Equal(t, []float64{-100, -200, -200}, used.amounts())
	require.InDelta(t, 100, b.get(path)["balance"], 0)
	require.Equal(t, member, b.get(path)["member_id"])

	again := b.post(200, path+"/uses", "use two", `{"amount":500,"type_code":"SHOP","ref":"order 10"}`)
	require.Equal(t, used["money_tx_id"], again["money_tx_id"])
	require.Equal(t, "key_conflict",
		b.post(409, path+"/uses", "use two", `{"amount":501,"type_code":"SHOP","ref":"order 10"}`)["code"])

	id, _ := used["money_tx_id"].(string)
	back := b.post(201, path+"/movements/"+id+"/cancel", "cancel", `{"amount":250}`)
	require.InDelta(t, 250, back["cancelled"], 0)
	require.Equal(t, []float64{200, 50}, back.amounts(), "the last that was taken comes back first")
	require.InDelta(t, 350, back["balance"], 0)
	back = b.post(201, "/movements/"+id+"/cancel", "cancel more", fmt.Sprintf(`{"member_id":%q}`, member))
	require.InDelta(t, 250, back["cancelled"], 0)

	claw := b.post(201, path+"/movements/"+saves[2]+"/cancel", "claw", `{"on_used":"refuse"}`)
	require.InDelta(t, 300, claw["cancelled"], 0)
	history := b.get(path + "/movements?limit=2")
	items, _ := history["items"].([]any)
	require.Len(t, items, 2)
	next, _ := history["next_cursor"].(string)
	rest := b.get(path + "/movements?cursor=" + next)
	require.Empty(t, rest["next_cursor"])
	older, _ := rest["items"].([]any)
	require.Len(t, older, 5)
	require.Len(t, b.get(path + "/movements?kind=save")["items"], 3)
	require.Empty(t, b.get(path + "/movements?from=2126-01-01T00:00:00Z")["items"])
	require.Equal(t, []float64{-100, -200, -200}, b.get(path+"/movements/"+id).amounts())
}

// A member without movements has nothing, and is no error.
func TestUnknownMember(t *testing.T) {
	t.Parallel()
	b := setup(t)
	require.Equal(t, said{"member_id": "nobody", "balance": 0.0, "owed": 0.0, "expiring": []any{}},
		b.get("/members/nobody"))
	require.Equal(t, said{"items": []any{}}, b.get("/members/nobody/movements"))
}

// Each movement that is refused says why, by the ledger's code, and what there is.
func TestRefusedMovements(t *testing.T) {
	t.Parallel()
	b := setup(t)
	saves := b.saved("m", 100)
	used := b.post(201, "/members/m/uses", "used", `{"amount":60,"type_code":"SHOP","ref":"r"}`)
	id, _ := used["money_tx_id"].(string)
	for _, c := range []struct {
		status          int
		path, key, body string
		code, field     string
		left            any
	}{
		{422, "/members/m/uses", "k", `{"amount":41,"type_code":"SHOP","ref":"r"}`, "insufficient_balance", "balance", 40.0},
		{422, "/members/m/uses", "", `{"amount":1,"type_code":"SHOP","ref":"r"}`, "bad_key", "", nil},
		{422, "/members/m/uses", "grant:1:m", `{"amount":1,"type_code":"SHOP","ref":"r"}`, "bad_key", "", nil},
		{422, "/members/m/uses", "k", `{"amount":0,"type_code":"SHOP","ref":"r"}`, "bad_amount", "", nil},
		{422, "/members/m/uses", "k", `{"amount":1,"ref":"r"}`, "bad_type_code", "", nil},
		{422, "/members/m/saves", "k", `{"amount":1,"type_code":"BUY"}`, "bad_ref", "", nil},
		{422, "/members/m/saves", "k", `{"amount":1,"type_code":"BUY","ref":"r","policy_code":"none"}`, "unknown_policy", "", nil},
		{422, "/members/m/movements/" + id + "/cancel", "k", `{"amount":61}`, "over_cancelled", "cancellable", 60.0},
		{422, "/members/m/movements/" + id + "/cancel", "k", `{"amount":0}`, "bad_amount", "", nil},
		{422, "/members/m/movements/" + id + "/cancel", "k", `{"on_expired_lot":"keep"}`, "bad_choice", "", nil},
		{422, "/members/m/movements/" + saves[0] + "/cancel", "k", `{"on_used":"refuse"}`, "save_partly_used", "left", 40.0},
		{404, "/members/m/movements/P999/cancel", "k", `{}`, "unknown_movement", "", nil},
		{404, "/members/other/movements/" + id + "/cancel", "k", `{}`, "unknown_movement", "", nil},
		{400, "/members/m/uses", "k", `{"amount":1,"type_code":"SHOP","ref":"r","member_id":"m"}`, "malformed", "", nil},
		{504, "/members/m/uses", "k", ``, "deadline", "", nil},
	} {
		change := []func(*http.Request){with("Idempotency-Key", c.key)}
		if c.status == 504 {
			c.body, change = `{"amount":1,"type_code":"SHOP","ref":"r"}`, append(change,
				with("Bestow-Deadline", "2026-01-01T00:00:00Z"))
		}
		got := b.send("POST", "/money/v1"+c.path, c.body, change...)
		require.Equal(t, c.status, got.status, "%s %s: %s", c.path, c.body, got.body)
		require.Equal(t, wire.ProblemType, got.header.Get("Content-Type"))
		require.Equal(t, c.code, read(t, got)["code"], c.body)
		if c.field != "" {
			require.Equal(t, c.left, read(t, got)[c.field], c.body)
		}
	}
	for query, code := range map[string]string{
		"limit=0": "bad_request", "limit=1001": "bad_request",
		"limit=x": "bad_request", "from=monday": "bad_request",
		"cursor=7": "bad_cursor", "kind=gift": "bad_kind", "sort=up": "bad_request",
	} {
		got := b.send("GET", "/money/v1/members/m/movements?"+query, "")
		require.Equal(t, http.StatusBadRequest, got.status, query)
		require.Equal(t, code, read(t, got)["code"], query)
	}
	require.InDelta(t, 40, b.get("/members/m")["balance"], 0, "nothing was applied")
}

// A member with more points than a number can hold is answered: the movement stands, also in its replay.
func TestMoreThanANumberHolds(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.saved("rich", 1, 1)
	_, err := b.pool.Exec(t.Context(), `SET session_replication_role = replica;
		UPDATE money.point_lot SET point = 9223372036854775807, remaining = 9223372036854775807`)
	require.NoError(t, err)
	for _, status := range []int{201, 200} {
		s := b.post(status, "/members/rich/saves", "more", `{"amount":5,"type_code":"BUY","ref":"r"}`)
		require.Equal(t, float64(1<<63-1), s["balance"])
	}
	b.post(201, "/members/rich/uses", "use", `{"amount":5,"type_code":"SHOP","ref":"r"}`)
}

// Saves of many members are cancelled in one request, each answered by itself.
func TestCancelsOfABatch(t *testing.T) {
	t.Parallel()
	b := setup(t)
	one, two := b.saved("one", 100), b.saved("two", 200)
	b.post(201, "/members/two/uses", "used", `{"amount":150,"type_code":"SHOP","ref":"r"}`)
	body := fmt.Sprintf(`{"items":[
		{"idempotency_key":"c1","member_id":"one","money_tx_id":%q},
		{"idempotency_key":"c2","member_id":"two","money_tx_id":%q,"on_used":"debt"},
		{"idempotency_key":"c3","member_id":"two","money_tx_id":%q,"amount":0},
		{"idempotency_key":"c4","member_id":"two","money_tx_id":"P999"}]}`, one[0], two[0], two[0])
	got := b.send("POST", "/money/v1/points/cancels", body)
	require.Equal(t, http.StatusOK, got.status, got.body)
	outcomes := func(r reply) (all []string) {
		items, _ := read(t, r)["items"].([]any)
		for _, i := range items {
			item, _ := i.(map[string]any)
			all = append(all, strings.TrimSpace(fmt.Sprint(item["outcome"], " ", item["error_code"])))
		}
		return all
	}
	require.Equal(t, []string{"cancelled <nil>", "cancelled <nil>", "refused bad_amount", "refused unknown_movement"},
		outcomes(got))
	got = b.send("POST", "/money/v1/points/cancels", body)
	require.Equal(t, []string{"replayed <nil>", "replayed <nil>", "refused bad_amount", "refused unknown_movement"},
		outcomes(got))
	require.InDelta(t, -150, b.get("/members/two")["balance"], 0)
	require.InDelta(t, 150, b.get("/members/two")["owed"], 0)
	got = b.send("POST", "/money/v1/points/cancels", `{}`)
	require.Equal(t, "invalid", read(t, got)["code"])
}

// Vouchers are cancelled over HTTP as in this process, and no list has their codes.
func TestVoucherCancels(t *testing.T) {
	t.Parallel()
	b := setup(t)
	granted, err := b.client.GrantVouchers(t.Context(), moneytest.Soon(), items(3))
	require.NoError(t, err)
	asked := []money.VoucherCancel{
		{Key: "c1", MemberID: granted[0].MemberID, TxID: granted[0].TxID, Reason: "실수", Ref: "9"},
		{Key: "c1", MemberID: granted[1].MemberID, TxID: granted[1].TxID},
		{Key: "c2", MemberID: granted[1].MemberID, TxID: granted[0].TxID},
		{Key: "c1", MemberID: granted[0].MemberID, TxID: granted[0].TxID},
	}
	answers, err := b.client.CancelVouchers(t.Context(), moneytest.Soon(), asked)
	require.NoError(t, err)
	require.Equal(t, money.VoucherCancelAnswer{Key: "c1", Outcome: money.Undone, TxID: granted[0].TxID, Amount: 1000},
		answers[0])
	require.Equal(t, []money.Outcome{money.Conflict, money.Refused, money.Replayed},
		[]money.Outcome{answers[1].Outcome, answers[2].Outcome, answers[3].Outcome})
	require.Equal(t, money.UnknownVoucher, answers[2].Refusal.Code)
	again, err := b.ledger.CancelVouchers(t.Context(), moneytest.Soon(), asked)
	require.NoError(t, err)
	answers[0].Outcome = money.Replayed
	require.Equal(t, again, answers, "the client says the same as the ledger")

	found, err := b.client.LookupVouchers(t.Context(), []string{granted[0].Key, granted[1].Key})
	require.NoError(t, err)
	require.Equal(t, []money.VoucherState{money.VoucherCancelled, money.VoucherIssued},
		[]money.VoucherState{found[0].State, found[1].State})
	path := "/members/" + url.PathEscape(granted[0].MemberID) + "/vouchers"
	list := b.send("GET", "/money/v1"+path, "")
	require.Contains(t, list.body, `"voucher_state":"CANCELLED"`)
	require.NotContains(t, list.body, granted[0].Voucher.Code)
	require.NotContains(t, list.body, granted[0].Voucher.PIN)
	require.Equal(t, said{"items": []any{}}, b.get("/members/nobody/vouchers"))

	late, err := b.client.CancelVouchers(t.Context(), time.Now().Add(-time.Minute), asked)
	require.NoError(t, err)
	require.Equal(t, answers, late, "a replay needs no deadline")
	more := []money.VoucherCancel{{Key: "c3", MemberID: granted[2].MemberID, TxID: granted[2].TxID}}
	_, err = b.client.CancelVouchers(t.Context(), time.Now().Add(-time.Minute), more)
	require.ErrorIs(t, err, money.ErrDeadline)
	_, err = b.client.CancelVouchers(t.Context(), moneytest.Soon(), make([]money.VoucherCancel, money.MaxCancels+1))
	require.ErrorIs(t, err, money.ErrTooMany)
	for body, code := range map[string]string{
		`{}`: "invalid", `{"items":[{"key":"x"}]}`: "malformed",
		`{"items":[` + strings.Repeat(`{"idempotency_key":"k","member_id":"m","money_tx_id":"V1"},`, 1000) +
			`{"idempotency_key":"k","member_id":"m","money_tx_id":"V1"}]}`: "too_many_items",
	} {
		got := read(t, b.send("POST", "/money/v1/vouchers/cancels", body))
		require.Equal(t, code, got["code"])
		if code == "too_many_items" {
			require.Contains(t, got["detail"], "1001, and 1000 is the most")
		}
	}
	for query, code := range map[string]string{"limit=0": "bad_request", "cursor=P1": "bad_cursor"} {
		require.Equal(t, code, read(t, b.send("GET", "/money/v1"+path+"?"+query, ""))["code"])
	}
}

// The client cancels saves as the ledger in this process does.
func TestCancelSavesByTheClient(t *testing.T) {
	t.Parallel()
	b := setup(t)
	saves := b.saved("m", 100, 200)
	b.post(201, "/members/m/uses", "used", `{"amount":150,"type_code":"SHOP","ref":"r"}`)
	asked := []money.Cancel{
		{Key: "c1", MemberID: "m", TxID: saves[0]},
		{Key: "c2", MemberID: "m", TxID: saves[1], Amount: 200, OnUsed: money.OweUsed, Reason: "봄"},
		{Key: "c3", MemberID: "m", TxID: saves[1], Amount: 1},
		{Key: "c1", MemberID: "m", TxID: saves[1]},
	}
	answers, err := b.client.CancelSaves(t.Context(), moneytest.Soon(), asked)
	require.NoError(t, err)
	require.Equal(t, []money.Outcome{money.Undone, money.Undone, money.Refused, money.Conflict},
		[]money.Outcome{answers[0].Outcome, answers[1].Outcome, answers[2].Outcome, answers[3].Outcome})
	require.EqualValues(t, []int64{150, 50}, []int64{answers[1].Cancelled.Cancelled, answers[1].Uncollected})
	again, err := b.ledger.CancelSaves(t.Context(), moneytest.Soon(), asked)
	require.NoError(t, err)
	for n := range 2 {
		require.Equal(t, again[n].TxID, answers[n].TxID)
		require.Equal(t, again[n].Cancelled.Cancelled, answers[n].Cancelled.Cancelled)
		require.Equal(t, again[n].Kind, answers[n].Kind)
	}
	require.Equal(t, money.OverCancelled, answers[2].Refusal.Code)
}
