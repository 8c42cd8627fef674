package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"bestow/cmd/bestow/terminal"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/require"
)

// What cannot be is refused, and says what to do.
func TestCommandLineMemberRefusals(t *testing.T) {
	t.Parallel()
	s := ledgerShell(t)
	s.earned("m", nil, 100)
	s.earned("other", nil, 100)
	out, _ := s.done("member use m 40 --ref r --type-code SHOP --key k")
	use := txID.FindString(out)
	out, _ = s.done("member cancel m " + use + " --amount 10 --key back")
	back := txID.FindString(out)
	for line, want := range map[string]struct {
		code int
		errs string
	}{
		"member use m 71 --ref r --type-code SHOP": {terminal.ExitFailed, "the member can spend 70 points: fewer than the 71 asked for\n  `bestow member balance` shows"},
		"member use n 1 --ref r --type-code SHOP":  {terminal.ExitFailed, "can spend 0 points: fewer than the 1 asked for\n  the ledger has no movement of a member \"n\": check the id\n"},
		"member use m 1": {terminal.ExitUsage, "missing flags: --ref=REF, --type-code=CODE"},
		"member use m 1,000 --ref r --type-code SHOP":       {terminal.ExitUsage, `"1,000" is no number in digits only`},
		"member use m 0 --ref r --type-code SHOP":           {terminal.ExitFailed, "amount"},
		"member use m 41 --ref r --type-code SHOP --key=":   {terminal.ExitUsage, `--key is "": it must be 1 to 200 characters of text; leave it out for a new one`},
		"member cancel m P1 --key=a\x07":                    {terminal.ExitUsage, "--key is "},
		"member use m 41 --ref r --type-code SHOP --key k":  {terminal.ExitFailed, "was used for another member, amount or operation\n  leave --key out for a new use or cancel"},
		"member cancel other " + use:                        {terminal.ExitFailed, "the member has no such movement: take its id from the member's history\n  `bestow member history` lists"},
		"member cancel m P1 --on-expired-lot expire":        {terminal.ExitUsage, "--on-expired-lot counts where a use is cancelled, and P1 is a save"},
		"member cancel m " + use + " --on-used debt":        {terminal.ExitUsage, "--on-used counts where a save is cancelled, and " + use + " is a use"},
		"member cancel m " + use + " --amount 31":           {terminal.ExitFailed, "of this use 30 points can still be cancelled: fewer than the 31 asked for\n  leave --amount out"},
		"member cancel m " + use + " --amount 31 --dry-run": {terminal.ExitFailed, "of this use 30 points can still be cancelled"},
		"member cancel m " + use + " --amount 0":            {terminal.ExitUsage, "--amount is 0: it must be 1 or more; leave it out"},
		"member cancel m " + back:                           {terminal.ExitFailed, "only a use or a save can be cancelled, and this is a movement of kind use_cancel"},
		"member cancel m " + back + " --dry-run":            {terminal.ExitFailed, "only a use or a save can be cancelled, and this is a movement of kind use_cancel"},
		"member cancel m P1 --on-used refuse":               {terminal.ExitFailed, "\n  --on-used remaining takes back what is left"},
		"member cancel m .. --dry-run":                      {terminal.ExitFailed, "the member has no such movement"},
		"member history m --cursor x":                       {terminal.ExitFailed, "the cursor is not one that a page of this history has returned"},
		"member history m --limit 1001":                     {terminal.ExitUsage, "--limit is 1001"},
		"member history m --from today":                     {terminal.ExitUsage, `--from is "today": write a time as`},
		"member history m --kind grant":                     {terminal.ExitUsage, `--kind: "grant" is none of save, use, use_cancel, save_cancel, expire`},
		"member balance a\u202eb":                           {terminal.ExitFailed, "member"},
	} {
		code, out, errs := s.run(line)
		require.Equal(t, want.code, code, line)
		require.Contains(t, errs, want.errs, line)
		require.Empty(t, out, line)
	}
	out, _ = s.done("member balance m")
	require.Contains(t, out, "balance    70\n") // nothing of it was applied
}

