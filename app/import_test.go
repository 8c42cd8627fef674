package app

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"bestow/domain"
	"bestow/internal/pg"
	"bestow/internal/pgtest"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
	"pgregory.net/rapid"
)

// importTest is a database with the use cases of member lists on it.
type importTest struct {
	testing.TB
	pool    *pgxpool.Pool
	targets *Targets
	made    int
}

func setupImport(t testing.TB) *importTest {
	t.Helper()
	pool := pgtest.New(t)
	rc, err := river.NewClient(riverpgxv5.New(pool), &river.Config{Schema: "river"})
	require.NoError(t, err)
	return &importTest{TB: t, pool: pool, targets: &Targets{Deps{Pool: pool, River: rc, Limits: DefaultLimits()}}}
}

// event makes a PENDING event. set is further SQL for its row, as in "default_amount = 10".
func (s *importTest) event(set ...string) int64 {
	s.Helper()
	var id int64
	s.made++
	require.NoError(s, s.pool.QueryRow(s.Context(), `INSERT INTO campaign_events (campaign_id, event_type, created_by)
		VALUES ($1, 'POINT', 'test') RETURNING id`, fmt.Sprintf("campaign-%d", s.made)).Scan(&id))
	s.exec(`INSERT INTO campaign_event_summary (event_id) VALUES ($1)`, id)
	for _, assignment := range set {
		s.exec(`UPDATE campaign_events SET `+assignment+` WHERE id = $1`, id)
	}
	return id
}

func (s *importTest) exec(sql string, args ...any) {
	s.Helper()
	_, err := s.pool.Exec(s.Context(), sql, args...)
	require.NoError(s, err)
}

func (s *importTest) int(sql string, args ...any) (n int64) {
	s.Helper()
	require.NoError(s, s.pool.QueryRow(s.Context(), sql, args...).Scan(&n))
	return n
}

func (s *importTest) importCSV(eventID int64, file string) (ImportResult, error) {
	s.Helper()
	return s.targets.Import(s.Context(), Caller{Actor: "test"}, eventID, Upload{Body: strings.NewReader(file), ContentType: typeCSV})
}

func (s *importTest) mustImport(eventID int64, file string) ImportResult {
	s.Helper()
	result, err := s.importCSV(eventID, file)
	require.NoError(s, err)
	return result
}

func (s *importTest) rejected(eventID, importID int64) (rows []RejectedRow) {
	s.Helper()
	_, err := s.targets.Rejected(s.Context(), eventID, importID, func(r RejectedRow) error {
		rows = append(rows, r)
		return nil
	})
	require.NoError(s, err)
	return rows
}

// imported is a row of the targets as the tests compare it.
type imported struct {
	ID, Amount int64
	Partition  int
	Member     string
	Reason     string
}

func (s *importTest) targetsOf(eventID int64) []imported {
	s.Helper()
	rows, err := s.pool.Query(s.Context(), `SELECT id, amount, partition_key, member_id, coalesce(reason, '') FROM point_targets
		WHERE event_id = $1 ORDER BY id`, eventID)
	require.NoError(s, err)
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[imported])
	require.NoError(s, err)
	return all
}

func (s *importTest) chunksOf(eventID int64) []domain.Chunk {
	s.Helper()
	rows, err := s.pool.Query(s.Context(), `SELECT event_id, partition_key, first_id, last_id FROM grant_chunks
		WHERE event_id = $1 AND target_count = last_id - first_id + 1 ORDER BY first_id`, eventID)
	require.NoError(s, err)
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[domain.Chunk])
	require.NoError(s, err)
	return all
}

// runsOf are the jobs that the chunks of each import ask for.
func (s *importTest) runsOf(eventID int64) []domain.Run {
	s.Helper()
	rows, err := s.pool.Query(s.Context(), `SELECT import_id, event_id, partition_key, first_id, last_id FROM grant_chunks
		WHERE event_id = $1 ORDER BY first_id`, eventID)
	require.NoError(s, err)
	type importedChunk struct {
		ImportID int64
		domain.Chunk
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[importedChunk])
	require.NoError(s, err)
	runs := []domain.Run{}
	for len(all) > 0 {
		var one []domain.Chunk
		for first := all[0].ImportID; len(all) > 0 && all[0].ImportID == first; all = all[1:] {
			one = append(one, all[0].Chunk)
		}
		runs = append(runs, domain.Runs(one, s.targets.Limits.RelayChunks)...)
	}
	return runs
}

