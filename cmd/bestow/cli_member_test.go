package main

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"testing"
	"time"

	"bestow/cmd/bestow/terminal"
	"bestow/money"
	"bestow/money/moneydb"
	"bestow/money/moneyhttp/wire"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"
)

// earned saves points for a member, whose lots are P1, P2, …
func (s *shell) earned(member string, expiry *time.Time, amounts ...int64) {
	s.Helper()
	ledger, err := moneydb.New(moneydb.Config{Pool: s.pool})
	require.NoError(s, err)
	for _, amount := range amounts {
		_, err := ledger.Save(s.Context(),
			time.Now().Add(time.Minute), money.Item{
				Key: s.Name() + member + time.Now().String(), MemberID: member,
				Amount: amount, TypeCode: "BUY", Ref: "주문-1", Reason: "봄 축제", ExpiryAt: expiry,
			})
		require.NoError(s, err)
	}
}

var txID = regexp.MustCompile(`P[0-9]+`)

var newKey = regexp.MustCompile(`[a-z2-7]{26}`)

// A support person sees what a member has, uses points of the member, and undoes it in parts.
func TestCommandLineMember(t *testing.T) {
	t.Parallel()
	s := ledgerShell(t)
	seoul, err := time.LoadLocation("Asia/Seoul")
	require.NoError(t, err)
	expiry := time.Date(2126, 12, 1, 0, 0, 0, 0, seoul)
	s.earned("회원", nil, 1000)
	s.earned("회원", &expiry, 2000)

	out, errs := s.done("member balance 회원")
	require.Equal(t,
		"member_id  회원\nbalance    3,000\nowed       0\n\nEXPIRES                  POINTS\n2126-12-01 00:00:00 "+
			"KST  2,000\n", out)
	require.Empty(t, errs)
	out, errs = s.done("member use 회원 2500 --ref 주문-3 --type-code SHOP --reason 티켓")
	require.Equal(t,
		"money_tx_id  P3\nused         2,500\nbalance      500\nlots         -1,000 of save P1\n             -1,500 "+
			"of save P2\n", out)
	require.Equal(t, "idempotency key: KEY\nto undo it: bestow member cancel 회원 P3\n",
		newKey.ReplaceAllString(errs, "KEY"))

	out, errs = s.done("member cancel 회원 P3 --amount 600 --dry-run")
	require.Equal(t,
		"undoes             P3, use of 2,500 on NOW, ref 주문-3\nreason             티켓\ngiven back before  0\ncan be "+
			"given back  2,500\nwould give back    600\nlots               -1,000 of save P1\n                   "+
			"-1,500 of save P2\n", timeless(out))
	require.Equal(t, "nothing was changed; the same command without --dry-run does it\n", errs)
	out, _ = s.done("member cancel 회원 P3 --amount 600")
	back := txID.FindString(out)
	require.Equal(t, "money_tx_id  "+back+
		"\nundoes       P3, use of 2,500 on NOW, ref 주문-3\ngiven_back   600\nbalance      1,100\nlots         600 "+
		"of save P2\n", timeless(out))
	out, _ = s.done("member cancel 회원 P3 --dry-run")
	require.Contains(t, out,
		"given back before  600\ncan be given back  1,900\nwould give back    all that is left of it\n")
	out, _ = s.done("member cancel 회원 P1 --on-used debt --dry-run")
	require.Contains(t, out,
		"taken back before  0\ncan be cancelled   1,000\nwould take back    0\nexpired before     0\nwas spent       "+
			"   1,000: the member owes them, and pays as soon as there are points\n")
	out, _ = s.done("member cancel 회원 P1 --on-used debt --reason 회수")
	debt := txID.FindString(out)
	require.Equal(t, "money_tx_id  "+debt+
		"\nundoes       P1, save of 1,000 on NOW, ref 주문-1\ntaken_back   0\nexpired      0\nuncollected  "+
		"1,000\nbalance      100\n", timeless(out))
	out, _ = s.done("member balance 회원")
	require.Contains(t, out,
		"owed       1,000, taken from the member's points as they come; the balance is less by it\n")

	const head = "ID  KIND         POINTS  CREATED                  VALID THROUGH  TYPE  REF     UNDOES  REASON\n"
	out, errs = s.done("member history 회원 --limit 3")
	require.Equal(t, head+
		debt+"  save_cancel  0       NOW  -              BUY   주문-1  P1      회수\n"+
		back+"  use_cancel   600     NOW  -              SHOP  주문-3  P3      -\n"+
		"P3  use          -2,500  NOW  -              SHOP  주문-3  -       티켓\n", timeless(out))
	require.Equal(t, "there are more: --cursor P3\n"+
		"the balance is 100: the member owes 1,000, which is no movement until it is paid\n", errs)
	out, errs = s.done("member history 회원 --cursor P3")
	require.Equal(t, "ID  KIND  POINTS  CREATED                  VALID THROUGH  TYPE  REF     UNDOES  REASON\n"+
		"P2  save  2,000   NOW  2126-11-30     BUY   주문-1  -       봄 축제\n"+
		"P1  save  1,000   NOW  -              BUY   주문-1  -       봄 축제\n", timeless(out))
	require.Empty(t, errs)
	out, _ = s.done("member history 회원 --kind use --from 2020-01-01T00:00:00 --to 2126-01-01T00:00:00Z -o json")
	var page wire.Movements
	require.NoError(t, json.Unmarshal([]byte(out), &page))
	require.Len(t, page.Items, 1)
	s.env["BESTOW_TIME_ZONE"] = "UTC"
	out, _ = s.done("member balance 회원")
	require.Contains(t, out, "2126-11-30 15:00:00 UTC  1,100\n")
}