// A member whom no movement knows has nothing, which is no error: the id may be wrong, and that is said.
func TestCommandLineMemberUnknown(t *testing.T) {
	t.Parallel()
	s := ledgerShell(t)
	s.earned("spent", nil, 5)
	s.done("member use spent 5 --ref r --type-code SHOP")
	const unknown = "the ledger has no movement of a member \"n\": check the id\n"
	out, errs := s.done("member balance n")
	require.Equal(t, "member_id  n\nbalance    0\nowed       0\nexpiring   -\n", out)
	require.Equal(t, unknown, errs)
	out, errs = s.done("member history n -o json")
	require.JSONEq(t, `{"items": []}`, out)
	require.Empty(t, errs)
	_, errs = s.done("member history n")
	require.Equal(t, unknown, errs)
	_, errs = s.done("member balance spent")
	require.Empty(t, errs)
	_, errs = s.done("member history spent --kind expire")
	require.Empty(t, errs)
}

// Programs read the preview of a cancel, in which cancels of other movements do not count.
func TestCommandLineMemberPreview(t *testing.T) {
	t.Parallel()
	s := ledgerShell(t)
	s.earned("m", nil, 100)
	var uses [2]string
	for n := range uses {
		out, _ := s.done("member use m 40 --ref r --type-code SHOP")
		uses[n] = txID.FindString(out)
		s.done("member cancel m " + uses[n] + " --amount 15")
		s.done("member cancel m " + uses[n] + " --amount 5")
	}
	s.done("member cancel m P1 --amount 7")
	s.done("member cancel m " + uses[1] + " --amount 20 --key rest")
	for _, line := range []string{" --dry-run", ""} {
		code, _, errs := s.run("member cancel m " + uses[1] + line)
		require.Equal(t, terminal.ExitFailed, code)
		require.Contains(t, errs, "all of this use has been cancelled already")
	}
	for line, want := range map[string]string{
		uses[0]:                         `"cancelled_before":20,"cancellable":20}`,
		"P1":                            `"cancelled_before":7,"cancellable":93,"would_cancel":{"cancelled":73,"expired":0,"uncollected":20,"owed":0}}`,
		"P1 --amount 80 --on-used debt": `"would_cancel":{"cancelled":73,"expired":0,"uncollected":7,"owed":7}}`,
		"P1 --amount 60":                `"would_cancel":{"cancelled":60,"expired":0,"uncollected":0,"owed":0}}`,
	} {
		out, _ := s.done("member cancel m " + line + " --dry-run -o json")
		plain := jsontext.Value(out)
		require.NoError(t, plain.Compact())
		require.Contains(t, string(plain), `{"movement":{"money_tx_id":"`+strings.Fields(line)[0]+`",`)
		require.Contains(t, string(plain), want)
	}
	out, _ := s.done("member balance m")
	require.Contains(t, out, "balance    73\n") // a preview changes nothing
}

// The cancels of one use are counted over all pages of a long history.
func TestCancelledBeforeReadsAllPages(t *testing.T) {
	t.Parallel()
	s := &shell{TB: t, env: map[string]string{"BESTOW_MONEY_TOKEN": moneyToken}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		const use = `{"money_tx_id": "P2", "kind": "use", "amount": -50, "type_code": "S", "created_at": "2026-01-01T00:00:00Z"}`
		const cancel = `{"money_tx_id": "P9", "kind": "use_cancel", "amount": 10, "undo": "P2", "created_at": "2026-01-02T00:00:00Z"}`
		answer := use
		switch cursor := r.URL.Query().Get("cursor"); {
		case r.URL.Path == "/money/v1/members/m/movements" && cursor == "":
			answer = `{"items": [` + cancel + `], "next_cursor": "P9"}`
		case cursor == "P9":
			answer = `{"items": [` + cancel + `], "next_cursor": "P1"}`
		case cursor != "":
			answer = "nothing is asked for that is older than the use"
		}
		_, _ = w.Write([]byte(answer))
	}))
	t.Cleanup(server.Close)
	s.env["BESTOW_MONEY_URL"] = server.URL
	out, _ := s.done("member cancel m P2 --dry-run")
	require.Contains(t, out, "given back before  20\ncan be given back  30\n")
}