// jobsOf are the runs of the event's pending relay jobs.
func (s *importTest) jobsOf(eventID int64) []domain.Run {
	s.Helper()
	rows, err := s.pool.Query(s.Context(), `SELECT (args->>'event_id')::bigint, (args->>'partition_key')::int,
			(args->>'first_id')::bigint, (args->>'last_id')::bigint FROM river.river_job
		WHERE state = 'pending' AND kind = 'relay' AND (args->>'event_id')::bigint = $1 ORDER BY (args->>'first_id')::bigint`, eventID)
	require.NoError(s, err)
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[domain.Run])
	require.NoError(s, err)
	return all
}

// consistent asserts what holds of an event's targets whatever was imported: ids in the order of (partition_key,
// member_id) within an import, chunks and jobs that cover each target once, totals that are sums.
func (s *importTest) consistent(eventID int64) []imported {
	s.Helper()
	e, err := pg.Value(s.Context(), s.pool, func(tx pgx.Tx) (domain.Event, error) { return selectEvent(s.Context(), tx, eventID) })
	require.NoError(s, err)
	all, chunks := s.targetsOf(eventID), s.chunksOf(eventID)
	require.Len(s, all, e.TotalCount)
	sum, i := int64(0), 0
	for _, c := range chunks {
		for id := c.First; id <= c.Last; id++ {
			require.Equal(s, id, all[i].ID, "chunk %s", c)
			require.Equal(s, c.PartitionKey, all[i].Partition)
			require.Equal(s, domain.PartitionKey(eventID, all[i].Member, e.Partitions), all[i].Partition)
			if id > c.First {
				require.Less(s, all[i-1].Member, all[i].Member)
			}
			sum += all[i].Amount
			i++
		}
		require.LessOrEqual(s, c.Size(), s.targets.Limits.MessageTargets)
	}
	require.Len(s, all, i, "targets outside of every chunk")
	require.Equal(s, sum, e.TotalAmount)
	require.Equal(s, s.runsOf(eventID), s.jobsOf(eventID))
	require.Zero(s, s.int(`SELECT count(*) FROM pg_class WHERE starts_with(relname, 'import_stage_')`), "a stage was left")
	return all
}

// nothing asserts that no trace of an import is left.
func (s *importTest) nothing(eventID int64) {
	s.Helper()
	require.Empty(s, s.consistent(eventID))
	for _, table := range []string{"imports", "rejected_rows", "grant_chunks", "point_targets", "river.river_job", "idempotency_keys"} {
		require.Zero(s, s.int(`SELECT count(*) FROM `+table), table)
	}
	require.Zero(s, s.int(`SELECT count(*) FROM campaign_events WHERE own_partition IS NOT NULL`))
	require.Zero(s, s.int(`SELECT count(*) FROM pg_class WHERE relname = 'point_targets_' || $1`, fmt.Sprint(eventID)))
}

func TestImport(t *testing.T) {
	t.Parallel()
	s := setupImport(t)
	id := s.event("default_amount = 7")
	file := "member_id,amount,reason\nM1,10,hello\nM2,,\nM1,30,again\n,1,\nM3,x,\n"
	result := s.mustImport(id, file)
	require.Equal(t, ImportResult{ImportID: result.ImportID, Accepted: 2, Rejected: 3, TotalAmount: 17}, result)
	members := map[string]imported{}
	for _, m := range s.consistent(id) {
		members[m.Member] = imported{Amount: m.Amount, Reason: m.Reason}
	}
	require.Equal(t, map[string]imported{"M1": {Amount: 10, Reason: "hello"}, "M2": {Amount: 7}}, members)
	require.Equal(t, []RejectedRow{
		{Line: 4, FirstLine: 2, Code: domain.DuplicateMember, Reason: "the member stands on line 2 already", Raw: "M1,30,again"},
		{Line: 5, Code: domain.MissingMember, Reason: "the member_id is missing", Raw: ",1,"},
		{Line: 6, Code: domain.BadAmount, Reason: "the amount is not a plain integer", Raw: "M3,x,"},
	}, s.rejected(id, result.ImportID))

	records, err := s.targets.Imports(t.Context(), id)
	require.NoError(t, err)
	require.Len(t, records, 1)
	sum := sha256.Sum256([]byte(file))
	require.NotZero(t, records[0].CreatedAt)
	records[0].CreatedAt = records[0].CreatedAt.Truncate(0)
	require.Equal(t, ImportRecord{ID: result.ImportID, EventID: id, CreatedBy: "test", ContentType: typeCSV, Header: "member_id,amount,reason",
		SHA256: sum[:], Bytes: int64(len(file)), Accepted: 2, Rejected: 3, TotalAmount: 17, CreatedAt: records[0].CreatedAt}, records[0])
}

