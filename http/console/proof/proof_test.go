package proof_test

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"

	"bestow/domain"
	"bestow/internal/consoletest"
	"bestow/internal/pgtest"

	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

const verifyJobs = `SELECT count(*) FROM river.river_job WHERE kind = 'verify'`

// A person asks for a report, sees that it is made, and then what it says; a form that is sent twice is one act.
func TestProof(t *testing.T) {
	t.Parallel()
	d := consoletest.New(t)
	e := d.PointEvent("spring")
	d.Members(e.ID, 3)
	const here = "/console/campaigns/1/proof"
	b := d.SignedIn(domain.Operator)
	p := b.Get(here)
	require.Equal(t, 200, p.StatusCode, p.Text)
	require.Contains(t, p.Text, "It has not been checked yet")
	require.Empty(t, p.Header.Get("Refresh"))
	once := b.Field(p, here, "once")
	b.Led(b.Post(here, "once", once), here+"?done=proof_asked")
	b.Led(b.Post(here, "once", once), here+"?done=proof_asked")
	require.Equal(t, 1, d.Count(verifyJobs))
	p = b.Get(here + "?done=proof_asked")
	require.Contains(t, p.Text, "The check has begun.")
	require.Contains(t, p.Text, "It is being checked")
	looks := 0
	for next := here; p.Header.Get("Refresh") != ""; looks++ {
		require.Less(t, looks, 20, "a page that waits looks again for a minute, not for ever")
		require.NotContains(t, p.Text, "does not look again by itself")
		after, path, _ := strings.Cut(p.Header.Get("Refresh"), "; url=")
		require.Equal(t, "5", after)
		require.NotEqual(t, next, path)
		next = path
		p = b.Get(next)
	}
	require.Equal(t, 12, looks)
	require.Contains(t, p.Text, "does not look again by itself")
	for _, odd := range []string{"x", "-99999", "99999999999999999999"} {
		p = b.Get(here + "?looked=" + odd)
		require.Equal(t, 200, p.StatusCode, odd)
		require.Equal(t, "5; url="+here+"?looked=1", p.Header.Get("Refresh"), odd)
	}

	require.NoError(t, d.App.Verify.MakeReport(t.Context(), e.ID, "a-operator"))
	d.SQL(`UPDATE river.river_job SET state = 'completed', finalized_at = now() WHERE kind = 'verify'`)
	p = b.Get(here)
	require.Empty(t, p.Header.Get("Refresh"))
	for _, text := range []string{
		"proof of granting", "spring", "asked by a-operator", "= 0", "no outcome yet", "difference 0",
		"3 targets · 0 rejected rows", "No key was granted twice in the ledger",
	} {
		require.Contains(t, p.Text, text)
	}
	require.Regexp(t, `sha256 ([0-9a-f]{4} ){15}[0-9a-f]{4}<`, p.Text, "all 64 digits of the list's file")
	require.NotContains(t, p.Text, "has changed since the check")

	doc := b.Get(here + "/document")
	require.Equal(t, "application/json", doc.Header.Get("Content-Type"))
	at := strings.LastIndex(doc.Text, `"sha256":"`) + len(`"sha256":"`)
	sum := sha256.Sum256([]byte(doc.Text[:at] + `"}`))
	require.Equal(t, hex.EncodeToString(sum[:])+`"}`, doc.Text[at:], "the bytes are those that the hash is of")

	d.SQL(`UPDATE campaign_events SET updated_at = clock_timestamp()`)
	require.Contains(t, b.Get(here).Text, "has changed since the check")
	b.Cookies["bestow-language"] = "ko"
	p = b.Get(here)
	require.Contains(t, p.Text, "검증한 뒤 캠페인이 바뀌었습니다")
	require.Contains(t, p.Text, "원장에 같은 키로 두 번 지급된 것이 없다")
	require.Regexp(t, `요청 a-operator\s*· [0-9]+\.[0-9]초`, p.Text)
}

// What differs comes first, with its examples, and no proof is stamped.
func TestRedProof(t *testing.T) {
	t.Parallel()
	d := consoletest.New(t)
	e := d.PointEvent("spring")
	d.Plant(e.ID)
	require.NoError(t, d.App.Verify.MakeReport(t.Context(), e.ID, "kim"))
	viewer, operator := d.SignedIn(domain.Viewer), d.SignedIn(domain.Operator)
	const counted = "success_count is 400, the rows say 1"
	require.NotContains(t, viewer.Get("/console/campaigns/1/proof").Text, counted, "examples may name members")
	require.NotContains(t, viewer.Get("/console/campaigns/1/proof/document").Text, counted)
	require.Contains(t, operator.Get("/console/campaigns/1/proof/document").Text, counted)
	p := operator.Get("/console/campaigns/1/proof")
	require.Equal(t, 200, p.StatusCode, p.Text)
	require.Contains(t, p.Text, "do not hold. Tell an engineer.")
	require.Contains(t, p.Text, "not proved")
	require.Contains(t, p.Text, counted)
	require.Contains(t, p.Text, "withdrawn")
	require.Less(t, strings.Index(p.Text, "The four counters equal a recount"), strings.Index(p.Text, "One campaign at a time"))
}

// A viewer sees the proof, and the button locked; rubbish in the path is no page.
func TestProofRoles(t *testing.T) {
	t.Parallel()
	d := consoletest.New(t)
	d.PointEvent("spring")
	b := d.SignedIn(domain.Viewer)
	require.Contains(t, b.Get("/console/campaigns/1/proof").Text, `aria-disabled="true" title="This needs one of the roles`)
	require.Equal(t, http.StatusForbidden, b.Post("/console/campaigns/1/proof").StatusCode)
	require.Zero(t, d.Count(verifyJobs))
	require.Equal(t, 404, b.Get("/console/campaigns/1/proof/document").StatusCode, "there is no report")
	for _, id := range []string{"0", "-1", "x", "9", "99999999999999999999", "%00"} {
		require.Equal(t, 404, b.Get("/console/campaigns/"+id+"/proof").StatusCode, id)
	}
	operator := d.SignedIn(domain.Operator)
	require.Equal(t, 404, operator.Post("/console/campaigns/9/proof").StatusCode)
}
