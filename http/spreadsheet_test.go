package http

import (
	"bytes"
	"testing"

	"bestow/app/sheet"
	"bestow/domain"
	"bestow/http/api"
	"bestow/internal/desktest"

	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"
)

// spreadsheet makes one whose first sheet has the rows.
func spreadsheet(t *testing.T, rows ...[]any) string {
	t.Helper()
	f := excelize.NewFile()
	for i, row := range rows {
		at, err := excelize.CoordinatesToCellName(1, i+1)
		require.NoError(t, err)
		require.NoError(t, f.SetSheetRow("Sheet1", at, &row))
	}
	var b bytes.Buffer
	require.NoError(t, f.Write(&b))
	require.NoError(t, f.Close())
	return b.String()
}

// A spreadsheet is a member list by the same rules: rejected rows are named by their rows, and come back as a
// spreadsheet that can be corrected and uploaded.
func TestSpreadsheet(t *testing.T) {
	t.Parallel()
	d := setup(t)
	e := d.PointEvent("a")
	url := desktest.EventURL(e.ID) + "/targets"
	xlsx := "Content-Type: " + sheet.MediaType
	file := spreadsheet(t, []any{"회원번호", "금액", "사유"}, []any{"M1", 1500, "봄"}, []any{"M2", "1,000", "=1+1"},
		[]any{12345678901, 5}, []any{"M1", 7, ""})
	a := d.Post(url+"?dry_run=true", file, xlsx)
	require.Equal(t, 200, a.StatusCode, a.Text)
	a = d.Post(url, file, xlsx)
	require.Equal(t, 201, a.StatusCode, a.Text)
	r := desktest.Decoded[api.ImportResult](a)
	require.Equal(t, 2, r.Accepted)
	require.Equal(t, int64(1505), r.TotalAmount)
	require.Equal(t, 2, r.Rejected)
	table := d.Get(*r.RejectedURL).Text
	require.Contains(t, table, `3,bad_amount,`)
	require.Contains(t, table, `5,duplicate_member,`)
	a = d.Get(*r.RejectedURL + "?format=original")
	require.Equal(t, sheet.MediaType, a.Header.Get("Content-Type"))
	require.Contains(t, a.Header.Get("Content-Disposition"), ".xlsx")
	back, err := excelize.OpenReader(bytes.NewReader([]byte(a.Text)))
	require.NoError(t, err)
	rows, err := back.GetRows("Sheet1")
	require.NoError(t, err)
	require.NoError(t, back.Close())
	require.Equal(t, [][]string{{"회원번호", "금액", "사유"}, {"M2", "1,000", "=1+1"}, {"M1", "7"}}, rows)

	d.Post(url+"?sheet=none", file, xlsx).Refused(422, domain.BadFile)
	d.Post(url, "member_id\nM9\n", xlsx).Refused(415, domain.UnsupportedFile)
	d.Post(url, file, "Content-Type: text/csv").Refused(415, domain.UnsupportedFile)
	require.Equal(t, 2, d.Count(`SELECT count(*) FROM point_targets`))
}