// The sample files, with the numbers and the lines that were worked out beside them.
func TestImportSamples(t *testing.T) {
	t.Parallel()
	s := setupImport(t)
	for _, name := range []string{"spring-members", "spring-excel-cp949"} {
		var want struct {
			DefaultAmount int64 `json:"default_amount"`
			Accepted      int   `json:"accepted"`
			Rejected      int   `json:"rejected"`
			TotalAmount   int64 `json:"total_amount"`
			RejectedRows  []struct {
				Line      int64 `json:"line"`
				FirstLine int64 `json:"first_line"`
			} `json:"rejected_rows"`
		}
		raw, err := os.ReadFile("testdata/" + name + ".expected.json")
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(raw, &want))
		file, err := os.ReadFile("testdata/" + name + ".csv")
		require.NoError(t, err)

		id := s.event(fmt.Sprintf("default_amount = nullif(%d, 0)", want.DefaultAmount))
		result := s.mustImport(id, string(file))
		require.Equal(t, ImportResult{ImportID: result.ImportID, Accepted: want.Accepted, Rejected: want.Rejected, TotalAmount: want.TotalAmount}, result)
		s.consistent(id)
		rows := s.rejected(id, result.ImportID)
		require.Len(t, rows, len(want.RejectedRows))
		for i, r := range want.RejectedRows {
			require.Equal(t, r.Line, rows[i].Line)
			require.Equal(t, r.FirstLine, rows[i].FirstLine, "line %d", r.Line)
			require.NotEmpty(t, rows[i].Reason)
		}
	}
}

// Whatever stands in a file, and in whatever order: each row is accepted or rejected, the first row of a member is the
// one that counts, and the targets are ordered, chunked and summed up.
func TestImportAnything(t *testing.T) {
	t.Parallel()
	s := setupImport(t)
	s.targets.Limits.OwnPartition = 8
	s.targets.Limits.RelayChunks = 2
	rapid.Check(t, func(rt *rapid.T) {
		s.targets.Limits.MessageTargets = rapid.IntRange(1, 4).Draw(rt, "targets a message")
		id := s.event(fmt.Sprintf("partition_count = %d", rapid.SampledFrom([]int{1, 2, 4, 64}).Draw(rt, "partitions")))
		members := rapid.SampledFrom([]string{"", "A", "B", "a", "b", "한", "글", "01", "1", "1E+5", "Z'\\"})
		amounts := rapid.SampledFrom([]string{"1", "20", "300", "", "x", "-1"})
		want, sum, rejected := map[string]int64{}, int64(0), 0
		for range rapid.IntRange(1, 3).Draw(rt, "imports") {
			lines := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) [2]string {
				return [2]string{members.Draw(rt, "member"), amounts.Draw(rt, "amount")}
			}), 1, 20).Draw(rt, "lines")
			var file strings.Builder
			file.WriteString("member_id,amount\n")
			accepted := 0
			for _, l := range lines {
				fmt.Fprintf(&file, "\"%s\",%s\n", strings.ReplaceAll(l[0], `"`, `""`), l[1])
				amount, err := domain.ParseAmount(l[1])
				if _, taken := want[l[0]]; taken || err != nil || domain.CheckMemberID(l[0]) != nil {
					rejected++
					continue
				}
				want[l[0]] = amount
				sum += amount
				accepted++
			}
			result, err := s.importCSV(id, file.String())
			if accepted == 0 {
				require.ErrorIs(rt, err, &domain.Error{Code: domain.AllRejected})
				rejected -= len(lines)
				continue
			}
			require.NoError(rt, err)
			require.Equal(rt, len(lines), result.Accepted+result.Rejected)
			require.Equal(rt, accepted, result.Accepted)
			require.Len(rt, s.rejected(id, result.ImportID), result.Rejected)
		}
		got := map[string]int64{}
		for _, m := range s.consistent(id) {
			got[m.Member] = m.Amount
		}
		require.Equal(rt, want, got)
		require.Equal(rt, sum, s.int(`SELECT total_amount FROM campaign_events WHERE id = $1`, id))
		require.EqualValues(rt, rejected, s.int(`SELECT coalesce(sum(rejected), 0) FROM imports WHERE event_id = $1`, id))
	})
}

