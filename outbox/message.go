package outbox

import (
	"crypto/rand"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"bestow/domain"

	"github.com/go-json-experiment/json"
)

// Schema is the JSON Schema of a message, which golden files are checked against.
//
//go:embed bestow.grants.v1.schema.json
var Schema []byte

// The version of the envelope. A message of a higher one is parked, and replayed after the upgrade.
const (
	messageType   = "bestow.grants.v1"
	messagePrefix = "bestow.grants.v"
)

// Bounds of what a message may hold. No relay writes a message that exceeds them.
const (
	maxPayload = 1 << 20
	maxGrants  = 5000
	// maxPartitionKey is that of an event with the most partitions. What the column of chunks cannot hold would be an
	// error of each handling, and the message would come again for ever, before all others of its partition.
	maxPartitionKey = 63
)

// Message is one chunk of grants, as it goes through Kafka.
type Message struct {
	ID        string
	Source    string // which installation wrote it
	Chunk     domain.Chunk
	EventType string
	ExpiryAt  *time.Time
	Grants    []domain.Grant // at least one, each with its try
	Trace     string         // W3C traceparent
	At        Position       // its place in Kafka
}

// Position is the place of a message in Kafka.
type Position struct {
	Topic     string
	Partition int32
	Offset    int64
}

// envelope is CloudEvents 1.0 in JSON.
type envelope struct {
	SpecVersion     string    `json:"specversion"`
	ID              string    `json:"id"`
	Source          string    `json:"source"`
	Type            string    `json:"type"`
	Subject         string    `json:"subject"`
	Time            time.Time `json:"time"`
	DataContentType string    `json:"datacontenttype"`
	TraceParent     string    `json:"traceparent"`
	Data            chunkData `json:"data"`
}

type chunkData struct {
	EventID   int64       `json:"event_id"`
	EventType string      `json:"event_type"`
	Chunk     chunkBounds `json:"chunk"`
	ExpiryAt  *time.Time  `json:"expiry_at,omitzero"`
	Grants    []grantData `json:"grants"`
}

type chunkBounds struct {
	PartitionKey int   `json:"partition_key"`
	FirstID      int64 `json:"first_id"`
	LastID       int64 `json:"last_id"`
}

type grantData struct {
	TargetID int64  `json:"target_id"`
	MemberID string `json:"member_id"`
	Amount   int64  `json:"amount"`
	Reason   string `json:"reason,omitempty"`
	Try      int    `json:"try"`
	Redrive  int    `json:"redrive,omitzero"`
}

// encode returns the bytes of m for Kafka; now is the time of the envelope.
func encode(m Message, now time.Time) ([]byte, error) {
	data := chunkData{
		EventID:   m.Chunk.EventID,
		EventType: m.EventType,
		Chunk:     chunkBounds{m.Chunk.PartitionKey, m.Chunk.First, m.Chunk.Last},
		ExpiryAt:  m.ExpiryAt,
		Grants:    make([]grantData, len(m.Grants)),
	}
	for i, g := range m.Grants {
		data.Grants[i] = grantData(g)
	}
	body, err := json.Marshal(envelope{
		SpecVersion: "1.0", ID: m.ID, Source: m.Source, Type: messageType, Subject: m.Chunk.String(),
		Time: now.UTC(), DataContentType: "application/json", TraceParent: m.Trace, Data: data,
	})
	if err != nil {
		return nil, fmt.Errorf("encode message of chunk %s: %w", m.Chunk, err)
	}
	return body, nil
}

// errNewer means that a later version of the program wrote the message.
var errNewer = errors.New("message is of a newer version")

// decode reads a message of a relay of this installation. Errors: errNewer, *elsewhereError for a message of another
// installation and any version, or what is wrong with the bytes. It never panics and reads at most maxPayload bytes.
func decode(body []byte, here Installation) (Message, error) {
	if len(body) > maxPayload {
		return Message{}, fmt.Errorf("message has %d bytes, more than %d", len(body), maxPayload)
	}
	var e envelope
	if err := json.Unmarshal(body, &e); err != nil || e.Type != messageType {
		return Message{}, refuse(body, here, err)
	}
	if err := here.check(e.Source); err != nil {
		return Message{}, err
	}
	m := Message{
		ID:     e.ID,
		Source: e.Source,
		Chunk: domain.Chunk{
			EventID: e.Data.EventID, PartitionKey: e.Data.Chunk.PartitionKey,
			First: e.Data.Chunk.FirstID, Last: e.Data.Chunk.LastID,
		},
		EventType: e.Data.EventType,
		ExpiryAt:  e.Data.ExpiryAt,
		Grants:    make([]domain.Grant, len(e.Data.Grants)),
		Trace:     e.TraceParent,
	}
	for i, g := range e.Data.Grants {
		m.Grants[i] = domain.Grant(g)
	}
	return m, m.check()
}

// refuse says why body is not a message of ours; cause is the decoder's error. It reads only type and source, because
// the other fields of a newer version may have any shape.
func refuse(body []byte, here Installation, cause error) error {
	var head struct {
		Type   string `json:"type"`
		Source string `json:"source"`
	}
	if err := json.Unmarshal(body, &head); err != nil {
		return fmt.Errorf("decode message: %w", err)
	}
	if other, ok := errors.AsType[*elsewhereError](here.check(head.Source)); ok {
		return other
	}
	switch {
	case head.Type == messageType:
		return fmt.Errorf("decode message: %w", cause)
	case strings.HasPrefix(head.Type, messagePrefix):
		return fmt.Errorf("%w: %.60q", errNewer, head.Type)
	}
	return fmt.Errorf("message has type %.60q, not %q", head.Type, messageType)
}

// check refuses a message that no relay writes.
func (m Message) check() error {
	c := m.Chunk
	switch {
	case c.EventID <= 0 || c.PartitionKey < 0 || c.PartitionKey > maxPartitionKey || c.First <= 0 || c.Last < c.First:
		return fmt.Errorf("message names no chunk: %s", c)
	case !domain.ValidTypeCode(m.EventType):
		return fmt.Errorf("message names no event type: %.60q", m.EventType)
	case len(m.Grants) == 0 || len(m.Grants) > maxGrants:
		return fmt.Errorf("message has %d grants", len(m.Grants))
	}
	last := ""
	for i, g := range m.Grants {
		if !possible(g, c) {
			return fmt.Errorf("grant %d of the message cannot be", i)
		}
		if g.MemberID <= last {
			return fmt.Errorf("grant %d of the message is out of order", i)
		}
		last = g.MemberID
	}
	return nil
}

// possible reports whether a relay could have written g into a message of c. An older version, with another rule for
// ids, may have imported the member.
func possible(g domain.Grant, c domain.Chunk) bool {
	return g.TargetID >= c.First && g.TargetID <= c.Last && g.Amount > 0 && g.Try >= 0 && g.Redrive >= 0 &&
		domain.StoredMemberID(g.MemberID)
}

// newTrace returns a W3C traceparent that begins a trace.
func newTrace() string {
	var b [24]byte
	_, _ = rand.Read(b[:]) // never fails
	return "00-" + hex.EncodeToString(b[:16]) + "-" + hex.EncodeToString(b[16:]) + "-01"
}
