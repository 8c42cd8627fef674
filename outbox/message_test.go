package outbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"bestow/domain"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the golden files anew")

// here is the installation of the examples.
var here = Installation{ID: "3f2b8c1e-5d4a-4e6f-9a7b-0c1d2e3f4a5b"}

func example() Message {
	expiry := time.Date(2027, 3, 31, 14, 59, 59, 0, time.UTC)
	return Message{
		ID:        "118-1-0",
		Source:    "/bestow/3f2b8c1e-5d4a-4e6f-9a7b-0c1d2e3f4a5b",
		Chunk:     domain.Chunk{EventID: 42, PartitionKey: 3, First: 1001, Last: 1003},
		EventType: "POINT",
		ExpiryAt:  &expiry,
		Trace:     "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
		Grants: []domain.Grant{
			{TargetID: 1001, MemberID: "0557418298", Amount: 2500, Reason: "리뷰 작성 보상"},
			{TargetID: 1002, MemberID: "M56035684", Amount: 300, Try: 2},
			{TargetID: 1003, MemberID: "회원00001", Amount: 9223372036854775807, Reason: `"5월" <특별>`, Try: 6, Redrive: 1},
		},
	}
}

// The bytes on the wire are a contract: other programs read them, and so does the next version of this one.
func TestMessageGolden(t *testing.T) {
	t.Parallel()
	body, err := encode(example(), time.Date(2026, 11, 21, 1, 2, 3, 0, time.UTC))
	require.NoError(t, err)
	var pretty bytes.Buffer
	require.NoError(t, json.Indent(&pretty, body, "", "  "))
	golden(t, "message.v1.json", append(pretty.Bytes(), '\n'))
	again, err := decode(body, here)
	require.NoError(t, err)
	require.Equal(t, example(), again)
}

// A job's kind and arguments are wire format too: jobs of an older version are worked after an upgrade.
func TestRelayArgsGolden(t *testing.T) {
	t.Parallel()
	require.Equal(t, "relay", RelayArgs{}.Kind())
	body, err := json.Marshal(newArgs(example().Chunk, Retry, 2))
	require.NoError(t, err)
	golden(t, "relay_args.json", append(body, '\n'))
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(path, got, 0o600))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got))
}

func TestMessageObeysItsSchema(t *testing.T) {
	t.Parallel()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema))
	require.NoError(t, err)
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	require.NoError(t, c.AddResource("v1.json", doc))
	schema, err := c.Compile("v1.json")
	require.NoError(t, err)

	first := example()
	first.ExpiryAt = nil
	for _, m := range []Message{example(), first} {
		body, err := encode(m, time.Now())
		require.NoError(t, err)
		instance, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
		require.NoError(t, err)
		require.NoError(t, schema.Validate(instance))
	}
	bad, err := jsonschema.UnmarshalJSON(bytes.NewReader([]byte(`{"specversion":"1.0","type":"bestow.grants.v1"}`)))
	require.NoError(t, err)
	require.Error(t, schema.Validate(bad), "the schema refuses something")
}

