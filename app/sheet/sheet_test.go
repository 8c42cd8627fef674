package sheet

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"bestow/domain"

	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"
)

// book makes a spreadsheet.
func book(t *testing.T, fill func(f *excelize.File)) []byte {
	t.Helper()
	f := excelize.NewFile()
	fill(f)
	var b bytes.Buffer
	require.NoError(t, f.Write(&b))
	require.NoError(t, f.Close())
	return b.Bytes()
}

func set(t *testing.T, f *excelize.File, sheet string, cells map[string]any) {
	t.Helper()
	for at, value := range cells {
		require.NoError(t, f.SetCellValue(sheet, at, value))
	}
}

// text reads a sheet as CSV.
func text(t *testing.T, file []byte, name string) (string, error) {
	t.Helper()
	s, err := Open(bytes.NewReader(file), name, DefaultLimits())
	if err != nil {
		return "", err
	}
	csv, err := io.ReadAll(s)
	require.NoError(t, s.Close())
	return string(csv), err
}

// A sheet is read as a person sees its ids, and as its numbers are stored; a row stays on its line.
func TestSheet(t *testing.T) {
	t.Parallel()
	file := book(t, func(f *excelize.File) {
		set(t, f, "Sheet1", map[string]any{
			"A1": "회원번호", "B1": "금액", "C1": "사유",
			"A2": "M1", "B2": 1500, "C2": "봄, \"인사\"",
			"A3": 12345678901, "B3": "2000",
			"A5": 123, "B5": 3000.5, "C5": "two\nlines",
			"A6": 1234567890123456789,
		})
		zeros, err := f.NewStyle(&excelize.Style{CustomNumFmt: new("00000")})
		require.NoError(t, err)
		require.NoError(t, f.SetCellStyle("Sheet1", "A5", "A5", zeros))
		thousands, err := f.NewStyle(&excelize.Style{NumFmt: 3})
		require.NoError(t, err)
		require.NoError(t, f.SetCellStyle("Sheet1", "B2", "B3", thousands))
		_, err = f.NewSheet("둘째")
		require.NoError(t, err)
		set(t, f, "둘째", map[string]any{"A1": "member_id", "A2": "=1+1"})
	})
	got, err := text(t, file, "")
	require.NoError(t, err)
	require.Equal(t, []string{
		"회원번호,금액,사유",
		`M1,1500,"봄, ""인사"""`,
		"12345678901,2000,",
		"",
		"00123,3000.5,\"two\rlines\"",
	}, strings.Split(got, "\n")[:5])
	got, err = text(t, file, "둘째")
	require.NoError(t, err)
	require.Equal(t, "member_id\n=1+1\n", got)
	_, err = text(t, file, "셋째")
	refused, ok := errors.AsType[*domain.Error](err)
	require.True(t, ok)
	require.Equal(t, domain.BadFile, refused.Code)
	require.Contains(t, refused.Hint, "Sheet1, 둘째")
}

// What is no spreadsheet, what is damaged and what unpacks to too much is refused before a row is read.
func TestRefused(t *testing.T) {
	t.Parallel()
	good := book(t, func(f *excelize.File) { set(t, f, "Sheet1", map[string]any{"A1": "member_id", "A2": "M1"}) })
	for name, c := range map[string]struct {
		file []byte
		code domain.Code
	}{
		"empty":        {nil, domain.UnsupportedFile},
		"CSV":          {[]byte("member_id\nM1\n"), domain.UnsupportedFile},
		"cut":          {good[:len(good)*9/10], domain.UnsupportedFile},
		"another zip":  {packed(t, map[string]string{"a.txt": "a"}), domain.BadFile},
		"broken sheet": {repacked(t, good, "xl/worksheets/sheet1.xml", func(s string) string { return s[:len(s)-40] }), domain.BadFile},
		"a bomb":       {packed(t, map[string]string{"xl/worksheets/sheet1.xml": strings.Repeat(" ", 3<<20)}), domain.UnsupportedFile},
		"ballast":      {packed(t, map[string]string{"xl/media/image1.png": strings.Repeat(" ", 2<<20)}), domain.UnsupportedFile},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Open(bytes.NewReader(c.file), "", Limits{File: 1 << 20, Unpacked: 2 << 20, Other: 1 << 20})
			refused, ok := errors.AsType[*domain.Error](err)
			require.True(t, ok, "%v", err)
			require.Equal(t, c.code, refused.Code, refused.Message)
			require.NotEmpty(t, refused.Hint)
		})
	}
	_, err := Open(bytes.NewReader(good), "", Limits{File: 100, Unpacked: 1 << 20, Other: 1 << 20})
	require.ErrorIs(t, err, &domain.Error{Code: domain.UnsupportedFile})
	_, err = Open(io.MultiReader(bytes.NewReader(good[:100]), iotest.ErrReader(io.ErrUnexpectedEOF)), "", DefaultLimits())
	require.ErrorIs(t, err, io.ErrUnexpectedEOF, "the client went away")
}

func packed(t *testing.T, parts map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for name, content := range parts {
		part, err := w.Create(name)
		require.NoError(t, err)
		_, err = io.WriteString(part, content)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return b.Bytes()
}

// repacked changes one part of a spreadsheet.
func repacked(t *testing.T, file []byte, name string, change func(string) string) []byte {
	t.Helper()
	r, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	require.NoError(t, err)
	parts := map[string]string{}
	for _, part := range r.File {
		in, err := part.Open()
		require.NoError(t, err)
		content, err := io.ReadAll(in)
		require.NoError(t, err)
		parts[part.Name] = string(content)
	}
	require.Contains(t, parts, name)
	parts[name] = change(parts[name])
	return packed(t, parts)
}
