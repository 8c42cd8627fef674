package upkeep

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"bestow/app/pins"
	"bestow/app/verify"
	"bestow/cmd/bestow/settings"
	"bestow/cmd/bestow/terminal"
	"bestow/domain"
	"bestow/internal/pgtest"
	"bestow/internal/seal"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
)

// verify exits 0 where all holds, 1 where something differs, and 2 for a command line that cannot be worked; --repair
// mends counters first and says so.
func TestVerifyCommand(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	exec := func(sql string) {
		_, err := pool.Exec(t.Context(), sql)
		require.NoError(t, err)
	}
	exec(`INSERT INTO campaign_events (id, campaign_id, event_type, created_by) VALUES (1, 'spring', 'POINT', 'test'), (2, 'summer', 'POINT', 'test');
		INSERT INTO campaign_event_summary (event_id) VALUES (1), (2);
		UPDATE event_ids SET last_id = 2;
		SELECT setval('campaign_events_id_seq', 2)`)
	reports := verifierOf(t, pool)
	verify := func(c VerifyCmd) (string, error) {
		var out bytes.Buffer
		term := &terminal.Terminal{Out: &out, Err: io.Discard, Env: func(string) string { return "" }}
		err := c.verify(t.Context(), term, reports)
		return out.String(), err
	}
	out, err := verify(VerifyCmd{Repair: true})
	require.NoError(t, err)
	require.Contains(t, out, "nothing to repair: every counter is what the rows say")

	exec(`UPDATE campaign_event_summary SET success_count = 3 WHERE event_id = 1`)
	out, err = verify(VerifyCmd{Event: new("spring")})
	require.ErrorIs(t, err, errDiffers)
	require.Contains(t, out, "✗ I6 ")
	_, err = verify(VerifyCmd{Event: new("summer")})
	require.NoError(t, err)
	_, err = verify(VerifyCmd{Event: new("winter")})
	require.ErrorIs(t, err, &domain.Error{Code: domain.NotFound})

	out, err = verify(VerifyCmd{Event: new("spring"), Repair: true})
	require.NoError(t, err)
	require.Contains(t, out, "repaired: event 1: success_count was 3, is 0\n")
	require.Contains(t, out, "✓ all 34 invariants hold")
}

// For machines it is one JSON document, whose report is the auditor's.
func TestVerifyCommandJSON(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	term := &terminal.Terminal{Out: &out, Err: io.Discard, Env: func(string) string { return "" }}
	c := VerifyCmd{Format: terminal.Format{Output: "json"}, Repair: true}
	require.NoError(t, c.verify(t.Context(), term, verifierOf(t, pgtest.New(t))))
	var printed verify.Report
	require.NoError(t, json.Unmarshal(out.Bytes(), &printed))
	require.True(t, printed.OK)
	require.Len(t, printed.Invariants, 34)
	digest, err := printed.Digest()
	require.NoError(t, err)
	require.Equal(t, printed.SHA256, digest)
	var fields map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(out.Bytes(), &fields))
	require.ElementsMatch(t, []string{"checked_at", "by", "schema", "ok", "events", "totals", "invariants", "sha256"},
		slices.Collect(maps.Keys(fields)))
}

// The recipe of docs/verify.md computes the digest that the document has, also after a repair.
func TestVerifyRecipe(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../../docs/verify.md")
	require.NoError(t, err)
	recipe := regexp.MustCompile(`(?m)^    (sed .*report\.json.*sha256sum)$`).FindSubmatch(page)
	require.NotNil(t, recipe)
	pool := pgtest.New(t)
	_, err = pool.Exec(t.Context(),
		`INSERT INTO campaign_events (id, campaign_id, event_type, created_by) VALUES (1, '봄<&>', 'POINT', 'test');
		INSERT INTO campaign_event_summary (event_id, success_count) VALUES (1, 3)`)
	require.NoError(t, err)
	for _, repair := range []bool{false, true} {
		var out bytes.Buffer
		term := &terminal.Terminal{Out: &out, Err: io.Discard, Env: func(string) string { return "" }}
		c := VerifyCmd{Format: terminal.Format{Output: "json"}, Repair: repair}
		require.Error(t, c.verify(t.Context(), term, verifierOf(t, pool))) // the counter or the sequence differs
		var r verify.Report
		require.NoError(t, json.Unmarshal(out.Bytes(), &r))
		require.Len(t, r.Repaired, map[bool]int{true: 1}[repair])
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(dir, "report.json"), out.Bytes(), 0o600))
		sh := exec.CommandContext(t.Context(), "sh", "-c", string(recipe[1]))
		sh.Dir = dir
		said, err := sh.CombinedOutput()
		require.NoError(t, err, "%s", said)
		require.Equal(t, r.SHA256+"  -\n", string(said))
	}
}

// What the command verifies with follows from its settings: it opens vouchers with a master key alone, and production
// takes no key of a hash that is not wrapped (C23, C24).
func TestVerifyCommandHasTheMasterKey(t *testing.T) {
	t.Parallel()
	key := seal.GenerateMaster()
	r, err := verifyConfig(settings.Config{MasterKey: key, Env: "production", TimeZone: "Asia/Tokyo"}, nil)
	require.NoError(t, err)
	require.NotNil(t, r.Keys.Master)
	require.IsType(t, pins.Unsealer{}, r.Unsealer)
	require.Same(t, r.Keys.Master, r.Unsealer.(pins.Unsealer).Master)
	require.True(t, r.Keys.WrappedOnly)
	require.Equal(t, "Asia/Tokyo", r.Zone)

	r, err = verifyConfig(settings.Config{Env: "development"}, nil)
	require.NoError(t, err)
	require.Nil(t, r.Keys.Master)
	require.Nil(t, r.Unsealer, "an interface with nothing in it")
	require.False(t, r.Keys.WrappedOnly)

	_, err = verifyConfig(settings.Config{MasterKey: "short"}, nil)
	require.ErrorContains(t, err, "BESTOW_MASTER_KEY")
}

// verifierOf is a verifier without a master key.
func verifierOf(t *testing.T, pool *pgxpool.Pool) *verify.Verifier {
	t.Helper()
	verifier, err := verify.New(verify.Config{Pool: pool})
	require.NoError(t, err)
	return verifier
}
