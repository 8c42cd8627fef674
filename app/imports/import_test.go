package imports

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"bestow/app/command"
	"bestow/domain"
	"bestow/internal/eventtest"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestImport(t *testing.T) {
	t.Parallel()
	s := setupImport(t)
	id := s.Event("default_amount = 7")
	file := "member_id,amount,reason\nM1,10,hello\nM2,,\nM1,30,again\n,1,\nM3,x,\n"
	result := s.mustImport(id, file)
	require.Equal(t, Result{EventID: id, ImportID: result.ImportID, Accepted: 2, Rejected: 3, TotalAmount: 17, Unit: "P"}, result)
	members := map[string]eventtest.Target{}
	for _, m := range s.consistent(id) {
		members[m.Member] = eventtest.Target{Amount: m.Amount, Reason: m.Reason}
	}
	require.Equal(t, map[string]eventtest.Target{"M1": {Amount: 10, Reason: "hello"}, "M2": {Amount: 7}}, members)
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
	require.Equal(t, Record{
		ID: result.ImportID, EventID: id, CreatedBy: "test", ContentType: "text/csv", Header: "member_id,amount,reason",
		SHA256: sum[:], Bytes: int64(len(file)), Accepted: 2, Rejected: 3, TotalAmount: 17, CreatedAt: records[0].CreatedAt,
	}, records[0])
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
		raw, err := os.ReadFile("../testdata/" + name + ".expected.json")
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(raw, &want))
		file, err := os.ReadFile("../testdata/" + name + ".csv")
		require.NoError(t, err)

		id := s.Event(fmt.Sprintf("default_amount = nullif(%d, 0)", want.DefaultAmount))
		result := s.mustImport(id, string(file))
		require.Equal(t, Result{EventID: id, ImportID: result.ImportID, Accepted: want.Accepted, Rejected: want.Rejected, TotalAmount: want.TotalAmount, Unit: "P"}, result)
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
	s.targets.sizes.OwnPartition = 8
	s.targets.sizes.RelayChunks = 2
	rapid.Check(t, func(rt *rapid.T) {
		s.targets.sizes.MessageTargets = rapid.IntRange(1, 4).Draw(rt, "targets a message")
		id := s.Event(fmt.Sprintf("partition_count = %d", rapid.SampledFrom([]int{1, 2, 4, 64}).Draw(rt, "partitions")))
		members := rapid.SampledFrom([]string{"", "A", "B", "a", "b", "한", "글", "01", "1", "1E+5", "Z'\\"})
		amounts := rapid.SampledFrom([]string{"1", "20", "300", "", "x", "-1"})
		want, sum, rejected := map[string]int64{}, int64(0), 0
		for range rapid.IntRange(1, 3).Draw(rt, "imports") {
			lines := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) [2]string {
				return [2]string{members.Draw(rt, "member"), amounts.Draw(rt, "amount")}
			}), 1, 20).Draw(rt, "lines")
			var file strings.Builder
			file.WriteString("member_id,amount\n")
			accepted, read := 0, 0
			for _, l := range lines {
				fmt.Fprintf(&file, "\"%s\",%s\n", strings.ReplaceAll(l[0], `"`, `""`), l[1])
				if l[0] == "" && l[1] == "" {
					continue // a blank row
				}
				read++
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
				code := domain.AllRejected
				if read == 0 {
					code = domain.BadFile
				}
				require.ErrorIs(rt, err, &domain.Error{Code: code})
				rejected -= read
				continue
			}
			require.NoError(rt, err)
			require.Equal(rt, read, result.Accepted+result.Rejected)
			require.Equal(rt, accepted, result.Accepted)
			require.Len(rt, s.rejected(id, result.ImportID), result.Rejected)
		}
		got := map[string]int64{}
		for _, m := range s.consistent(id) {
			got[m.Member] = m.Amount
		}
		require.Equal(rt, want, got)
		require.Equal(rt, sum, s.Int(`SELECT total_amount FROM campaign_events WHERE id = $1`, id))
		require.EqualValues(rt, rejected, s.Int(`SELECT coalesce(sum(rejected), 0) FROM imports WHERE event_id = $1`, id))
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
		"sum of the file":   {fmt.Sprintf("total_amount = %d", math.MaxInt64-1), good + "M2,1\n", domain.AmountOverflow},
		"sum of the event":  {fmt.Sprintf("total_amount = %d", math.MaxInt64), good, domain.AmountOverflow},
		"count":             {fmt.Sprintf("total_count = %d", math.MaxInt32), good, domain.TooManyRows},
		"all rows rejected": {"", "member_id,amount\n,1\nM1,x\n", domain.AllRejected},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := setupImport(t)
			s.targets.sizes.MaxRows = 100
			id := s.Event()
			if test.event != "" {
				s.Exec(`UPDATE campaign_events SET `+test.event+` WHERE id = $1`, id)
			}
			_, err := s.importCSV(id, test.file)
			require.ErrorIs(t, err, &domain.Error{Code: test.code})
			refused, ok := errors.AsType[*domain.Error](err)
			require.True(t, ok)
			require.NotEmpty(t, refused.Hint)
			s.Exec(`UPDATE campaign_events SET total_count = 0, total_amount = 0`)
			s.nothing(id)
		})
	}
}

