package checks

import (
	"fmt"
	"strings"
	"testing"

	"bestow/app/command"
	"bestow/app/imports"
	"bestow/app/memberlist"
	"bestow/domain"
	"bestow/internal/eventtest"
	"bestow/internal/pgtest"

	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// test is a database with lists, and the checks of them.
type test struct {
	*eventtest.DB

	checks *Checks
	lists  *imports.Imports
}

func setup(t *testing.T) *test {
	t.Helper()
	db := eventtest.New(t)
	c, err := New(db.Pool)
	require.NoError(t, err)
	lists, err := imports.New(imports.Config{Pool: db.Pool, River: db.River, Sizes: imports.DefaultSizes()})
	require.NoError(t, err)
	return &test{db, c, lists}
}

// list imports rows of new members with the amounts.
func (d *test) list(eventID int64, amounts ...int64) {
	d.Helper()
	var file strings.Builder
	file.WriteString("member_id,amount\n")
	for i, amount := range amounts {
		fmt.Fprintf(&file, "m%d-%d-%d,%d\n", eventID, len(amounts), i, amount)
	}
	d.file(eventID, file.String())
}

func (d *test) file(eventID int64, text string) {
	d.Helper()
	_, err := d.lists.Import(d.Context(), command.Caller{Actor: "kim"}, eventID,
		imports.Upload{Body: strings.NewReader(text), ContentType: "text/csv"})
	require.NoError(d, err)
}

// begun is an event of the amounts that began some days ago.
func (d *test) begun(days int, amounts ...int64) {
	d.Helper()
	id := d.Event()
	d.list(id, amounts...)
	d.Exec(`UPDATE campaign_events SET event_status = 'COMPLETED' WHERE id = $1`, id)
	d.Exec(`UPDATE campaign_event_summary SET started_at = now() - make_interval(days => $2) WHERE event_id = $1`, id, days)
}

func (d *test) find(eventID int64) []Finding {
	d.Helper()
	all, err := d.checks.Find(d.Context(), eventID)
	require.NoError(d, err)
	return all
}

func codes(all []Finding) (codes []domain.Code) {
	for _, f := range all {
		codes = append(codes, f.Code)
	}
	return codes
}

// What the last events of the type granted says what is usual: three of them in twelve weeks, and no others.
func TestTheUsual(t *testing.T) {
	t.Parallel()
	d := setup(t)
	id := d.Event()
	d.list(id, 1000, 1000, 1000)
	d.begun(1, 200, 300)
	d.begun(2, 100, 300)
	d.begun(85, 1, 1)
	require.Empty(t, d.find(id), "two events say nothing")
	d.begun(83, 1, 330)
	require.Equal(t, []Finding{
		{Code: SumUnusual, Value: 3000, Usual: 400, list: 1},
		{Code: AmountUnusual, Value: 1000, Usual: 330, list: 1},
	}, d.find(id))
	d.Exec(`UPDATE event_facts SET max = 333 WHERE max = 330`)
	require.Equal(t, []domain.Code{SumUnusual}, codes(d.find(id)))
	small := d.Event()
	d.list(small, 600, 600)
	require.Empty(t, d.find(small), "three times the usual is not over it")
	d.Exec(`UPDATE campaign_events SET event_type = 'VOUCHER' WHERE id > $1 AND id <> $2`, id, small)
	require.Empty(t, d.find(id), "of another type")
}

// An amount that stands out of its own list is found, and of two lists together.
func TestAmountsOfAList(t *testing.T) {
	t.Parallel()
	event := domain.Event{TotalAmount: 1}
	for name, c := range map[string]struct {
		lists [][]int64
		want  []Finding
	}{
		"one amount":       {[][]int64{{7}}, nil},
		"one of eleven":    {[][]int64{{100, 200, 300, 400, 500, 600, 700, 800, 900, 1000, 9000}}, []Finding{{Code: Dominates, Value: 9000, Usual: 14500}}},
		"of few":           {[][]int64{{100, 900}}, nil},
		"100 times":        {[][]int64{{127, 127, 12700}}, []Finding{{Code: StandsOut, Value: 12700, Usual: 127}}},
		"99 times":         {[][]int64{{127, 127, 12699}}, nil},
		"in another list":  {[][]int64{{127, 127}, {12700}}, []Finding{{Code: StandsOut, Value: 12700, Usual: 127}}},
		"half of the sum":  {[][]int64{{9, 1, 1, 1, 1, 1, 1, 1, 1, 1}}, []Finding{{Code: Dominates, Value: 9, Usual: 18}}},
		"less than a half": {[][]int64{{8, 1, 1, 1, 1, 1, 1, 1, 1, 1}}, nil},
	} {
		var all []list
		for _, amounts := range c.lists {
			var counted memberlist.Amounts
			for _, amount := range amounts {
				counted.Add(amount)
			}
			facts := memberlist.FactsOf(&counted, nil)
			all = append(all, list{id: int64(len(all)) + 1, facts: &facts})
		}
		found := amountsOf(event, all, usual{})
		for i := range c.want {
			c.want[i].list = int64(len(all))
		}
		require.Equal(t, c.want, found, name)
		require.Empty(t, amountsOf(event, append(all, list{}), usual{}), "%s: a list is not known", name)
	}
	require.EqualValues(t, 1<<62, medianOf(memberlist.Facts{Rows: 1, Max: 1 << 62, Buckets: [64]int32{63: 1}}))
}

// A finding counts as read once a person has said so, with who and when, until its numbers are others.
func TestWhatWasRead(t *testing.T) {
	t.Parallel()
	d := setup(t)
	id := d.Event()
	require.Empty(t, d.find(id))
	d.file(id, "member_id,amount\n0357796915,1\n357796915,1\nm1,1\nm1,1\nm1,1\n")
	all := d.find(id)
	require.Equal(t, []domain.Code{Duplicates, domain.SuspiciousMemberID}, codes(all))
	require.Equal(t, 2, all[0].Count)
	require.Contains(t, all[1].Text, "357796915")
	read := func(by string, keys ...string) error {
		return d.checks.Read(t.Context(), command.Caller{Actor: by}, id, keys)
	}
	unread := &domain.Error{Code: domain.ChecksUnread}
	require.ErrorIs(t, d.checks.Settled(t.Context(), id), unread)
	require.ErrorIs(t, read("kim"), unread)
	require.ErrorIs(t, read("kim", all[0].Key()), unread, "one of two")
	require.ErrorIs(t, d.checks.Settled(t.Context(), id), unread, "nothing of it was kept")
	require.NoError(t, read("kim", all[0].Key(), all[1].Key(), "rubbish"))
	require.NoError(t, read("lee", all[0].Key()), "there is nothing to read")
	require.NoError(t, d.checks.Settled(t.Context(), id))
	for _, f := range d.find(id) {
		require.Equal(t, "kim", f.Read.By)
		require.False(t, f.Read.At.IsZero())
	}
	require.EqualValues(t, 1, d.Int(`SELECT count(*) FROM audit_log WHERE action = 'event.read_checks' AND event_id = $1
		AND jsonb_array_length(after -> 'read') = 2`, id))

	d.file(id, "member_id,amount\nm2,1\nm2,1\n")
	now := d.find(id)
	require.Nil(t, now[0].Read, "three rows are others than two")
	require.NotNil(t, now[1].Read)
	require.ErrorIs(t, d.checks.Settled(t.Context(), id), unread)
	require.ErrorIs(t, read("kim", all[0].Key()), unread, "that is of before")

	d.Exec(`UPDATE campaign_events SET event_status = 'RUNNING' WHERE id = $1`, id)
	require.NoError(t, d.checks.Settled(t.Context(), id), "it has started")
	require.ErrorIs(t, d.checks.Settled(t.Context(), id+1), &domain.Error{Code: domain.NotFound})
}

// Who has read what a list has did not read the same of the list that took its place.
func TestReadingIsOfItsLists(t *testing.T) {
	t.Parallel()
	d := setup(t)
	id := d.Event()
	const file = "member_id,amount,reason\nm1,1,%[1]s\nm2,1,%[1]s\nm3,900,%[1]s\nm3,900,%[1]s\n"
	d.file(id, fmt.Sprintf(file, "a"))
	before := d.find(id)
	require.Equal(t, []domain.Code{StandsOut, Duplicates}, codes(before))
	require.NoError(t, d.checks.Read(t.Context(), command.Caller{Actor: "kim"}, id, []string{before[0].Key(), before[1].Key()}))
	require.Empty(t, Unread(d.find(id)))
	lists, err := d.lists.Imports(t.Context(), id)
	require.NoError(t, err)
	require.NoError(t, d.lists.TakeBack(t.Context(), command.Caller{Actor: "kim"}, id, lists[0].ID))
	d.file(id, fmt.Sprintf(file, "b"))
	require.Equal(t, []domain.Code{StandsOut, Duplicates}, codes(Unread(d.find(id))))
}

// What was so at the moment of an import, and may have passed, is no finding.
func TestPassingNotices(t *testing.T) {
	t.Parallel()
	require.Equal(t, []Finding{{Code: "list_seen", Text: "a", Count: 2, list: 9}}, noticesOf([]list{
		{id: 8, notices: []notice{{domain.Missed, "x"}, {"list_seen", "a"}}},
		{id: 9, notices: []notice{{"list_seen", "b"}, {domain.Expired, "x"}}},
	}))
}
