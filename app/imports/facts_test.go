package imports

import (
	"fmt"
	"strings"
	"testing"

	"bestow/app/command"
	"bestow/app/memberlist"
	"bestow/domain"

	"github.com/stretchr/testify/require"
)

func (s *importTest) found(eventID, importID int64) Found {
	s.Helper()
	f, err := s.targets.Facts(s.Context(), eventID, importID, true)
	require.NoError(s, err)
	require.NotNil(s, f.Facts)
	return f
}

// The facts of a list are those of its accepted rows, and of its rejected ones by code.
func TestFactsOfAList(t *testing.T) {
	t.Parallel()
	s := setupImport(t)
	id := s.Event("default_amount = 3")
	s.mustImport(id, "member_id\nold\n")
	file := "member_id,amount\na,1000\nb,1000\nc,\nold,5\nd,2000\na,7\nb,7\ne,1천\nf,4\n"
	r := s.mustImport(id, file)
	found := s.found(id, r.ImportID)
	f := found.Facts
	require.Equal(t, 5, f.Rows)
	require.EqualValues(t, 4007, f.Sum)
	require.EqualValues(t, 3, f.Min)
	require.EqualValues(t, 2000, f.Max)
	require.EqualValues(t, 801, f.Mean())
	require.Equal(t, 4, f.Distinct)
	require.Equal(t, []memberlist.AmountRows{{Amount: 1000, Rows: 2}, {Amount: 3, Rows: 1}, {Amount: 4, Rows: 1}, {Amount: 2000, Rows: 1}}, f.Commonest)
	require.Equal(t, 2, f.Duplicates())
	histogram := f.Histogram()
	require.Equal(t, memberlist.Range{From: 2, To: 3, Rows: 1}, histogram[0])
	require.Equal(t, memberlist.Range{From: 512, To: 1023, Rows: 2}, histogram[8])
	require.Equal(t, memberlist.Range{From: 1024, To: 2047, Rows: 1}, histogram[9])
	require.Len(t, histogram, 10)

	require.Len(t, f.Rejected, 3)
	require.Equal(t, domain.DuplicateMember, f.Rejected[0].Code, "the most first")
	require.Equal(t, []int64{7, 8}, f.Rejected[0].Lines)
	require.EqualValues(t, 2, found.Of(domain.DuplicateMember)[0].FirstLine)
	require.Equal(t, "a,7", found.Of(domain.DuplicateMember)[0].Raw)
	require.Equal(t, domain.BadAmount, f.Rejected[1].Code)
	require.Equal(t, "e,1천", found.Of(domain.BadAmount)[0].Raw)
	require.Equal(t, domain.ExistingMember, f.Rejected[2].Code)

	without, err := s.targets.Facts(t.Context(), id, r.ImportID, false)
	require.NoError(t, err)
	require.Empty(t, without.Samples)
	_, err = s.targets.Facts(t.Context(), id+1, r.ImportID, true)
	require.ErrorIs(t, err, &domain.Error{Code: domain.NotFound})

	require.NoError(t, s.targets.TakeBack(t.Context(), command.Caller{Actor: "test"}, id, r.ImportID))
	require.EqualValues(t, 1, s.Int(`SELECT count(*) FROM event_facts`), "they go with their import")
}

// Of many rejected rows of a code the first five are named, of each code.
func TestSamplesAreTheFirst(t *testing.T) {
	t.Parallel()
	s := setupImport(t)
	id := s.Event()
	var file strings.Builder
	file.WriteString("member_id,amount\n")
	for i := range 50 {
		fmt.Fprintf(&file, "m%d,1\nm%d,2\nx%d,\n", i, i, i)
	}
	found := s.found(id, s.mustImport(id, file.String()).ImportID)
	require.Len(t, found.Facts.Rejected, 2)
	for _, c := range found.Facts.Rejected {
		require.Equal(t, 50, c.Rows)
		require.Len(t, found.Of(c.Code), memberlist.MaxSamples)
		for i, row := range found.Of(c.Code) {
			require.EqualValues(t, 3+3*i, row.Line-int64(map[bool]int{true: 1}[c.Code == domain.MissingAmount]))
		}
	}
}

// An import of a version that kept no facts has none.
func TestNoFactsOfBefore(t *testing.T) {
	t.Parallel()
	s := setupImport(t)
	id := s.Event()
	r := s.mustImport(id, "member_id,amount\na,1\n")
	s.Exec(`DELETE FROM event_facts`)
	found, err := s.targets.Facts(t.Context(), id, r.ImportID, true)
	require.NoError(t, err)
	require.Nil(t, found.Facts)
	require.Equal(t, 1, found.Accepted)
}

// What a browser sends as a file of Excel is what its first bytes say.
func TestGuessedType(t *testing.T) {
	t.Parallel()
	s := setupImport(t)
	id := s.Event()
	send := func(body string) (int64, error) {
		answer, err := s.targets.Import(t.Context(), command.Caller{Actor: "test"}, id,
			Upload{Body: strings.NewReader(body), ContentType: Guessed, FileName: "list.csv"})
		return answer.Value.ImportID, err
	}
	importID, err := send("member_id,amount\na,1\n")
	require.NoError(t, err)
	record, err := s.targets.Find(t.Context(), id, importID)
	require.NoError(t, err)
	require.Equal(t, typeCSV, record.ContentType)
	require.Equal(t, "list.csv", record.FileName)
	_, err = send("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1")
	require.ErrorIs(t, err, &domain.Error{Code: domain.UnsupportedFile})
	require.ErrorContains(t, err, "xls")
	_, err = send("PK\x03\x04 and no spreadsheet")
	require.ErrorIs(t, err, &domain.Error{Code: domain.UnsupportedFile})
	require.ErrorContains(t, err, "xlsx")
	_, err = send("")
	require.ErrorIs(t, err, &domain.Error{Code: domain.BadFile})
}

// All lists of an event are read at once, newest first, one of an older version among them; of a code five rows are
// named in all, and Facts of one list says the same as before.
func TestFactsOfAllLists(t *testing.T) {
	t.Parallel()
	s := setupImport(t)
	id, other := s.Event(), s.Event()
	s.mustImport(other, "member_id,amount\nm1,1\n")
	for n := range 4 {
		s.mustImport(id, fmt.Sprintf("member_id,amount\na%d,%d\nx%d,\ny%d,\n", n, 10+n, n, n))
	}
	all, err := s.targets.AllFacts(t.Context(), id, true)
	require.NoError(t, err)
	require.Len(t, all, 4)
	samples := 0
	for i, found := range all {
		one := s.found(id, found.ID)
		require.Equal(t, one.Record, found.Record)
		require.Equal(t, one.Facts, found.Facts)
		require.Equal(t, one.Warnings, append([]Warning{}, found.Warnings...))
		require.EqualValues(t, 13-i, found.Facts.Sum, "the newest first")
		samples += len(found.Samples)
	}
	require.Equal(t, memberlist.MaxSamples, samples)
	require.Equal(t, "x3,", all[0].Samples[0].Raw)
	require.Len(t, all[3].Samples, 0)

	s.Exec(`DELETE FROM event_facts WHERE import_id = $1`, all[1].ID)
	without, err := s.targets.AllFacts(t.Context(), id, false)
	require.NoError(t, err)
	require.Nil(t, without[1].Facts)
	require.Equal(t, 2, without[1].Rejected)
	require.Empty(t, without[0].Samples)
	_, err = s.targets.AllFacts(t.Context(), other+1, true)
	require.ErrorIs(t, err, &domain.Error{Code: domain.NotFound})
}