func TestImportWrongEvent(t *testing.T) {
	t.Parallel()
	s := setupImport(t)
	_, err := s.importCSV(404, "member_id,amount\nM1,1\n")
	require.ErrorIs(t, err, &domain.Error{Code: domain.NotFound})
	_, err = s.importCSV(s.Event("event_status = 'RUNNING'"), "member_id,amount\nM1,1\n")
	refused, ok := errors.AsType[*domain.Error](err)
	require.True(t, ok)
	require.Equal(t, domain.Running, refused.Current)
	require.Equal(t, []domain.Move{domain.Stop}, refused.Allowed)
	_, err = s.targets.Imports(t.Context(), 404)
	require.ErrorIs(t, err, &domain.Error{Code: domain.NotFound})
	_, err = s.targets.Rejected(t.Context(), s.Event(), 404, func(RejectedRow) error { return nil })
	require.ErrorIs(t, err, &domain.Error{Code: domain.NotFound})
}

// An error for rejected rows shows the first hundred of them, those that repeat a member among them.
func TestImportAbort(t *testing.T) {
	t.Parallel()
	s := setupImport(t)
	id := s.Event()
	for name, test := range map[string]struct {
		file string
		rows []int64
	}{
		"a bad row":         {"member_id,amount\nM1,1\nM2,x\nM1,2\n", []int64{3, 4}},
		"a repeated member": {"member_id,amount\nM1,1\nM2,1\nM1,2\n", []int64{4}},
	} {
		_, err := s.targets.Import(t.Context(), command.Caller{Actor: "test"}, id,
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
	result, err := s.targets.Import(t.Context(), command.Caller{Actor: "test"}, id,
		Upload{Body: strings.NewReader("member_id,amount\nM1,1\n"), ContentType: typeCSV, OnReject: Abort})
	require.NoError(t, err)
	require.Equal(t, 1, result.Value.Accepted)
}

// Too many rejected rows end an upload, wherever they are found, before the rest of it is read.
func TestImportTooManyRejected(t *testing.T) {
	t.Parallel()
	require.Equal(t, 1_000_000, DefaultSizes().MaxRejected)
	s := setupImport(t)
	s.targets.sizes.MaxRejected = 10_000
	id := s.Event()
	head := "member_id,amount\nM,1\n"
	for name, rest := range map[string]string{"bad rows": "M,x\n", "repeated rows": "M,1\n"} {
		body := strings.NewReader(head + strings.Repeat(rest, 200_000))
		_, err := s.targets.Import(t.Context(), command.Caller{Actor: "test"}, id, Upload{Body: body, ContentType: typeCSV})
		require.ErrorIs(t, err, &domain.Error{Code: domain.TooManyRejected}, name)
		refused, ok := errors.AsType[*RejectedError](err)
		require.True(t, ok)
		require.Equal(t, 10_000, refused.Rejected)
		require.Len(t, refused.Rows, 100)
		require.EqualValues(t, 3, refused.Rows[0].Line)
		if name == "bad rows" {
			require.Less(t, body.Size()-int64(body.Len()), int64(600_000))
		}
		s.nothing(id)
	}
}

// A dry run counts the same, refuses the same, and keeps nothing.
func TestImportDryRun(t *testing.T) {
	t.Parallel()
	s := setupImport(t)
	s.targets.sizes.OwnPartition = 2
	id := s.Event()
	const file = "member_id,amount\nM1,1\nM2,2\nM1,3\nM3,x\n"
	dry := func(file string) (Result, error) {
		by := command.Caller{Actor: "test", Once: &command.Once{Key: "k", Fingerprint: []byte("f")}}
		a, err := s.targets.Import(t.Context(), by, id, Upload{Body: strings.NewReader(file), ContentType: typeCSV, DryRun: true})
		return a.Value, err
	}
	first, err := dry(file)
	require.NoError(t, err)
	require.Equal(t, Result{Accepted: 2, Rejected: 2, TotalAmount: 3, Unit: "P"}, first)
	_, err = dry("member_id,amount\nM3,x\n")
	require.ErrorIs(t, err, &domain.Error{Code: domain.AllRejected})
	s.nothing(id)
	result := s.mustImport(id, file)
	result.EventID, result.ImportID = 0, 0
	require.Equal(t, first, result)
	_, err = dry(file)
	require.ErrorIs(t, err, &domain.Error{Code: domain.AllRejected})
	require.Len(t, s.consistent(id), 2)
}

// A chunk's grants fit into a message, however long the reasons are, the event's default included (F35).
func TestImportChunksByBytes(t *testing.T) {
	t.Parallel()
	s := setupImport(t)
	long := strings.Repeat("가", 500)
	var own, none strings.Builder
	own.WriteString("member_id,amount,reason\n")
	none.WriteString("member_id,amount\n")
	for i := range 1000 {
		fmt.Fprintf(&own, "M%04d,1,%s\n", i, long)
		fmt.Fprintf(&none, "M%04d,1\n", i)
	}
	for _, id := range []int64{s.Event("partition_count = 1"), s.Event("partition_count = 1", "default_reason = '"+long+"'")} {
		file := own.String()
		if s.Int(`SELECT count(*) FROM campaign_events WHERE id = $1 AND default_reason IS NOT NULL`, id) > 0 {
			file = none.String()
		}
		s.mustImport(id, file)
		require.Len(t, s.consistent(id), 1000)
		for _, c := range s.Chunks(id) {
			require.LessOrEqual(t, c.Size()*domain.GrantSize("M0000", long), domain.MaxMessageBytes)
		}
	}
}