// What is refused as a whole leaves nothing, whether it is the file, the event or the sum.
func TestImportRefused(t *testing.T) {
	t.Parallel()
	const good = "member_id,amount\nM1,1\n"
	for name, test := range map[string]struct {
		event string
		file  string
		code  domain.Code
	}{
		"running event":     {"event_status = 'RUNNING'", good, domain.WrongStatus},
		"stopped event":     {"event_status = 'STOPPED'", good, domain.WrongStatus},
		"empty":             {"", "", domain.BadFile},
		"header only":       {"", "member_id,amount\n\n\n", domain.BadFile},
		"open quote":        {"", "member_id,amount\nM1,1\nM2,\"1\n", domain.BadFile},
		"too many rows":     {"", "member_id,amount\n" + strings.Repeat("M,x\n", 101), domain.TooManyRows},
		"sum of the file":   {"", fmt.Sprintf("member_id,amount\nM1,%d\nM2,1\n", math.MaxInt64), domain.AmountOverflow},
		"sum of the event":  {fmt.Sprintf("total_amount = %d", math.MaxInt64), good, domain.AmountOverflow},
		"count":             {fmt.Sprintf("total_count = %d", math.MaxInt32), good, domain.TooManyRows},
		"all rows rejected": {"", "member_id,amount\n,1\nM1,x\n", domain.AllRejected},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := setupImport(t)
			s.targets.Limits.ImportRows = 100
			id := s.event()
			if test.event != "" {
				s.exec(`UPDATE campaign_events SET `+test.event+` WHERE id = $1`, id)
			}
			_, err := s.importCSV(id, test.file)
			require.ErrorIs(t, err, &domain.Error{Code: test.code})
			refused, ok := errors.AsType[*domain.Error](err)
			require.True(t, ok)
			require.NotEmpty(t, refused.Hint)
			s.exec(`UPDATE campaign_events SET total_count = 0, total_amount = 0`)
			s.nothing(id)
		})
	}
}

func TestImportWrongEvent(t *testing.T) {
	t.Parallel()
	s := setupImport(t)
	_, err := s.importCSV(404, "member_id,amount\nM1,1\n")
	require.ErrorIs(t, err, &domain.Error{Code: domain.NotFound})
	_, err = s.importCSV(s.event("event_status = 'RUNNING'"), "member_id,amount\nM1,1\n")
	refused, ok := errors.AsType[*domain.Error](err)
	require.True(t, ok)
	require.Equal(t, domain.Running, refused.Current)
	require.Equal(t, []domain.Move{domain.Stop}, refused.Allowed)
	_, err = s.targets.Imports(t.Context(), 404)
	require.ErrorIs(t, err, &domain.Error{Code: domain.NotFound})
	_, err = s.targets.Rejected(t.Context(), s.event(), 404, func(RejectedRow) error { return nil })
	require.ErrorIs(t, err, &domain.Error{Code: domain.NotFound})
}

