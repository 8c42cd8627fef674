package sheet

import (
	"bytes"
	"errors"
	"testing"

	"bestow/domain"

	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"
)

// workbook is a spreadsheet of sheets that each have a sentence in the first cell.
func workbook(t *testing.T, names ...string) []byte {
	t.Helper()
	f := excelize.NewFile()
	require.NoError(t, f.SetSheetName("Sheet1", names[0]))
	for _, name := range names {
		_, err := f.NewSheet(name)
		require.NoError(t, err)
		require.NoError(t, f.SetCellStr(name, "A1", "이 파일은 회원 목록입니다"))
	}
	var b bytes.Buffer
	require.NoError(t, f.Write(&b))
	require.NoError(t, f.Close())
	return b.Bytes()
}

// The refusal of a header says which sheet was read, and which others there are.
func TestARefusedHeaderNamesTheSheet(t *testing.T) {
	t.Parallel()
	_, _, err := read(t, workbook(t, "안내", "회원목록"), "")
	refusedAs(t, err, domain.BadFile, `sheet "안내": the header in line 1 cannot be used`)
	chosen, _ := errors.AsType[*domain.Error](err)
	require.Contains(t, chosen.Hint, "the sheets are 안내, 회원목록: name the one with the list, by --sheet")
}