// A repeat with the key of the first run changes nothing, and says so: to people and to programs.
func TestCommandLineMemberRepeats(t *testing.T) {
	t.Parallel()
	s := ledgerShell(t)
	s.earned("m", nil, 100)
	ledger := s.env["BESTOW_MONEY_URL"]
	for _, line := range []string{
		"member use m 30 --ref r --type-code SHOP", "member cancel m P2 --amount 10",
		"member cancel m P1 --amount 20",
	} {
		s.loseAnswer(ledger)
		code, out, errs := s.run(line)
		require.Equal(t, terminal.ExitFailed, code, errs)
		require.Empty(t, out)
		key := newKey.FindString(errs)
		require.Contains(t, errs, "idempotency key: "+key+"\nbestow: the ledger does not answer: ")
		require.Contains(t, errs, "run the same command again with --key "+key+
			": what was applied is not applied twice")
		code, out, errs = s.run(line + " -o json --key " + key)
		require.Equal(t, terminal.ExitFailed, code, errs)
		require.Empty(t, out)
		require.Regexp(t, `^{"detail":"the ledger does not answer: .*","code":"unavailable","hint":".* --key `+key+
			`: [^"]*"}\n$`, errs)

		s.env["BESTOW_MONEY_URL"] = ledger
		out, errs = s.done(line + " -o json --key " + key)
		require.Empty(t, errs)
		require.Contains(t, out, "\"idempotency_key\": \""+key+"\",\n  \"replayed\": true,\n  \"money_tx_id\": \"P")
		_, errs = s.done(line + " --key " + key)
		require.Contains(t, errs, "it was applied before under this key: nothing changed now\n")
	}
	out, _ := s.done("member balance m")
	require.Contains(t, out, "balance    60\n")
	_, errs := s.done("member use m 1 --ref r --type-code SHOP -o json")
	require.Regexp(t, `^{"idempotency_key":"[a-z2-7]{26}"}\n$`, errs)
}

// loseAnswer puts a proxy before the ledger that loses the answer to each change.
func (s *shell) loseAnswer(ledger string) {
	s.Helper()
	at, err := url.Parse(ledger)
	require.NoError(s, err)
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(at) },
		ModifyResponse: func(r *http.Response) error {
			if r.Request.Method == http.MethodPost {
				return errors.New("the line is cut")
			}
			return nil
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}
	server := httptest.NewServer(proxy)
	s.Cleanup(server.Close)
	s.env["BESTOW_MONEY_URL"] = server.URL
}