// An error for rejected rows shows the first hundred of them, those that repeat a member among them.
func TestImportAbort(t *testing.T) {
	t.Parallel()
	s := setupImport(t)
	id := s.event()
	for name, test := range map[string]struct {
		file string
		rows []int64
	}{
		"a bad row":         {"member_id,amount\nM1,1\nM2,x\nM1,2\n", []int64{3, 4}},
		"a repeated member": {"member_id,amount\nM1,1\nM2,1\nM1,2\n", []int64{4}},
	} {
		_, err := s.targets.Import(t.Context(), Caller{Actor: "test"}, id,
			Upload{Body: strings.NewReader(test.file), ContentType: typeCSV, OnReject: Abort})
		require.ErrorIs(t, err, &domain.Error{Code: domain.RowsRejected}, name)
		refused, ok := errors.AsType[*RejectedError](err)
		require.True(t, ok)
		require.Equal(t, len(test.rows), refused.Rejected)
		var lines []int64
		for _, r := range refused.Rows {
			lines = append(lines, r.Line)
			require.NotEmpty(t, r.Raw)
		}
		require.Equal(t, test.rows, lines, name)
		s.nothing(id)
	}
	_, err := s.importCSV(id, "member_id,amount\n"+strings.Repeat("M1,x\n", 250))
	refused, ok := errors.AsType[*RejectedError](err)
	require.True(t, ok)
	require.Equal(t, 250, refused.Rejected)
	require.Len(t, refused.Rows, 100)
	require.EqualValues(t, 101, refused.Rows[99].Line)
	result, err := s.targets.Import(t.Context(), Caller{Actor: "test"}, id,
		Upload{Body: strings.NewReader("member_id,amount\nM1,1\n"), ContentType: typeCSV, OnReject: Abort})
	require.NoError(t, err)
	require.Equal(t, 1, result.Accepted)
}

// Too many rejected rows end an upload, wherever they are found, before the rest of it is read.
func TestImportTooManyRejected(t *testing.T) {
	t.Parallel()
	require.Equal(t, 1_000_000, DefaultLimits().ImportRejected)
	s := setupImport(t)
	s.targets.Limits.ImportRejected = 10_000
	id := s.event()
	head := "member_id,amount\nM,1\n"
	for name, rest := range map[string]string{"bad rows": "M,x\n", "repeated rows": "M,1\n"} {
		body := &counting{r: io.MultiReader(strings.NewReader(head), io.LimitReader(endlessly(rest), int64(200_000*len(rest))))}
		_, err := s.targets.Import(t.Context(), Caller{Actor: "test"}, id, Upload{Body: body, ContentType: typeCSV})
		require.ErrorIs(t, err, &domain.Error{Code: domain.TooManyRejected}, name)
		refused, ok := errors.AsType[*RejectedError](err)
		require.True(t, ok)
		require.Equal(t, 10_000, refused.Rejected)
		require.Len(t, refused.Rows, 100)
		require.EqualValues(t, 3, refused.Rows[0].Line)
		if name == "bad rows" {
			require.Less(t, body.n, 600_000)
		}
		s.nothing(id)
	}
}

// A second import adds to the first; what the event has is rejected. Where targets live is decided by the first.
func TestImportTwice(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		threshold int
		own       bool
	}{"in the default partition": {100, false}, "in its own partition": {3, true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := setupImport(t)
			s.targets.Limits.OwnPartition = test.threshold
			other, id := s.event(), s.event()
			s.mustImport(other, "member_id,amount\nM1,1\nM9,1\n")
			s.mustImport(id, "member_id,amount\nM1,1\nM2,2\nM3,3\n")
			s.targets.Limits.OwnPartition = 1
			result := s.mustImport(id, "member_id,amount\nM5,5\nM2,20\nM4,4\nM5,50\nM2,200\n")
			require.Equal(t, 2, result.Accepted)
			require.Equal(t, int64(9), result.TotalAmount)
			require.Equal(t, []RejectedRow{
				{Line: 3, Code: domain.ExistingMember, Reason: "the event already has the member", Raw: "M2,20"},
				{Line: 5, FirstLine: 2, Code: domain.DuplicateMember, Reason: "the member stands on line 2 already", Raw: "M5,50"},
				{Line: 6, Code: domain.ExistingMember, Reason: "the event already has the member", Raw: "M2,200"},
			}, s.rejected(id, result.ImportID))
			require.Len(t, s.consistent(id), 5)
			require.Len(t, s.consistent(other), 2)
			table := "point_targets_default"
			if test.own {
				table = fmt.Sprintf("point_targets_%d", id)
			}
			require.EqualValues(t, 5, s.int(`SELECT count(*) FROM `+table+` WHERE event_id = $1`, id))
			require.Equal(t, test.own, s.int(`SELECT own_partition::int FROM campaign_events WHERE id = $1`, id) == 1)
			_, err := s.importCSV(id, "member_id,amount\nM1,1\nM2,2\n")
			require.ErrorIs(t, err, &domain.Error{Code: domain.AllRejected})
			require.Len(t, s.consistent(id), 5)
		})
	}
}