// What no relay wrote is refused with its reason, and a newer version is told from rubbish.
func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	good, err := encode(example(), time.Now())
	require.NoError(t, err)
	change := func(old, with string) []byte { return bytes.Replace(good, []byte(old), []byte(with), 1) }
	with := func(grants []domain.Grant) []byte {
		m := example()
		m.Grants = grants
		body, err := encode(m, time.Now())
		require.NoError(t, err)
		return body
	}
	many := make([]domain.Grant, maxGrants+1)
	for i := range many {
		many[i] = domain.Grant{TargetID: 1001, MemberID: fmt.Sprintf("m%05d", i), Amount: 1}
	}
	for name, body := range map[string][]byte{
		"empty":                   {},
		"not JSON":                []byte("hello"),
		"null":                    []byte("null"),
		"an array":                []byte("[]"),
		"truncated":               good[:len(good)-3],
		"trailing data":           append(bytes.Clone(good), '{'),
		"another type":            change("bestow.grants.v1", "shop.orders.v1"),
		"a source of no kind":     change("/bestow/3f2b8c1e", "/shop/3f2b8c1e"),
		"a source without an id":  change("/bestow/3f2b8c1e-5d4a-4e6f-9a7b-0c1d2e3f4a5b", "/bestow/"),
		"an id in capitals":       change("3f2b8c1e", "3F2B8C1E"),
		"no source":               change(`"source"`, `"origin"`),
		"no event":                change(`"event_id":42`, `"event_id":0`),
		"a type that is no type":  change(`"event_type":"POINT"`, `"event_type":"point; DROP"`),
		"amount as text":          change(`"amount":2500`, `"amount":"2500"`),
		"amount with a fraction":  change(`"amount":2500`, `"amount":2500.5`),
		"amount negative":         change(`"amount":2500`, `"amount":-2500`),
		"a member twice":          change(`M56035684`, `0557418298`),
		"a member out of order":   change(`M56035684`, `0000000000`),
		"a target outside":        change(`"target_id":1001`, `"target_id":1000`),
		"try negative":            change(`"try":2`, `"try":-2`),
		"a duplicate name":        change(`"try":2`, `"try":2,"try":3`),
		"bounds the wrong way":    change(`"last_id":1003`, `"last_id":3`),
		"no partition":            change(`"partition_key":3`, `"partition_key":-1`),
		"past the last partition": change(`"partition_key":3`, `"partition_key":64`),
		"a partition of no int4":  change(`"partition_key":3`, `"partition_key":2147483648`),
		"no grants":               with(nil),
		"too many grants":         with(many),
		"a NUL in a member":       change(`M56035684`, `M\u0000`),
		"more than a message has": append(bytes.Clone(good), bytes.Repeat([]byte(" "), maxPayload)...),
	} {
		_, err := decode(body, here)
		require.Error(t, err, name)
		require.NotErrorIs(t, err, errNewer, name)
	}
	_, err = decode([]byte(`{"type":"bestow.grants.v2","data":[1,2,3]}`), here)
	require.ErrorIs(t, err, errNewer)
	_, err = decode([]byte("{\"type\":\"bestow.grants.v\u202e\"}"), here)
	require.ErrorIs(t, err, errNewer)
	require.NotContains(t, err.Error(), "\u202e", "it is shown to people")
}

// The source decides whose a message is, whatever else is in it: one of another installation is passed over, of whatever
// version, and one from before there were ids is ours where there were events then.
func TestWhoseMessage(t *testing.T) {
	t.Parallel()
	const other = "/bestow/aaaaaaaa-5d4a-4e6f-9a7b-0c1d2e3f4a5b"
	upgraded := Installation{ID: here.ID, UnnamedAreOurs: true}
	from := func(source string) []byte {
		m := example()
		m.Source = source
		body, err := encode(m, time.Now())
		require.NoError(t, err)
		return body
	}
	for name, c := range map[string]struct {
		here      Installation
		body      []byte
		elsewhere bool
	}{
		"ours":                              {here, from("/bestow/" + here.ID), false},
		"ours after an upgrade":             {upgraded, from("/bestow/" + here.ID), false},
		"another's":                         {here, from(other), true},
		"another's after an upgrade":        {upgraded, from(other), true},
		"unnamed":                           {here, from("/bestow/relay"), true},
		"unnamed after an upgrade":          {upgraded, from("/bestow/relay"), false},
		"another's of a newer version":      {upgraded, []byte(`{"source":"` + other + `","type":"bestow.grants.v2","data":7}`), true},
		"another's with fields of no sense": {upgraded, []byte(`{"source":"` + other + `","type":"bestow.grants.v1","data":7}`), true},
		"another's of another kind":         {upgraded, []byte(`{"source":"` + other + `","type":"bestow.events.v1"}`), true},
		"unnamed of a newer version":        {here, []byte(`{"source":"/bestow/relay","type":"bestow.grants.v2"}`), true},
	} {
		m, err := decode(c.body, c.here)
		if c.elsewhere {
			_, ok := errors.AsType[*elsewhereError](err)
			require.True(t, ok, "%s: %v", name, err)
			continue
		}
		require.NoError(t, err, name)
		require.Equal(t, example().Grants, m.Grants, name)
	}
}

// Whatever arrives, decoding neither panics nor lets something through that encoding would not have written.
func FuzzDecode(f *testing.F) {
	good, err := encode(example(), time.Unix(0, 0))
	require.NoError(f, err)
	f.Add(good)
	f.Add([]byte(`{"type":"bestow.grants.v9"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		m, err := decode(body, here)
		if err != nil {
			return
		}
		again, err := encode(m, time.Unix(0, 0))
		require.NoError(t, err)
		back, err := decode(again, here)
		require.NoError(t, err)
		require.Equal(t, m.Grants, back.Grants)
	})
}
