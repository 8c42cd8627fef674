package domain_test

import (
	"testing"
	"time"

	"bestow/domain"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

const limit = 2

func settle(r domain.Result, try int, v domain.Verdict, own bool) domain.Result {
	return r.Settle(domain.Grant{Try: try}, domain.Outcome{Verdict: v, TxID: "P1", Code: "c", Message: "m"}, own, limit)
}

// What may overwrite what: the table of the data model, one line each.
func TestSettle(t *testing.T) {
	t.Parallel()
	none := domain.Result{}
	failed := domain.Result{Status: domain.Refused, RetryCount: 1}
	for name, c := range map[string]struct {
		before domain.Result
		try    int
		v      domain.Verdict
		own    bool
		want   domain.ResultStatus
		count  int
	}{
		"granted":                                   {none, 0, domain.Granted, true, domain.Succeeded, 0},
		"refused for now":                           {none, 0, domain.RefusedForNow, true, domain.Refused, 1},
		"refused for good":                          {none, 0, domain.RefusedForGood, true, domain.GivenUp, 1},
		"unknown":                                   {none, 0, domain.Unknown, true, domain.ResultPending, 0},
		"unknown of a retry keeps the count":        {failed, 1, domain.Unknown, true, domain.ResultPending, 1},
		"granted after a refusal":                   {failed, 1, domain.Granted, true, domain.Succeeded, 1},
		"refused again":                             {failed, 1, domain.RefusedForNow, true, domain.Refused, 2},
		"refused at the limit":                      {domain.Result{Status: domain.Refused, RetryCount: limit}, limit, domain.RefusedForNow, true, domain.GivenUp, limit + 1},
		"an old try changes nothing":                {failed, 0, domain.RefusedForNow, true, domain.Refused, 1},
		"an old try that was granted is a success":  {failed, 0, domain.Granted, true, domain.Succeeded, 1},
		"a success is final":                        {domain.Result{Status: domain.Succeeded, TxID: "P9"}, 0, domain.RefusedForGood, true, domain.Succeeded, 0},
		"granted beats given up":                    {domain.Result{Status: domain.GivenUp, RetryCount: 3}, 2, domain.Granted, true, domain.Succeeded, 3},
		"given up is final for a refusal":           {domain.Result{Status: domain.GivenUp, RetryCount: 3}, 3, domain.RefusedForNow, true, domain.GivenUp, 3},
		"without the claim a refusal is no refusal": {none, 0, domain.RefusedForNow, false, domain.ResultNone, 0},
		"without the claim unknown is nothing":      {none, 0, domain.Unknown, false, domain.ResultNone, 0},
		"without the claim granted is granted":      {none, 0, domain.Granted, false, domain.Succeeded, 0},
		"a contradiction sets aside":                {none, 0, domain.Contradicted, true, domain.Refused, 0},
		"contradicted again, given up":              {domain.Result{Status: domain.Refused, ErrorCode: domain.Mismatch}, 0, domain.Contradicted, true, domain.GivenUp, 0},
	} {
		after := settle(c.before, c.try, c.v, c.own)
		require.Equal(t, c.want, after.Status, name)
		require.Equal(t, c.count, after.RetryCount, name)
	}
}

func TestSuccessKeepsItsTransaction(t *testing.T) {
	t.Parallel()
	after := settle(domain.Result{Status: domain.Succeeded, TxID: "P9"}, 0, domain.Granted, true)
	require.Equal(t, "P9", after.TxID)
}

// A redrive is one try by a person: refused, it answers the redrive and stays given up.
func TestRedrive(t *testing.T) {
	t.Parallel()
	row := domain.Result{Status: domain.GivenUp, RetryCount: 3, Redrive: 1}
	g := domain.Grant{Try: 3, Redrive: 1}
	require.True(t, row.Admits(g, false), "at COMPLETED too")
	require.Equal(t, row, row.Settle(g, domain.Outcome{Verdict: domain.Unknown}, true, limit), "still to be answered")
	refused := row.Settle(g, domain.Outcome{Verdict: domain.RefusedForNow}, true, limit)
	require.Equal(t, domain.GivenUp, refused.Status)
	require.Equal(t, 1, refused.RedriveDone)
	require.False(t, refused.Admits(g, true), "answered")
	granted := row.Settle(g, domain.Outcome{Verdict: domain.Granted}, true, limit)
	require.Equal(t, domain.Counts{Success: 1, Fail: -1, RetrySuccess: 1}, domain.Change(row, granted))
}

// An unknown outcome of a redrive leaves it open and takes away what the row said of the asking before, such as that
// its member was asked for by itself: nobody died of this one.
func TestUnknownRedriveSaysSo(t *testing.T) {
	t.Parallel()
	row := domain.Result{Status: domain.GivenUp, RetryCount: 3, Redrive: 1, ErrorCode: "isolated"}
	g := domain.Grant{Try: 3, Redrive: 1}
	o := domain.Outcome{Verdict: domain.Unknown, Code: "bad_reply", Message: "said nothing"}
	want := row
	want.ErrorCode, want.Error = "bad_reply", "said nothing"
	require.Equal(t, want, row.Settle(g, o, true, limit))
	require.Equal(t, row, row.Settle(g, o, false, limit), "the claim was lost")
	require.True(t, want.Admits(g, false), "still to be answered")
}

// Whatever is delivered, in whatever order and however often: the counters stay a recount of the rows, a success is
// never lost, and a refusal is counted once for its try.
func TestAnyDeliveries(t *testing.T) {
	t.Parallel()
	verdicts := []domain.Verdict{
		domain.Unknown, domain.Granted, domain.RefusedForNow, domain.RefusedForGood,
		domain.Contradicted,
	}
	rapid.Check(t, func(rt *rapid.T) {
		r := domain.Result{}
		var sum domain.Counts
		for range rapid.IntRange(0, 30).Draw(rt, "deliveries") {
			g := domain.Grant{Try: rapid.IntRange(0, limit+1).Draw(rt, "try")}
			v := rapid.SampledFrom(verdicts).Draw(rt, "verdict")
			if !r.Admits(g, true) && v != domain.Granted {
				continue
			}
			after := r.Settle(g, domain.Outcome{Verdict: v, TxID: "P1"}, rapid.Bool().Draw(rt, "own"), limit)
			sum = sum.Add(domain.Change(r, after))
			require.GreaterOrEqual(rt, after.RetryCount, r.RetryCount)
			require.LessOrEqual(rt, after.RetryCount, limit+1)
			if r.Status == domain.Succeeded {
				require.Equal(rt, r, after, "a success is final")
			}
			r = after
		}
		require.Equal(rt, domain.Change(domain.Result{}, r), sum)
	})
}

func TestAdmits(t *testing.T) {
	t.Parallel()
	none := domain.Result{}
	require.True(t, none.Admits(domain.Grant{Try: 0}, true))
	require.False(t, none.Admits(domain.Grant{Try: 1}, true), "a retry of what was never asked")
	require.False(t, none.Admits(domain.Grant{Try: 0}, false), "not running")
	failed := domain.Result{Status: domain.Refused, RetryCount: 1}
	require.True(t, failed.Admits(domain.Grant{Try: 1}, true))
	require.False(t, failed.Admits(domain.Grant{Try: 0}, true), "the first try, delivered again")
	require.False(t, domain.Result{Status: domain.Succeeded}.Admits(domain.Grant{}, true))
	require.False(t, domain.Result{Status: domain.GivenUp}.Admits(domain.Grant{Redrive: 1}, true),
		"nobody asked for it")
}

func TestRetryWait(t *testing.T) {
	t.Parallel()
	p := domain.RetryPolicy{Limit: 5, Backoff: time.Minute}
	for n, want := range map[int]time.Duration{
		1: time.Minute, 2: 2 * time.Minute, 3: 4 * time.Minute,
		6: 32 * time.Minute, 7: time.Hour, 1000: time.Hour,
	} {
		require.Equal(t, want, p.Wait(n), n)
	}
	for asked, want := range map[time.Duration]time.Duration{
		0: 2 * time.Second, 20 * time.Second: 20 * time.Second,
		1000 * time.Hour: time.Minute,
	} {
		require.Equal(t, want, domain.UnknownWait(asked), asked)
	}
}

func TestKeyNamesEventAndMember(t *testing.T) {
	t.Parallel()
	require.Equal(t, "grant:42:0557418298", domain.Key(42, "0557418298"))
	require.NotEqual(t, domain.Key(1, "23"), domain.Key(12, "3"), "without a separator both would be 123")
}

// What a row's way adds to the counters: a success after a refusal counts as retried, one at the first try does not,
// and a redrive that succeeds takes its failure back.
func TestChange(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		before, after domain.Result
		want          domain.Counts
	}{
		"granted":            {domain.Result{}, domain.Result{Status: domain.Succeeded}, domain.Counts{Success: 1, Settled: 1}},
		"granted by a retry": {domain.Result{Status: domain.Refused, RetryCount: 1}, domain.Result{Status: domain.Succeeded, RetryCount: 1}, domain.Counts{Success: 1, RetrySuccess: 1, Settled: 1}},
		"refused":            {domain.Result{}, domain.Result{Status: domain.Refused, RetryCount: 1}, domain.Counts{}},
		"unknown":            {domain.Result{}, domain.Result{Status: domain.ResultPending}, domain.Counts{}},
		"given up":           {domain.Result{Status: domain.Refused, RetryCount: 5}, domain.Result{Status: domain.GivenUp, RetryCount: 6}, domain.Counts{Fail: 1, Settled: 1}},
		"a redrive":          {domain.Result{Status: domain.GivenUp, RetryCount: 1}, domain.Result{Status: domain.Succeeded, RetryCount: 1}, domain.Counts{Success: 1, Fail: -1, RetrySuccess: 1}},
	} {
		require.Equal(t, tt.want, domain.Change(tt.before, tt.after), name)
	}
}