// A dry run counts the same, refuses the same, and keeps nothing.
func TestImportDryRun(t *testing.T) {
	t.Parallel()
	s := setupImport(t)
	s.targets.Limits.OwnPartition = 2
	id := s.event()
	const file = "member_id,amount\nM1,1\nM2,2\nM1,3\nM3,x\n"
	dry := func(file string) (ImportResult, error) {
		by := Caller{Actor: "test", Once: &Once{Key: "k", Fingerprint: []byte("f")}}
		return s.targets.Import(t.Context(), by, id, Upload{Body: strings.NewReader(file), ContentType: typeCSV, DryRun: true})
	}
	first, err := dry(file)
	require.NoError(t, err)
	require.Equal(t, ImportResult{Accepted: 2, Rejected: 2, TotalAmount: 3}, first)
	_, err = dry("member_id,amount\nM3,x\n")
	require.ErrorIs(t, err, &domain.Error{Code: domain.AllRejected})
	s.nothing(id)
	result := s.mustImport(id, file)
	result.ImportID = 0
	require.Equal(t, first, result)
	_, err = dry(file)
	require.ErrorIs(t, err, &domain.Error{Code: domain.AllRejected})
	require.Len(t, s.consistent(id), 2)
}

// A repeated Idempotency-Key gets the stored answer, even when the event has begun; with another file it is refused.
func TestImportOnce(t *testing.T) {
	t.Parallel()
	s := setupImport(t)
	id := s.event()
	ask := func(file string) (ImportResult, bool, error) {
		by := Caller{Actor: "test", Once: &Once{Key: "k", Fingerprint: []byte("POST /events/1/targets")}}
		result, err := s.targets.Import(t.Context(), by, id, Upload{Body: iotest.HalfReader(strings.NewReader(file)), ContentType: typeCSV})
		return result, by.Once.Replayed, err
	}
	_, _, err := ask("member_id,amount\nM1,x\n")
	require.ErrorIs(t, err, &domain.Error{Code: domain.AllRejected}, "a refusal is not kept")
	const file = "member_id,amount\nM1,1\nM2,x\n"
	first, replayed, err := ask(file)
	require.NoError(t, err)
	require.False(t, replayed)
	s.exec(`UPDATE campaign_events SET event_status = 'RUNNING'`)
	second, replayed, err := ask(file)
	require.NoError(t, err)
	require.True(t, replayed)
	require.Equal(t, first, second)
	_, _, err = ask(file + "M3,1\n")
	require.ErrorIs(t, err, &domain.Error{Code: domain.KeyReused})
	require.Len(t, s.consistent(id), 1)
}

// slowly is an upload that stops after its first part until it is told to go on.
type slowly struct {
	io.Reader
	begun chan struct{} // closed when the first part was read
	goOn  chan struct{}
}

func newSlowly(first, rest string) *slowly {
	s := &slowly{begun: make(chan struct{}), goOn: make(chan struct{})}
	wait := readFunc(func([]byte) (int, error) {
		close(s.begun)
		<-s.goOn
		return 0, io.EOF
	})
	s.Reader = io.MultiReader(strings.NewReader(first), wait, strings.NewReader(rest))
	return s
}

type readFunc func([]byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }

// whileImporting runs check while an import of an event is held in the middle of its file, and returns what became of it.
func (s *importTest) whileImporting(eventID int64, by Caller, check func()) (result ImportResult, err error) {
	s.Helper()
	body := newSlowly("member_id,amount\nM1,1\n", "M2,2\n")
	done := make(chan struct{})
	go func() {
		defer close(done)
		result, err = s.targets.Import(s.Context(), by, eventID, Upload{Body: body, ContentType: typeCSV})
	}()
	<-body.begun
	check()
	close(body.goOn)
	<-done
	return result, err
}

// While an import runs, another one of the event is refused, its key is in flight, and other events go on.
func TestImportAtOnce(t *testing.T) {
	t.Parallel()
	s := setupImport(t)
	id, other := s.event(), s.event()
	by := Caller{Actor: "test", Once: &Once{Key: "k", Fingerprint: []byte("f")}}
	_, err := s.whileImporting(id, by, func() {
		_, err := s.importCSV(id, "member_id,amount\nM3,3\n")
		require.ErrorIs(t, err, &domain.Error{Code: domain.ImportRunning})
		_, err = s.targets.Import(t.Context(), by, id, Upload{Body: strings.NewReader("member_id\n"), ContentType: typeCSV})
		require.ErrorIs(t, err, &domain.Error{Code: domain.KeyInFlight})
		s.mustImport(other, "member_id,amount\nM1,1\nM2,2\n")
	})
	require.NoError(t, err)
	require.Len(t, s.consistent(id), 2)
	require.Len(t, s.consistent(other), 2)
}

