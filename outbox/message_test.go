package outbox

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"bestow/domain"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the golden files anew")

func example() Message {
	expiry := time.Date(2027, 3, 31, 14, 59, 59, 0, time.UTC)
	return Message{
		ID:        "118-1-0",
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
	again, err := decode(body)
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
	for name, body := range map[string][]byte{
		"empty":                   {},
		"not JSON":                []byte("hello"),
		"null":                    []byte("null"),
		"an array":                []byte("[]"),
		"truncated":               good[:len(good)-3],
		"trailing data":           append(bytes.Clone(good), '{'),
		"another type":            change("bestow.grants.v1", "shop.orders.v1"),
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
		"no grants":               []byte(`{"type":"bestow.grants.v1","data":{"event_id":1,"event_type":"POINT","chunk":{"partition_key":0,"first_id":1,"last_id":1},"grants":[]}}`),
		"a NUL in a member":       change(`M56035684`, `M\u0000`),
		"more than a message has": bytes.Repeat([]byte(" "), maxPayload+1),
	} {
		_, err := decode(body)
		require.Error(t, err, name)
		require.NotErrorIs(t, err, errNewer, name)
	}
	_, err = decode([]byte(`{"type":"bestow.grants.v2","data":[1,2,3]}`))
	require.ErrorIs(t, err, errNewer)
}

// Whatever arrives, decoding neither panics nor lets something through that encoding would not have written.
func FuzzDecode(f *testing.F) {
	good, err := encode(example(), time.Unix(0, 0))
	require.NoError(f, err)
	f.Add(good)
	f.Add([]byte(`{"type":"bestow.grants.v9"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		m, err := decode(body)
		if err != nil {
			return
		}
		again, err := encode(m, time.Unix(0, 0))
		require.NoError(t, err)
		back, err := decode(again)
		require.NoError(t, err)
		require.Equal(t, m.Grants, back.Grants)
	})
}

// An update of a library may bring an unsafe default back: then no process starts.
func TestUnsafeKafkaSettingsAreRefused(t *testing.T) {
	t.Parallel()
	c, err := saramaConfig(KafkaConfig{})
	require.NoError(t, err)
	c.Producer.Idempotent = false
	require.Error(t, assertSafe(c))
	c.Producer.Idempotent = true
	c.Consumer.Group.ResetInvalidOffsets = false
	require.Error(t, assertSafe(c))
	_, err = saramaConfig(KafkaConfig{SASL: &SASL{Mechanism: "GSSAPI", User: "u", Password: "p"}})
	require.ErrorContains(t, err, "GSSAPI")
}

// A publish cannot be cancelled, so its time-outs must end it before River gives its job to another relay.
func TestPublishEndsBeforeItsJob(t *testing.T) {
	t.Parallel()
	c, err := saramaConfig(KafkaConfig{})
	require.NoError(t, err)
	tries := time.Duration(c.Producer.Retry.Max + 1)
	require.Less(t, tries*(c.Producer.Timeout+c.Producer.Retry.Backoff), 20*time.Second)
}
