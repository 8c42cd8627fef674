package main

import (
	"strconv"
	"strings"
	"testing"

	"bestow/cmd/bestow/terminal"
	"bestow/http/api"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"
)

// A key that is made at the command line works over HTTP with its role, until it is revoked; the audit tells of all of
// it.
func TestCommandLineKeys(t *testing.T) {
	s := newShell(t)
	t.Setenv("DATABASE_URL", s.pool.Config().ConnString())
	out, errs := s.done("key create --name crm --role operator")
	key := strings.TrimSpace(out)
	require.Regexp(t, `^bestow_[a-z2-7]{8}_[A-Z2-7]{26}$`, key, "a script takes the output as it is")
	require.Contains(t, errs, "key 1 of crm (operator) is valid until ")
	s.env["BESTOW_KEY"] = key
	s.done("event create --campaign-id spring --event-type POINT")
	code, _, errs := s.run("type set POINT --unit P")
	require.Equal(t, terminal.ExitFailed, code)
	require.Contains(t, errs, "the key of crm has the role operator, which may not do this")
	out, _ = s.done("key list")
	require.Regexp(t, `^ID  NAME  ROLE      PREFIX           STATE  .*LAST USED\n1   crm   operator  bestow_\w{8}  until 2\d{3}-`, out)
	require.NotContains(t, out, key)
	out, _ = s.done("key list -o json")
	var keys []api.Key
	require.NoError(t, json.Unmarshal([]byte(out), &keys))
	require.Equal(t, "crm", keys[0].Name)

	s.done("key revoke " + strconv.FormatInt(keys[0].ID, 10))
	s.env["BESTOW_KEY"] = "key"
	out, _ = s.done("audit")
	require.Regexp(t, `(?s)WHO.*host:.*key\.revoke.*crm.*event\.create.*event 1.*host:.*key\.create.*key 1 of crm`, out)
	out, _ = s.done("audit spring -o json")
	var page api.AuditPage
	require.NoError(t, json.Unmarshal([]byte(out), &page))
	require.Len(t, page.Items, 1)
	require.Equal(t, keys[0].ID, *page.Items[0].KeyID)

	for line, want := range map[string]string{
		"key create --name crm --role owner":                        "is none of viewer, operator, approver, admin",
		"key create --role viewer":                                  "missing flags: --name",
		"key create --name admin --role viewer":                     "name: belongs to BESTOW_ADMIN_KEY",
		"key create --name crm --role admin":                        "the principal crm has the role operator",
		"key create --name a --role viewer --expires-at 2020-01-01": "expires",
		"key revoke 99":         "there is no key 99",
		"verify --audit-head x": `--audit-head is "x": write POSITION:HASH`,
		"verify --audit-head 1:" + strings.Repeat("00", 32): "do not all hold",
	} {
		code, out, errs := s.run(line)
		require.NotEqual(t, terminal.ExitDone, code, line)
		require.Contains(t, out+errs, want, line)
	}
}

// A whole list goes to the output as a file: CSV for people, NDJSON for programs; the audit keeps why.
func TestCommandLineExport(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.done("event create --campaign-id spring --event-type POINT")
	s.done("targets import spring " + s.file("list.csv", "member_id,amount\nm1,5\nm2,6\n"))
	out, _ := s.done("targets export spring --reason why")
	require.Regexp(t, "^\uFEFFmember_id,amount,reason,publish_status,id,partition_key\nm1,5,,PENDING,", out)
	out, _ = s.done("targets export spring -o ndjson --pending")
	require.Equal(t, 2, strings.Count(out, "\n"))
	out, _ = s.done("results export spring")
	require.Equal(t, "\uFEFFmember_id,amount,status,error_code,error_message,retry_count,money_tx_id,updated_at\n", out)
	out, _ = s.done("audit spring --action targets.export")
	require.Contains(t, out, "why")
	_, errs := s.done("targets take-back spring 1")
	require.Contains(t, errs, "import 1 is taken back: event 1 does not have its members any more")
	code, _, errs := s.run("targets take-back spring 1")
	require.Equal(t, terminal.ExitFailed, code)
	require.Contains(t, errs, "event 1 has no import 1")
}

// The first admin is invited on the host, by a link that only the output has.
func TestCommandLineInvite(t *testing.T) {
	s := newShell(t)
	t.Setenv("DATABASE_URL", s.pool.Config().ConnString())
	s.env["BESTOW_URL"] = "https://bestow.example/"
	out, errs := s.done("admin invite kim")
	require.Regexp(t, `^https://bestow\.example/invite\?token=[\w-]{43}\n$`, out, "a script takes the output as it is")
	require.Contains(t, errs, "the link for kim (admin) is good once, until ")
	out, _ = s.done("admin invite lee --role viewer -o json")
	require.Contains(t, out, `"role": "viewer"`)
	for _, c := range [][2]string{
		{"admin disable lee", "lee is disabled"},
		{"admin enable lee", "lee is enabled"},
		{"admin role lee admin", "lee has the role admin"},
		{"admin role lee viewer", "lee has the role viewer"},
	} {
		_, errs := s.done(c[0])
		require.Contains(t, errs, c[1])
	}
	for line, want := range map[string]string{
		"admin disable park":                 "there is no person or service park",
		"admin role lee owner":               "is none of viewer, operator, approver, admin",
		"admin invite lee --role admin":      "the principal lee has the role viewer",
		"admin invite admin":                 "name: belongs to BESTOW_ADMIN_KEY",
		"admin invite kim --role owner":      "is none of viewer, operator, approver, admin",
		"admin invite":                       "expected \"<name>\"",
		"key create --name kim --role admin": "is a person, who signs in and has no key",
	} {
		code, out, errs := s.run(line)
		require.NotEqual(t, terminal.ExitDone, code, line)
		require.Contains(t, out+errs, want, line)
	}
}
