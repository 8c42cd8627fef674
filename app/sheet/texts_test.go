package sheet

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"bestow/app/memberlist"
	"bestow/domain"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding/unicode"
)

// A header may have line breaks, as forms write it.
func TestBrokenHeader(t *testing.T) {
	t.Parallel()
	rows, _, err := read(t, raw(row(text("회원번호\n(필수)"))+row(text("A"))).packed(t), "")
	require.NoError(t, err)
	require.Equal(t, []string{"2 A 700"}, rows)
}

// Texts are found by their numbers, wherever they lie.
func TestTexts(t *testing.T) {
	t.Parallel()
	const n = 10_000
	var shared, rows strings.Builder
	for i := range n {
		fmt.Fprintf(&shared, "<si><t>member-%d</t></si>", i)
		fmt.Fprintf(&rows, `<row><c t="s"><v>%d</v></c></row>`, (i*7919)%n)
	}
	p := raw(row(text("member_id")) + rows.String())
	p["xl/sharedStrings.xml"] = `<sst>` + shared.String() + `</sst>`
	got, _, err := read(t, p.packed(t), "")
	require.NoError(t, err)
	require.Len(t, got, n)
	for i, line := range got {
		require.Equal(t, fmt.Sprintf("%d member-%d 700", i+2, (i*7919)%n), line)
	}
}

// The reading of a spreadsheet that is here ends with its context.
func TestCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	rows := header + strings.Repeat(row(text("A")), 100_000)
	list, err := Open(ctx, bytes.NewReader(raw(rows).packed(t)), "", DefaultLimits(), 1, func(int64) string { return "" })
	require.NoError(t, err)
	var r memberlist.Row
	require.NoError(t, list.Next(&r))
	cancel()
	for err == nil {
		err = list.Next(&r)
	}
	require.ErrorIs(t, err, context.Canceled)
	require.NoError(t, list.Close())
	_, err = Open(ctx, bytes.NewReader(raw(header).packed(t)), "", DefaultLimits(), 1, func(int64) string { return "" })
	require.ErrorIs(t, err, context.Canceled)
}

// Where the folder for temporary files is missing, that is said, and not taken for a fault of the file.
func TestNoFolder(t *testing.T) {
	t.Setenv("TMPDIR", "/nowhere")
	_, _, err := read(t, raw(header).packed(t), "")
	refusedAs(t, err, domain.Unavailable, "the folder for temporary files: open /nowhere")
	require.Error(t, CheckRoom())
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = kept{full}.Write([]byte("x"))
	refusedAs(t, err, domain.Unavailable, "no space left")
	require.NoError(t, full.Close())
}

// A part may have a prefix for its namespace, and may be written in another Unicode; a small file that unpacks to a
// large one is refused.
func TestParts(t *testing.T) {
	t.Parallel()
	prefixed := `<x:worksheet xmlns:x="main"><x:sheetData><x:row><x:c t="inlineStr"><x:is><x:t>member_id</x:t></x:is></x:c></x:row>` +
		`<x:row><x:c t="inlineStr"><x:is><x:t>회원</x:t></x:is></x:c></x:row></x:sheetData></x:worksheet>`
	utf16, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String(`<?xml version="1.0" encoding="UTF-16"?>` + prefixed)
	require.NoError(t, err)
	ignored := `<worksheet xmlns="main" xmlns:mc="m" xmlns:hs="h" mc:Ignorable="hs"><sheetData><hs:row/>` + header +
		`<row>` + text("회원") + `<hs:c/></row></sheetData></worksheet>`
	for _, sheet := range []string{prefixed, ignored, `<?xml version="1.0" encoding="us-ascii"?>` + prefixed, utf16} {
		rows, _, err := read(t, raw("").with(parts{"xl/worksheets/sheet1.xml": sheet}).packed(t), "")
		require.NoError(t, err)
		require.Equal(t, []string{"2 회원 700"}, rows)
	}
	_, _, err = read(t, rawSheet(`<sheetData>`+header+row(text("A"))+`</sheetData>`+strings.Repeat(`<a/>`, 4<<20)).packed(t), "")
	refusedAs(t, err, domain.BadFile, "more than 200 times its size")
	rows, _, err := read(t, raw(row(text("member_id"), text("amount"), text("a;b;c;d"))+row(text("A"), number("5", 0))).packed(t), "")
	require.Empty(t, rows)
	refusedAs(t, err, domain.BadFile, `unknown column "a;b;c;d"`)
}
