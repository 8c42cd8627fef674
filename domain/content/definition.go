package content

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"bestow/domain"
)

// Versions of a definition. One that has more fields, or another rule for its root, gets another number; the fields and
// the rule of each number stay, so that every root that was kept can be computed again.
const (
	Keyless = 1 // its root is [Root]
	Version = 2 // today's: the same fields, and its root is [KeyedRoot]
)

// definition1 is the definition of the versions 1 and 2. The fields stand in the order of their JSON names.
type definition1 struct {
	CampaignID          string           `json:"campaign_id"`
	DefaultAmount       *int64           `json:"default_amount"`
	DefaultReason       *string          `json:"default_reason"`
	ExpiryAt            *string          `json:"expiry_at"`
	Granter             string           `json:"granter"`
	Operation           domain.Operation `json:"operation"`
	PartitionCount      int              `json:"partition_count"`
	ReservationAt       *string          `json:"reservation_at"`
	ReservationPriority *int             `json:"reservation_priority"`
	Type                string           `json:"type"`
	Version             int              `json:"v"`
}

// Definition returns every field of e that decides who gets what, when and how, as canonical JSON of the version:
// sorted keys, no spaces, times in UTC, null for what is not set. Error: a version that this program does not know.
func Definition(e domain.Event, version int) ([]byte, error) {
	if version < Keyless || version > Version {
		return nil, fmt.Errorf("write definition: this program does not know version %d", version)
	}
	d := definition1{
		CampaignID:          e.CampaignID,
		DefaultAmount:       orNull(e.DefaultAmount),
		DefaultReason:       orNull(e.DefaultReason),
		ExpiryAt:            utc(e.ExpiryAt),
		Granter:             e.Type.Granter,
		Operation:           e.Type.Operation,
		PartitionCount:      e.Partitions,
		ReservationAt:       utc(e.ReservationAt),
		ReservationPriority: e.ReservationPriority,
		Type:                e.Type.Code,
		Version:             version,
	}
	var b bytes.Buffer
	out := json.NewEncoder(&b)
	out.SetEscapeHTML(false)
	if err := out.Encode(d); err != nil {
		return nil, fmt.Errorf("write definition: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte{'\n'}), nil
}

func orNull[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

func utc(t *time.Time) *string {
	if t == nil {
		return nil
	}
	text := t.UTC().Format(time.RFC3339Nano)
	return &text
}
