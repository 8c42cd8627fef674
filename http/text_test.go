package http

import (
	"encoding/json"
	"fmt"
	"testing"

	"bestow/http/api"
	"bestow/internal/desktest"

	"github.com/stretchr/testify/require"
)

func quoted(t *testing.T, s string) string {
	t.Helper()
	b, err := json.Marshal(s)
	require.NoError(t, err)
	return string(b)
}

// C1: a reason, a default reason and a memo take the same characters; what they refuse is named by its code point.
func TestC1FreeTexts(t *testing.T) {
	t.Parallel()
	d := setup(t)
	running := d.PointEvent("running")
	d.SQL(`UPDATE campaign_events SET event_status = 'RUNNING' WHERE id = $1`, running.ID)
	takes := map[string]func(n int, text string) answer{
		"default_reason": func(n int, text string) answer {
			return d.Post("/api/v1/events",
				fmt.Sprintf(`{"campaign_id": "r%d", "event_type": "POINT", "default_reason": %s}`, n, quoted(t, text)))
		},
		"name": func(n int, text string) answer {
			return d.Post("/api/v1/events",
				fmt.Sprintf(`{"campaign_id": "n%d", "event_type": "POINT", "name": %s}`, n, quoted(t, text)))
		},
		"edited name": func(n int, text string) answer {
			return d.Patch(d.PointEvent(fmt.Sprintf("en%d", n)).ID, `{"name": `+quoted(t, text)+`}`)
		},
		"edited default_reason": func(n int, text string) answer {
			return d.Patch(d.PointEvent(fmt.Sprintf("e%d", n)).ID, `{"default_reason": `+quoted(t, text)+`}`)
		},
		"memo": func(_ int, text string) answer {
			return d.Post(desktest.EventURL(running.ID)+"/stop", `{"memo": `+quoted(t, text)+`}`)
		},
		"memo of all": func(_ int, text string) answer {
			return d.Post("/api/v1/stop-all", `{"memo": `+quoted(t, text)+`}`)
		},
		"reason": func(n int, text string) answer {
			row := fmt.Sprintf(`{"member_id": "m1", "reason": %s}`, quoted(t, text))
			return d.Post(desktest.EventURL(d.PointEvent(fmt.Sprintf("l%d", n)).ID)+"/targets", row,
				"Content-Type: application/x-ndjson")
		},
	}
	n := 0
	for field, send := range takes {
		for _, text := range []string{"봄맞이 🎁", "👨‍👩‍👧", "❤️", "1️⃣", "a  b"} {
			n++
			a := send(n, text)
			require.Less(t, a.StatusCode, 300, "%s %q: %s", field, text, a.Text)
		}
		for text, named := range map[string]string{
			"a\u202eb": "U+202E", "a\u2066b": "U+2066", "a\u0007b": "U+0007",
			"a\nb": "U+000A", "a\u200bb": "U+200B", "a\u3164b": "U+3164", "a\ue000b": "U+E000",
		} {
			n++
			a := send(n, text)
			code := "invalid"
			if field == "reason" {
				code = "all_rejected"
			}
			p := a.Refused(422, code)
			require.Contains(t, a.Text, named+" as character 2", "%s %q", field, text)
			require.NotEmpty(t, p.Hint)
		}
		if field != "reason" { // whose blanks are trimmed, as those of all fields of a row
			n++
			a := send(n, "  ")
			a.Refused(422, "invalid")
		}
	}
	d.Post(desktest.EventURL(running.ID)+"/stop", `{"memo": ""}`).Refused(422, "invalid")
}

// C1: campaign ids have the rule of member ids, and what looks the same is the same.
func TestC1CampaignIDs(t *testing.T) {
	t.Parallel()
	d := setup(t)
	for id, named := range map[string]string{
		"M\u200b1": "U+200B as character 2", "\u3164": "U+3164 as character 1",
		"a\u00a0b": "U+00A0 as character 2", "a\ufe0f": "U+FE0F as character 2",
	} {
		a := d.Post("/api/v1/events", fmt.Sprintf(`{"campaign_id": %s, "event_type": "POINT"}`, quoted(t, id)))
		require.Equal(t, []string{"body.campaign_id"}, desktest.Locations(a.Refused(422, "invalid")))
		require.Contains(t, a.Text, named)
	}
	e := d.Created(`{"campaign_id": "cafe\u0301", "event_type": "POINT"}`)
	require.Equal(t, "caf\u00e9", e.CampaignID)
	d.Post("/api/v1/events", `{"campaign_id": "caf\u00e9", "event_type": "POINT"}`).Refused(409, "campaign_taken")
	for _, spelled := range []string{"cafe%CC%81", "caf%C3%A9"} {
		require.Len(t, desktest.Decoded[api.Events](d.Get("/api/v1/events?campaign_id="+spelled)).Items, 1, spelled)
	}
}

// An event of an older version keeps its texts, however they are, while something else of it is edited.
func TestOldTextsStay(t *testing.T) {
	t.Parallel()
	d := setup(t)
	e := d.PointEvent("old")
	d.SQL(`UPDATE campaign_events SET campaign_id = E'M\u200B1', default_reason = E'a\nb' WHERE id = $1`, e.ID)
	a := d.Patch(e.ID, `{"default_amount": 7}`)
	require.Equal(t, 200, a.StatusCode, a.Text)
	require.Equal(t, "M\u200b1", desktest.Decoded[api.Event](a).CampaignID)
	require.Len(t, desktest.Decoded[api.Events](d.Get("/api/v1/events?campaign_id=M%E2%80%8B1")).Items, 1)
	d.Patch(e.ID, `{"campaign_id": "M\u200b2"}`).Refused(422, "invalid")
}

// C2: warnings stand in the answer, and in the one that a repeated key gets.
func TestC2WarningsAreReplayed(t *testing.T) {
	t.Parallel()
	d := setup(t)
	targets := desktest.EventURL(d.PointEvent("a").ID) + "/targets"
	first := d.Post(targets, "member_id\nm1\n합계\n", csvType, "Idempotency-Key: k")
	require.Equal(t, 201, first.StatusCode, first.Text)
	r := desktest.Decoded[api.ImportResult](first)
	require.Len(t, r.Warnings, 1)
	require.Equal(t, "suspicious_member_id", r.Warnings[0].Code)
	require.EqualValues(t, 3, *r.Warnings[0].Line)
	again := d.Post(targets, "member_id\nm1\n합계\n", csvType, "Idempotency-Key: k")
	require.Equal(t, "true", again.Header.Get("Idempotency-Replayed"))
	require.Equal(t, first.Text, again.Text)
}
