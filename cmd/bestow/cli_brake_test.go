package main

import (
	"testing"

	"bestow/cmd/bestow/terminal"
	"bestow/http/api"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"
)

// The brake at the command line: on, status, off, for people and for machines.
func TestCommandLineBrake(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	out, _ := s.done("brake status")
	require.Equal(t, "no brake is engaged\n", out)
	s.done("event create --campaign-id a --event-type POINT --default-amount 5")
	s.done("targets import a " + s.file("l.csv", "member_id\nm1\n"))
	s.done("event start a")

	out, errs := s.done("brake on --memo wrong-list")
	require.Equal(t, "event 1, a: STOPPED\n", out)
	require.Equal(t, "the brake all is engaged: no grant in its scope begins any more\nnext: "+
		"bestow brake off --scope all --memo TEXT; then bestow event resume for each event that is to go on\n", errs)
	s.done("brake on --scope type:POINT --memo it-too")
	out, _ = s.done("brake status")
	require.Equal(t, "SCOPE       BY     SINCE                    MEMO\n"+
		"all         admin  NOW  wrong-list\ntype:POINT  admin  NOW  it-too\n", timeless(out))
	code, _, errs := s.run("event resume a")
	require.Equal(t, terminal.ExitFailed, code)
	require.Regexp(t,
		`^bestow: admin engaged the brake all at 20.*: wrong-list\n  nothing in its scope .*: see .bestow brake status`,
		errs)
	s.sql(`UPDATE campaign_events SET event_status = 'PENDING', reservation_at = '2020-01-01'`)
	out, _ = s.done("queue")
	require.Contains(t, out, "admin engaged the brake all at 20")
	s.sql(`UPDATE campaign_events SET event_status = 'STOPPED', reservation_at = NULL`)

	out, errs = s.done("brake off --memo a-mistake")
	require.Contains(t, out, "type:POINT")
	require.Contains(t, errs, "the brake all is released: reserved events that are due start now; "+
		"stopped events stay stopped until they are resumed\n")
	out, _ = s.done("brake off --scope type:POINT --memo a-mistake -o json")
	var left api.Brakes
	require.NoError(t, json.Unmarshal([]byte(out), &left))
	require.False(t, left.Engaged)
	s.done("event resume a")
	out, _ = s.done("brake on --memo again -o json")
	var braked api.Braked
	require.NoError(t, json.Unmarshal([]byte(out), &braked))
	require.Equal(t, "all", braked.Brake.Scope)
	require.Len(t, braked.Items, 1)

	s.done("brake off --memo a-mistake")
	code, _, errs = s.run("brake off --memo nothing")
	require.Equal(t, terminal.ExitFailed, code)
	require.Equal(t, "bestow: the brake all is not engaged\n  no brake is engaged at all\n", errs)
	s.done("brake on --scope all --memo again")
	for line, want := range map[string]struct {
		code int
		errs string
	}{
		"brake":                                 {terminal.ExitUsage, `expected one of "on"`},
		"brake on":                              {terminal.ExitUsage, "missing flags: --memo=TEXT"},
		"brake off":                             {terminal.ExitUsage, "missing flags: --memo=TEXT"},
		"brake on --scope COFFEE --memo m":      {terminal.ExitFailed, "scope: must be all, or type: and the code of an event type"},
		"brake off --scope type:TEA --memo m":   {terminal.ExitFailed, "the brake type:TEA is not engaged\n  engaged is: all (bestow brake off --scope all --memo TEXT)\n"},
		"brake off --scope type:POINT --memo m": {terminal.ExitFailed, "the brake type:POINT is not engaged\n"},
	} {
		code, _, errs := s.run(line)
		require.Equal(t, want.code, code, line)
		require.Contains(t, errs, want.errs, line)
	}
}