// Many imports at once, each of an event of its own, half of them into partitions of their own: the ids of each are one
// run, in order (F37).
func TestImportManyAtOnce(t *testing.T) {
	t.Parallel()
	s := setupImport(t)
	s.targets.Limits.OwnPartition = 200
	s.targets.Limits.MessageTargets = 30
	const events = 6
	var ids []int64
	for range events {
		ids = append(ids, s.event())
	}
	group, ctx := errgroup.WithContext(t.Context())
	group.SetLimit(events)
	for i, id := range ids {
		group.Go(func() error {
			file := memberFile(100 + i%2*200)
			_, err := s.targets.Import(ctx, Caller{Actor: "test"}, id, Upload{Body: bytes.NewReader(file), ContentType: typeCSV})
			return err
		})
	}
	require.NoError(t, group.Wait())
	for i, id := range ids {
		all := s.consistent(id)
		require.Len(t, all, 100+i%2*200)
		require.EqualValues(t, len(all)-1, all[len(all)-1].ID-all[0].ID, "one block of ids")
	}
}

// An event that begins, or is edited, while its list is read does not get the targets (F38).
func TestImportOvertaken(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		update string
		code   domain.Code
	}{
		"started":                 {"event_status = 'RUNNING'", domain.WrongStatus},
		"other partition count":   {"partition_count = 8", domain.ImportRunning},
		"other default amount":    {"default_amount = 8", domain.ImportRunning},
		"other default reason":    {"default_reason = 'x'", domain.ImportRunning},
		"edited where it matters": {"reservation_priority = 1", ""},
	} {
		for _, threshold := range []int{1, 100} {
			t.Run(fmt.Sprint(name, threshold), func(t *testing.T) {
				t.Parallel()
				s := setupImport(t)
				s.targets.Limits.OwnPartition = threshold
				id := s.event()
				_, err := s.whileImporting(id, Caller{Actor: "test"}, func() {
					s.exec(`UPDATE campaign_events SET `+test.update+` WHERE id = $1`, id)
				})
				if test.code == "" {
					require.NoError(t, err)
					require.Len(t, s.consistent(id), 2)
					return
				}
				require.ErrorIs(t, err, &domain.Error{Code: test.code})
				s.nothing(id)
			})
		}
	}
}

// A start that meets an import is refused, one that comes after it runs with everything: whoever is first (F38).
func TestImportStartRace(t *testing.T) {
	t.Parallel()
	s := setupImport(t)
	events := &Events{s.targets.Deps}
	id := s.event()
	_, err := s.whileImporting(id, Caller{Actor: "test"}, func() {
		_, err := events.Start(t.Context(), Caller{Actor: "test"}, id)
		require.ErrorIs(t, err, &domain.Error{Code: domain.ImportRunning})
	})
	require.NoError(t, err)
	for range 10 {
		id := s.event()
		s.mustImport(id, "member_id,amount\nM0,1\n")
		var imported, started error
		var group errgroup.Group
		group.Go(func() error { _, imported = s.importCSV(id, "member_id,amount\nM1,1\n"); return nil })
		group.Go(func() error { _, started = events.Start(t.Context(), Caller{Actor: "test"}, id); return nil })
		require.NoError(t, group.Wait())
		targets := s.int(`SELECT count(*) FROM point_targets WHERE event_id = $1`, id)
		require.Equal(t, targets, s.int(`SELECT total_count FROM campaign_events WHERE id = $1`, id))
		require.Equal(t, targets, s.int(`SELECT coalesce(sum(target_count), 0) FROM grant_chunks WHERE event_id = $1`, id))
		if imported != nil {
			refused, ok := errors.AsType[*domain.Error](imported)
			require.True(t, ok, "%v", imported)
			require.Contains(t, []domain.Code{domain.WrongStatus, domain.ImportRunning}, refused.Code)
			require.EqualValues(t, 1, targets)
		}
		if started != nil {
			require.ErrorIs(t, started, &domain.Error{Code: domain.ImportRunning})
		} else {
			require.Empty(t, s.jobsOf(id), "a job was left pending in a running event")
		}
	}
}

