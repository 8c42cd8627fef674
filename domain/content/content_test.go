package content_test

import (
	"encoding/hex"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"bestow/domain"
	"bestow/domain/content"
	"bestow/internal/seal"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// key is the same one each time, for golden values.
func key(tb testing.TB) *seal.Key {
	tb.Helper()
	bare := make([]byte, 1+seal.Size)
	for i := range seal.Size {
		bare[1+i] = byte(i)
	}
	k, err := seal.FromBare(bare)
	require.NoError(tb, err)
	return k
}

// row is a target, as the hasher is given it.
type row struct {
	id, amount     int64
	member, reason []byte
}

func sum(tb testing.TB, rows ...row) string {
	tb.Helper()
	h := content.NewHasher(key(tb).NewHMAC())
	for _, r := range rows {
		h.Add(r.id, r.amount, r.member, r.reason)
	}
	s := h.Sum()
	return hex.EncodeToString(s[:])
}

// golden are the rows of testdata/golden.json: the longest member and reason there can be, a reason that is empty, and
// none.
func golden() []row {
	return []row{
		{1, 1000, []byte("0557418298"), nil},
		{2, math.MaxInt64, []byte("회원00001"), []byte("봄맞이 🎁")},
		{3, 1, []byte(strings.Repeat("🎁", 50)), []byte(strings.Repeat("🎁", 500))},
		{4, 7, []byte("m"), []byte{}},
	}
}

func goldenEvent() domain.Event {
	at := time.Date(2027, 3, 1, 9, 0, 0, 123456000, time.FixedZone("KST", 9*3600))
	priority := 3
	return domain.Event{
		ID: 7, CampaignID: `봄<2027> & "more"`, DefaultReason: "봄맞이", DefaultAmount: 1000, ExpiryAt: &at, Partitions: 4,
		ReservationAt: &at, ReservationPriority: &priority,
		Type: domain.EventType{
			Code: "POINT", Granter: "money", Operation: domain.Points, Label: "Points",
			Topic: "point",
		},
	}
}

func goldenChunks(tb testing.TB) []content.Chunk {
	tb.Helper()
	h := content.NewHasher(key(tb).NewHMAC())
	for _, r := range golden() {
		h.Add(r.id, r.amount, r.member, r.reason)
	}
	return []content.Chunk{
		{Chunk: domain.Chunk{EventID: 7, PartitionKey: 0, First: 1, Last: 4}, Count: 4, Hash: h.Sum()},
		{Chunk: domain.Chunk{EventID: 7, PartitionKey: 3, First: 5, Last: 5}, Count: 1},
	}
}

// The formats are for ever: what was kept by one version is computed again by the next.
func TestGolden(t *testing.T) {
	t.Parallel()
	body, err := os.ReadFile(filepath.Join("testdata", "golden.json"))
	require.NoError(t, err)
	var want struct{ Chunk, Definition, Root, DefinitionOfLittle, KeyedRoot, Import, Imports string }
	require.NoError(t, json.Unmarshal(body, &want))
	require.Equal(t, want.Chunk, sum(t, golden()...))
	definition, err := content.Definition(goldenEvent(), 1)
	require.NoError(t, err)
	require.Equal(t, want.Definition, string(definition))
	root := content.Root(definition, goldenChunks(t))
	require.Equal(t, want.Root, hex.EncodeToString(root[:]))
	definition, err = content.Definition(goldenEvent(), 2)
	require.NoError(t, err)
	require.Equal(t, strings.Replace(want.Definition, `"v":1`, `"v":2`, 1), string(definition))
	keyed := content.KeyedRoot(key(t), definition, goldenStart(), goldenChunks(t))
	require.Equal(t, want.KeyedRoot, hex.EncodeToString(keyed[:]))
	imported := content.SealImport(key(t), 5, []byte("digest"), goldenChunks(t))
	require.Equal(t, want.Import, hex.EncodeToString(imported[:]))
	imports := content.SealImports(key(t),
		[]content.Sealed{{ImportID: 5, Seal: imported[:]}, {ImportID: 6, Seal: keyed[:]}})
	require.Equal(t, want.Imports, hex.EncodeToString(imports[:]))
	little, err := content.Definition(domain.Event{
		CampaignID: "c", Partitions: 1,
		Type: domain.EventType{Code: "POINT", Granter: "money", Operation: domain.Points},
	}, 1)
	require.NoError(t, err)
	require.Equal(t, want.DefinitionOfLittle, string(little))
}

// A hasher that was summed begins anew.
func TestHasherBeginsAnew(t *testing.T) {
	t.Parallel()
	h := content.NewHasher(key(t).NewHMAC())
	sums := map[content.Hash]int{}
	for range 3 {
		for _, r := range golden() {
			h.Add(r.id, r.amount, r.member, r.reason)
		}
		sums[h.Sum()]++
	}
	require.Equal(t, 1, len(sums))
	require.NotEqual(t, sum(t, golden()...), sum(t))
}

// Two lists of rows have one hash only if they are the same: no bytes of one field pass for those of another.
func TestHashTellsListsApart(t *testing.T) {
	t.Parallel()
	rows := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) row {
		r := row{
			rapid.Int64Range(0, 3).Draw(t, "id"), rapid.Int64Range(0, 3).Draw(t, "amount"),
			rapid.SliceOfN(rapid.ByteRange(0, 2), 0, 3).Draw(t, "member"), nil,
		}
		if rapid.Bool().Draw(t, "has a reason") {
			r.reason = append([]byte{}, rapid.SliceOfN(rapid.ByteRange(0, 2), 0, 3).Draw(t, "reason")...)
		}
		return r
	}), 0, 3)
	rapid.Check(t, func(r *rapid.T) {
		a, b := rows.Draw(r, "a"), rows.Draw(r, "b")
		same := slices.EqualFunc(a, b, func(x, y row) bool {
			return x.id == y.id && x.amount == y.amount && string(x.member) == string(y.member) &&
				string(x.reason) == string(y.reason) && (x.reason == nil) == (y.reason == nil)
		})
		require.Equal(r, same, sum(t, a...) == sum(t, b...))
	})
}

