package main

import (
	"testing"

	"bestow/cmd/bestow/terminal"
	"bestow/http/api"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"
)

// Event types at the command line: list and set, for people and for machines (C7).
func TestCommandLineType(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	out, _ := s.done("type list")
	require.Regexp(t,
		`^TYPE     STATE  UNIT  MAX PER MEMBER  MAX PER EVENT  MAX COUNT  GRANTER  LABEL\nPOINT    READY  P     -               -              -          money    .*\nVOUCHER  READY  KRW   - `, out)
	out, _ = s.done("type set VOUCHER --unit EA --max-per-member 10000 --max-per-event 1000000 --max-count 50 " +
		"--label Coupons")
	require.Equal(t, "TYPE     STATE  UNIT  MAX PER MEMBER  MAX PER EVENT  MAX COUNT  GRANTER  LABEL\n"+
		"VOUCHER  READY  EA    10,000          1,000,000      50         money    Coupons\n", out)
	out, _ = s.done("type set VOUCHER --unit none --max-count none -o json")
	var y api.EventType
	require.NoError(t, json.Unmarshal([]byte(out), &y))
	require.Nil(t, y.Unit)
	require.Nil(t, y.MaxCount)
	require.Equal(t, int64(10000), *y.MaxPerMember)
	out, _ = s.done("type list -o json")
	var all api.EventTypes
	require.NoError(t, json.Unmarshal([]byte(out), &all))
	require.Equal(t, y, all.Items[1])
	out, _ = s.done("type create COUPON --operation vouchers --label Coupons --unit EA --max-count 7")
	require.Equal(t, "TYPE    STATE     UNIT  MAX PER MEMBER  MAX PER EVENT  MAX COUNT  GRANTER  LABEL\n"+
		"COUPON  CREATING  EA    -               -              7          money    Coupons\n", out)
	out, _ = s.done("type set VOUCHER --state RETIRED")
	require.Contains(t, out, "VOUCHER  RETIRED  -")
	for line, want := range map[string]struct {
		code int
		errs string
	}{
		"type set POINT":                                                {terminal.ExitUsage, "say what to change"},
		"type set POINT --max-per-member 1,000":                         {terminal.ExitUsage, `--max-per-member is "1,000": write digits only`},
		"type set POINT --max-count 0":                                  {terminal.ExitFailed, "max_count: must be 1 or more, or null for none"},
		"type set POINT --unit krw":                                     {terminal.ExitFailed, "unit: must be 1 to 10 capital letters"},
		"type create COUPON --operation points --label x":               {terminal.ExitFailed, "there is an event type COUPON already"},
		"type create AUDIT --operation points --label x":                {terminal.ExitFailed, "no event type can be named AUDIT"},
		"type create TEA --operation points --granter coffee --label x": {terminal.ExitFailed, "no handler that runs has the ledger coffee"},
		"type create TEA --label x":                                     {terminal.ExitUsage, "missing flags: --operation"},
		"type set COUPON --state RETIRED":                               {terminal.ExitFailed, "event type COUPON is being made"},
		"type set POINT --state CREATING":                               {terminal.ExitFailed, "state: must be READY or RETIRED"},
		"type set TEA --unit P":                                         {terminal.ExitFailed, "there is no such event type"},
		"type set ../events --unit P":                                   {terminal.ExitFailed, "there is no such"},
	} {
		code, _, errs := s.run(line)
		require.Equal(t, want.code, code, line)
		require.Contains(t, errs, want.errs, line)
	}
}