// A client that goes away in the middle leaves nothing, and the same list is imported afterwards.
func TestImportClientGone(t *testing.T) {
	t.Parallel()
	s := setupImport(t)
	id := s.event()
	broken := io.MultiReader(bytes.NewReader(memberFile(10_000)), iotest.ErrReader(io.ErrUnexpectedEOF))
	_, err := s.targets.Import(t.Context(), Caller{Actor: "test"}, id, Upload{Body: broken, ContentType: typeCSV})
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	s.nothing(id)

	ctx, cancel := context.WithCancel(t.Context())
	body := newSlowly(string(memberFile(10_000)), "")
	go func() {
		<-body.begun
		cancel()
		close(body.goOn)
	}()
	_, err = s.targets.Import(ctx, Caller{Actor: "test"}, id, Upload{Body: body, ContentType: typeCSV})
	require.ErrorIs(t, err, context.Canceled)
	s.nothing(id)
	s.mustImport(id, string(memberFile(10_000)))
	require.Len(t, s.consistent(id), 10_000)
}

// What a killed import left is dropped by the next one, of whatever event; a living one keeps its stage.
func TestImportDropsOrphans(t *testing.T) {
	t.Parallel()
	s := setupImport(t)
	id, other := s.event(), s.event()
	s.exec(`CREATE UNLOGGED TABLE import_stage_` + fmt.Sprint(id) + `_dead (line bigint)`)
	s.exec(`CREATE UNLOGGED TABLE import_stage_404_dead (line bigint)`)
	s.exec(`CREATE TABLE import_stage_of_somebody (line bigint)`)
	_, err := s.whileImporting(id, Caller{Actor: "test"}, func() {
		s.mustImport(other, "member_id,amount\nM1,1\n")
		require.EqualValues(t, 2, s.int(`SELECT count(*) FROM pg_class WHERE starts_with(relname, 'import_stage_')`))
	})
	require.NoError(t, err)
	s.exec(`DROP TABLE import_stage_of_somebody`)
	require.Len(t, s.consistent(id), 2)
}

// A default partition that is in use is waited for, but not for ever.
func TestImportWaitsForDefaultPartition(t *testing.T) {
	t.Parallel()
	s := setupImport(t)
	s.targets.Limits.OwnPartition = 1
	id := s.event()
	reader, err := s.pool.Begin(t.Context())
	require.NoError(t, err)
	_, err = reader.Exec(t.Context(), `LOCK TABLE point_targets_default IN ACCESS SHARE MODE`)
	require.NoError(t, err)
	imported := make(chan error, 1)
	go func() {
		_, err := s.importCSV(id, "member_id,amount\nM1,1\n")
		imported <- err
	}()
	require.Eventually(t, func() bool {
		return s.int(`SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' OR state = 'idle in transaction'
			AND datname = current_database() AND query LIKE 'rollback to%'`) > 0
	}, 20*time.Second, 20*time.Millisecond, "no first try failed")
	require.NoError(t, reader.Rollback(t.Context()))
	require.NoError(t, <-imported)
	require.Len(t, s.consistent(id), 1)
}

func TestAttachGivesUp(t *testing.T) {
	t.Parallel()
	s := setupImport(t)
	id := s.event()
	reader, err := s.pool.Begin(t.Context())
	require.NoError(t, err)
	defer func() { require.NoError(t, reader.Rollback(context.WithoutCancel(t.Context()))) }()
	_, err = reader.Exec(t.Context(), `LOCK TABLE point_targets_default IN ACCESS SHARE MODE`)
	require.NoError(t, err)
	err = pgx.BeginFunc(t.Context(), s.pool, func(tx pgx.Tx) error {
		e, err := selectEvent(t.Context(), tx, id)
		require.NoError(t, err)
		_, err = createTargetsPartition(t.Context(), tx, e)
		require.NoError(t, err)
		require.NoError(t, indexTargetsPartition(t.Context(), tx, e))
		return attachTargetsPartition(t.Context(), tx, e, 1)
	})
	require.ErrorIs(t, err, &domain.Error{Code: domain.Unavailable})
}