// decides are the fields of an event that decide who gets what, when and how, and how each may change; the others are
// how it goes. A field that is new must be put into one of the two.
var decides = map[string]func(*domain.Event){
	"CampaignID":          func(e *domain.Event) { e.CampaignID = "other" },
	"DefaultReason":       func(e *domain.Event) { e.DefaultReason = "" },
	"DefaultAmount":       func(e *domain.Event) { e.DefaultAmount *= 10 },
	"ExpiryAt":            func(e *domain.Event) { e.ExpiryAt = new(e.ExpiryAt.Add(time.Microsecond)) },
	"Partitions":          func(e *domain.Event) { e.Partitions++ },
	"ReservationAt":       func(e *domain.Event) { e.ReservationAt = nil },
	"ReservationPriority": func(e *domain.Event) { e.ReservationPriority = new(4) },
	"Type.Code":           func(e *domain.Event) { e.Type.Code = "VOUCHER" },
	"Type.Granter":        func(e *domain.Event) { e.Type.Granter = "other" },
	"Type.Operation":      func(e *domain.Event) { e.Type.Operation = domain.Vouchers },
}

// goes are the fields of an event that say how it goes, that its chunks hold, or that only people read.
// The unit is a label of the type, and no amount is converted by it; the limits are checked anew at each move.
var goes = []string{
	"ID", "Type", "Status", "FailureCode", "Expired", "Missed", "TotalCount", "TotalAmount",
	"CreatedBy", "CreatedAt", "UpdatedAt", "Summary",
	"Name", "Type.Label", "Type.Topic", "Type.Unit", "Type.Limits",
}

// Each field that decides changes the definition and the root, and every field of an event is one that decides or not.
func TestEachFieldDecides(t *testing.T) {
	t.Parallel()
	before, err := content.Definition(goldenEvent(), content.Version)
	require.NoError(t, err)
	for name, change := range decides {
		e := goldenEvent()
		change(&e)
		after, err := content.Definition(e, content.Version)
		require.NoError(t, err)
		require.NotEqual(t, string(before), string(after), name)
		require.NotEqual(t, content.Root(before, goldenChunks(t)), content.Root(after, goldenChunks(t)), name)
	}
	known := append(slices.Clone(goes), slices.Collect(func(yield func(string) bool) {
		for name := range decides {
			if !yield(name) {
				return
			}
		}
	})...)
	for _, part := range []struct {
		prefix string
		of     reflect.Type
	}{{"", reflect.TypeFor[domain.Event]()}, {"Type.", reflect.TypeFor[domain.EventType]()}} {
		for i := range part.of.NumField() {
			require.Contains(t, known, part.prefix+part.of.Field(i).Name,
				"does it decide who gets what? then it belongs into the definition")
		}
	}
}

// Each part of a chunk changes the root, and so does their order.
func TestEachPartOfAChunkDecides(t *testing.T) {
	t.Parallel()
	before := content.Root([]byte("{}"), goldenChunks(t))
	for name, change := range map[string]func([]content.Chunk) []content.Chunk{
		"partition": func(c []content.Chunk) []content.Chunk { c[0].PartitionKey++; return c },
		"first":     func(c []content.Chunk) []content.Chunk { c[0].First++; return c },
		"last":      func(c []content.Chunk) []content.Chunk { c[0].Last++; return c },
		"count":     func(c []content.Chunk) []content.Chunk { c[0].Count++; return c },
		"hash":      func(c []content.Chunk) []content.Chunk { c[0].Hash[31] ^= 1; return c },
		"one less":  func(c []content.Chunk) []content.Chunk { return c[:1] },
		"order":     func(c []content.Chunk) []content.Chunk { slices.Reverse(c); return c },
	} {
		require.NotEqual(t, before, content.Root([]byte("{}"), change(goldenChunks(t))), name)
	}
}

func TestUnknownVersion(t *testing.T) {
	t.Parallel()
	for _, version := range []int{0, -1, content.Version + 1} {
		_, err := content.Definition(goldenEvent(), version)
		require.ErrorContains(t, err, "does not know version")
	}
}

// BenchmarkHash hashes a chunk of 1,000 targets, half of them with a reason.
//
//	go test ./domain/content -run '^$' -bench Hash
func BenchmarkHash(b *testing.B) {
	h := content.NewHasher(key(b).NewHMAC())
	member, reason := []byte("0557418298"), []byte("VIP 등급 혜택")
	b.ReportAllocs()
	for b.Loop() {
		for i := range int64(500) {
			h.Add(2*i, 1000, member, nil)
			h.Add(2*i+1, 1000, member, reason)
		}
		h.Sum()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/row")
}

// BenchmarkRoot makes the root of a million targets in a thousand chunks.
func BenchmarkRoot(b *testing.B) {
	chunks := make([]content.Chunk, 1000)
	for b.Loop() {
		content.Root(nil, chunks)
	}
}
