package sheet

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"bestow/app/memberlist"
	"bestow/domain"

	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"
)

// parts are those of a spreadsheet, by their names.
type parts map[string]string

const (
	xmlHead = `<?xml version="1.0" encoding="UTF-8"?>`
	rels    = xmlHead + `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">%s</Relationships>`
	kinds   = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
)

func rel(id, kind, target string) string {
	return fmt.Sprintf(`<Relationship Id="%s" Type="%s%s" Target="%s"/>`, id, kinds, kind, target)
}

// raw makes the parts of a spreadsheet of one sheet with these rows, as XML.
func raw(rows string) parts { return rawSheet(`<sheetData>` + rows + `</sheetData>`) }

func rawSheet(content string) parts {
	return parts{
		"_rels/.rels": fmt.Sprintf(rels, rel("rId1", "officeDocument", "xl/workbook.xml")),
		"xl/workbook.xml": xmlHead + `<workbook xmlns:r="x"><sheets><sheet name="Sheet1" sheetId="1" r:id="rId1"/>` +
			`</sheets></workbook>`,
		"xl/_rels/workbook.xml.rels": fmt.Sprintf(rels, rel("rId1", "worksheet", "worksheets/sheet1.xml")+
			rel("rId2", "styles", "styles.xml")+rel("rId3", "sharedStrings", "sharedStrings.xml")),
		"xl/worksheets/sheet1.xml": xmlHead + `<worksheet>` + content + `</worksheet>`,
		"xl/styles.xml": xmlHead + `<styleSheet><numFmts><numFmt numFmtId="170" formatCode="&quot;M&quot;0000000"/>` +
			`<numFmt numFmtId="171" formatCode="000-0000-0000"/><numFmt numFmtId="172" formatCode="#,##0,"/>` +
			`<numFmt numFmtId="173" formatCode="0000000000"/><numFmt numFmtId="174" formatCode="yyyy&quot;년&quot; m&quot;월&quot;"/>` +
			`<numFmt numFmtId="175" formatCode="[$₩-412]#,##0"/><numFmt numFmtId="176" formatCode="[h]:mm"/>` +
			`<numFmt numFmtId="177" formatCode="[Red]General"/><numFmt numFmtId="178" formatCode="&quot;M&quot;General"/>` +
			`<numFmt numFmtId="179" formatCode="G/표준"/><numFmt numFmtId="180" formatCode="Standard"/>` +
			`<numFmt numFmtId="181" formatCode="[$-412]AM/PM h:mm"/><numFmt numFmtId="182" formatCode="0 kg"/></numFmts>` +
			`<cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="170"/><xf numFmtId="171"/><xf numFmtId="172"/>` +
			`<xf numFmtId="173"/><xf numFmtId="9"/><xf numFmtId="22"/><xf numFmtId="174"/><xf numFmtId="175"/><xf numFmtId="176"/>` +
			`<xf numFmtId="177"/><xf numFmtId="178"/><xf numFmtId="179"/><xf numFmtId="180"/><xf numFmtId="181"/>` +
			`<xf numFmtId="182"/></cellXfs></styleSheet>`,
		"xl/sharedStrings.xml": xmlHead + `<sst><si><t>AAA</t></si><si><r><t>회</t></r><r><t xml:space="preserve">원1</t></r>` +
			`<rPh sb="0" eb="1"><t>PHON</t></rPh></si></sst>`,
	}
}

// with changes some parts.
func (p parts) with(others parts) parts {
	maps.Copy(p, others)
	return p
}

func (p parts) packed(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for name, content := range p {
		part, err := w.Create(name)
		require.NoError(t, err)
		_, err = io.WriteString(part, content)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return b.Bytes()
}

// text is a cell with a text, number one with a number, and their format.
func text(s string) string { return `<c t="inlineStr"><is><t>` + s + `</t></is></c>` }

func number(v string, format int) string { return fmt.Sprintf(`<c s="%d"><v>%s</v></c>`, format, v) }

func row(cells ...string) string { return `<row>` + strings.Join(cells, "") + `</row>` }

// header is the usual one.
var header = row(text("member_id"), text("amount"), text("reason"))

// read reads a spreadsheet as a list whose default amount is 700: each row as it would become a target, or as it is
// rejected.
func read(t *testing.T, file []byte, name string) (rows []string, notices []memberlist.Notice, err error) {
	t.Helper()
	list, err := Open(t.Context(), bytes.NewReader(file), name, DefaultLimits(), 700, func(int64) string { return "" })
	if err != nil {
		return nil, nil, err
	}
	defer func() { require.NoError(t, list.Close()) }()
	for {
		var r memberlist.Row
		if err := list.Next(&r); errors.Is(err, io.EOF) {
			return rows, list.Notices(), nil
		} else if err != nil {
			return rows, nil, err
		}
		if r.Code != "" {
			rows = append(rows, fmt.Sprintf("%d %s: %s", r.Line, r.Code, r.Why))
			continue
		}
		rows = append(rows, strings.TrimRight(fmt.Sprintf("%d %s %d %s", r.Line, r.Member, r.Amount, r.Reason), " "))
	}
}

// refusedAs requires the error of a file that is refused as a whole.
func refusedAs(t *testing.T, err error, code domain.Code, why string) {
	t.Helper()
	refused, ok := errors.AsType[*domain.Error](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, code, refused.Code, refused.Message)
	require.Contains(t, refused.Message, why)
	require.NotEmpty(t, refused.Hint)
}

// A spreadsheet that another program wrote is read as it was written; a row stays on its line.
func TestSheet(t *testing.T) {
	t.Parallel()
	f := excelize.NewFile()
	for at, value := range map[string]any{
		"A1": "회원번호", "B1": "금액", "C1": "사유", "A2": "M1", "B2": 1500, "C2": `봄, "인사"`, "A3": 12345678901, "B3": "2000",
		"A5": 123, "B5": 3000.0, "C5": "a very\nlong word", "A6": "M6",
	} {
		require.NoError(t, f.SetCellValue("Sheet1", at, value))
	}
	zeros, err := f.NewStyle(&excelize.Style{CustomNumFmt: new("00000")})
	require.NoError(t, err)
	require.NoError(t, f.SetCellStyle("Sheet1", "A5", "A5", zeros))
	_, err = f.NewSheet("둘째")
	require.NoError(t, err)
	require.NoError(t, f.SetSheetRow("둘째", "A1", &[]any{"member_id"}))
	require.NoError(t, f.SetSheetRow("둘째", "A2", &[]any{"M7"}))
	var b bytes.Buffer
	require.NoError(t, f.Write(&b))
	require.NoError(t, f.Close())

	rows, notices, err := read(t, b.Bytes(), "")
	require.NoError(t, err)
	require.Equal(t, []string{
		`2 M1 1500 봄, "인사"`, "3 12345678901 2000",
		"5 bad_reason: the reason has U+000D as character 7, a control character", "6 M6 700",
	}, rows)
	require.Empty(t, notices)
	rows, _, err = read(t, b.Bytes(), "둘째")
	require.NoError(t, err)
	require.Equal(t, []string{"2 M7 700"}, rows)
	_, _, err = read(t, b.Bytes(), "셋째")
	refusedAs(t, err, domain.BadFile, `no sheet "셋째"`)
	refused, _ := errors.AsType[*domain.Error](err)
	require.Contains(t, refused.Hint, "Sheet1, 둘째")
}

// A cell is what a person sees: an id with the characters of its format, a date as a date; an amount is what is stored.
func TestCells(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ rows, want string }{
		"padded":           {row(number("123", 5), number("5", 0)), "2 0000000123 5"},
		"with a letter":    {row(number("123", 2), number("5", 2)), "2 M0000123 5"},
		"with hyphens":     {row(number("1012345678", 3), number("5", 0)), "2 010-1234-5678 5"},
		"longer":           {row(number("82101234567890", 3), number("5", 0)), "2 821012-3456-7890 5"},
		"thousands":        {row(text("A"), number("5000", 4)), "2 A 5000"},
		"currency":         {row(text("A"), number("5000", 9)), "2 A 5000"},
		"per cent":         {row(text("A"), number("5", 6)), "2 A 5"},
		"id in per cent":   {row(number("7", 6), number("5", 0)), "2 bad_member_id: cell A2 shows a number in the format number 9: format the column as text, and write the ids as text"},
		"id as date":       {row(number("46356", 1), number("5", 0)), "2 2026-11-30 5"},
		"id as 년월":         {row(number("46356", 8), number("5", 0)), "2 2026-11-30 5"},
		"reason as time":   {row(text("A"), number("5", 0), number("46356.5", 7)), "2 A 5 2026-11-30 12:00:00"},
		"boolean id":       {row(`<c t="b"><v>1</v></c>`, number("5", 0)), "2 TRUE 5"},
		"shared":           {row(`<c t="s"><v>1</v></c>`, number("5", 0)), "2 회원1 5"},
		"escaped":          {row(text("A_x0031_B"), number("5", 0)), "2 A1B 5"},
		"escaped escape":   {row(text("A_x005F_x0031_"), number("5", 0)), "2 A_x0031_ 5"},
		"exponents":        {row(number("8.21E11", 0), number("1E3", 0)), "2 821000000000 1000"},
		"noise":            {row(number("12.0", 0), number("2100.0000000000005", 0)), "2 12 2100"},
		"zeros":            {row(number("0012", 0), number("-0", 0)), "2 bad_amount: the amount is not positive"},
		"empty result":     {row(text("A"), number("5", 0), `<c t="str"><f>IF(1,"")</f><v></v></c>`), "2 A 5"},
		"result":           {row(text("A"), `<c><f>B5*2</f><v>10</v></c>`), "2 A 10"},
		"wide":             {row(text("A"), number("5", 0), text("r"), text(" "), text("x")), "2 bad_row: the row has 4 fields, the header 3"},
		"named cells":      {`<row r="5"><c r="C5" t="s"><v>0</v></c></row>`, "5 missing_member: the member_id is missing"},
		"colored General":  {row(number("123", 11), number("1000", 11)), "2 123 1000"},
		"General behind M": {row(number("123", 12), number("1000", 12)), "2 M123 1000"},
		"G/표준":             {row(number("123", 13), number("1000", 13)), "2 123 1000"},
		"unknown word":     {row(number("123", 14), number("1000", 14)), "2 bad_member_id: cell A2 shows a number in the format \"Standard\": format the column as text, and write the ids as text"},
		"kilograms":        {row(text("A"), number("1000", 16)), "2 A 1000"},
		"a time":           {row(text("A"), number("5", 0), number("0.5", 15)), "2 A 5 12:00:00"},
		"negative":         {row(number("-5", 5), number("5", 0)), "2 -0000000005 5"},
		"escape in runs":   {row(`<c t="inlineStr"><is><r><t>A_x00</t></r><r><t>41_</t></r></is></c>`, number("5", 0)), "2 A_x0041_ 5"},
		"of its own kind":  {row(text("A"), `<c><v>5</v><extLst><ext/></extLst></c>`, `<extLst/>`), "2 A 5"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rows, _, err := read(t, raw(header+c.rows).packed(t), "")
			require.NoError(t, err)
			require.Equal(t, []string{c.want}, rows)
		})
	}
}

// No amount is made of a date, of TRUE, of an error, or of a formula that was never calculated; not even the default.
func TestNoAmount(t *testing.T) {
	t.Parallel()
	for name, amount := range map[string]string{
		"date": number("46356", 1), "time": number("0.5", 10), "no date": number("-5", 1), "boolean": `<c t="b"><v>1</v></c>`,
		"error": `<c t="e"><v>#N/A</v></c>`, "an error that is missing": `<c t="e"/>`, "no boolean": `<c t="b"><v>2</v></c>`,
		"a boolean that is missing": `<c t="b"/>`, "a date that is missing": `<c t="d"><v> </v></c>`, "ISO date": `<c t="d"><v>2026-11-30</v></c>`, "fraction": number("1.5", 0),
		"formula": `<c><f>B5*2</f></c>`, "empty formula": `<c t="str"><f>B5*2</f><v></v></c>`,
		"shared formula": `<c><f t="shared" si="0"/><v> </v></c>`, "hexadecimal": number("0x10", 0),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rows, _, err := read(t, raw(header+row(text("A"), amount)+row(text("B"))).packed(t), "")
			require.NoError(t, err)
			require.Len(t, rows, 2)
			require.Contains(t, rows[0], "2 bad_amount: ")
			require.Equal(t, "3 B 700", rows[1])
		})
	}
	rows, _, err := read(t, raw(header+row(`<c><f>A9</f></c>`, `<c><f>B9</f></c>`)).packed(t), "")
	require.NoError(t, err)
	require.Contains(t, rows[0], "2 bad_member_id: cell A2 has a formula without a result", "the row is not passed over")
}

// Cells that are merged hold one value that a person sees in all of them, so such a list is refused; a title across the
// columns behind the list is nothing of it.
func TestMergedCells(t *testing.T) {
	t.Parallel()
	list := `<sheetData>` + header + row(text("A"), number("5", 0)) + row(text("B")) + `</sheetData><mergeCells><mergeCell ref="`
	_, _, err := read(t, rawSheet(list+`B2:B3"/></mergeCells>`).packed(t), "")
	refusedAs(t, err, domain.BadFile, "B2:B3 are merged")
	for _, beside := range []string{"E1:F9", "A1:C1", "A8:B9"} {
		rows, _, err := read(t, rawSheet(list+beside+`"/></mergeCells>`).packed(t), "")
		require.NoError(t, err, beside)
		require.Len(t, rows, 2)
	}
}

// Hidden sheets are passed over, and hidden rows and columns are told.
func TestHidden(t *testing.T) {
	t.Parallel()
	p := raw(header + row(text("A"))).with(parts{
		"xl/workbook.xml": `<workbook xmlns:r="x"><sheets><sheet name="old" state="veryHidden" r:id="rId1"/><sheet name="chart" r:id="rId4"/>` +
			`<sheet name="list" r:id="rId5"/></sheets></workbook>`,
		"xl/_rels/workbook.xml.rels": fmt.Sprintf(rels, rel("rId1", "worksheet", "worksheets/sheet1.xml")+
			rel("rId4", "chartsheet", "chartsheets/sheet1.xml")+rel("rId5", "worksheet", "/xl/worksheets/Sheet2.xml")),
		"xl/worksheets/sheet2.xml": `<worksheet><cols><col min="2" max="2" hidden="1"/><col min="9" max="9" hidden="1"/></cols><sheetData>` +
			header + row(text("B")) + `<row hidden="1">` + text("C") + `</row><row hidden="true"/></sheetData></worksheet>`,
	})
	rows, notices, err := read(t, p.packed(t), "")
	require.NoError(t, err)
	require.Equal(t, []string{"2 B 700", "3 C 700"}, rows)
	require.Equal(t, []memberlist.Notice{{
		Code: HiddenCells, Line: 3,
		Text: "column B, 1 row of the sheet are hidden, and were read like the others: look whether they belong to the list",
	}}, notices)
	rows, _, err = read(t, p.packed(t), "OLD")
	require.NoError(t, err)
	require.Equal(t, []string{"2 A 700"}, rows)
	all := rawSheet(`<sheetFormatPr zeroHeight="1"/><sheetData>` + header + `<row ht="15">` + text("B") + `</row>` + row(text("C")) + `</sheetData>`)
	_, notices, err = read(t, all.packed(t), "")
	require.NoError(t, err)
	require.Contains(t, notices[0].Text, "1 row of the sheet are hidden")
	_, _, err = read(t, p.packed(t), "chart")
	refusedAs(t, err, domain.BadFile, `no sheet "chart"`)
}

// What is no spreadsheet, what is damaged, what contradicts itself and what costs too much to read is refused.
func TestRefused(t *testing.T) {
	t.Parallel()
	const cells = `<row r="2"><c r="A2"><v>1</v></c></row>`
	good := raw(header + row(text("A")))
	for name, c := range map[string]struct {
		file []byte
		code domain.Code
		why  string
	}{
		"empty":               {nil, domain.UnsupportedFile, "no spreadsheet"},
		"CSV":                 {[]byte("member_id\nM1\n"), domain.UnsupportedFile, "no spreadsheet"},
		"cut":                 {good.packed(t)[:500], domain.UnsupportedFile, "no spreadsheet"},
		"another zip":         {parts{"a.txt": "a"}.packed(t), domain.BadFile, "no workbook"},
		"no sheet":            {raw("").with(parts{"xl/workbook.xml": `<workbook/>`}).packed(t), domain.BadFile, "no sheet"},
		"no rows":             {raw("").packed(t), domain.BadFile, "empty"},
		"cut sheet":           {raw("").with(parts{"xl/worksheets/sheet1.xml": `<worksheet><sheetData>` + header + `<row><c>`}).packed(t), domain.BadFile, "unexpected EOF"},
		"wrong end":           {raw(header + `<row><c></row></c>`).packed(t), domain.BadFile, "</row> ends"},
		"no such part":        {raw("").with(parts{"xl/_rels/workbook.xml.rels": fmt.Sprintf(rels, rel("rId1", "worksheet", "x.xml"))}).packed(t), domain.BadFile, "xl/x.xml is missing"},
		"text -1":             {raw(header + row(`<c t="s"><v>-1</v></c>`)).packed(t), domain.BadFile, "cell A2 names the text -1 of 2"},
		"text 17":             {raw(header + row(`<c t="s"><v>17</v></c>`)).packed(t), domain.BadFile, "cell A2 names the text 17 of 2"},
		"text x":              {raw(header + row(`<c t="s"><v>x</v></c>`)).packed(t), domain.BadFile, "cell A2 names the text x of 2"},
		"format -1":           {raw(header + row(number("1", -1))).packed(t), domain.BadFile, "cell A2 has the format -1"},
		"format 99":           {raw(header + row(number("1", 99))).packed(t), domain.BadFile, "cell A2 has the format 99"},
		"rows backwards":      {raw(header + `<row r="5"/><row r="3"/>`).packed(t), domain.BadFile, "row 3 stands behind row 5"},
		"row twice":           {raw(header + cells + cells).packed(t), domain.BadFile, "row 2 stands behind row 2"},
		"row 0":               {raw(header + `<row r="0"/>`).packed(t), domain.BadFile, "row 0 stands"},
		"row too far":         {raw(header + `<row r="99999999"/>`).packed(t), domain.BadFile, "more than a sheet"},
		"cells backwards":     {raw(header + `<row><c r="B2"/><c r="A2"/></row>`).packed(t), domain.BadFile, "cell A2 stands"},
		"cell elsewhere":      {raw(header + `<row><c r="A7"/></row>`).packed(t), domain.BadFile, "cell A7 stands in row 2"},
		"cell too far":        {raw(header + `<row><c r="ZZZZ2"/></row>`).packed(t), domain.BadFile, "cell ZZZZ2"},
		"kind of cell":        {raw(header + row(`<c t="z"><v>1</v></c>`)).packed(t), domain.BadFile, `type "z"`},
		"two tables of texts": {raw("").with(parts{"xl/_rels/workbook.xml.rels": fmt.Sprintf(rels, rel("rId1", "worksheet", "worksheets/sheet1.xml")+rel("rId2", "sharedStrings", "a.xml")+rel("rId3", "sharedStrings", "b.xml"))}).packed(t), domain.BadFile, "two parts of the kind"},
		"one name twice":      {raw("").with(parts{"XL/Worksheets/SHEET1.xml": "<worksheet/>"}).packed(t), domain.BadFile, "two parts of the name"},
		"value beside a text": {raw(header + row(text("A"), `<c t="inlineStr"><v>5000</v></c>`)).packed(t), domain.BadFile, "cell B2 has a value of another type"},
		"text of no type":     {raw(header + row(text("A"), `<c><is><t>5000</t></is></c>`)).packed(t), domain.BadFile, "cell B2 has a value of another type"},
		"two values":          {raw(header + row(text("A"), `<c><v>5</v><v>6</v></c>`)).packed(t), domain.BadFile, "cell B2 has two values"},
		"two texts":           {raw(header + row(`<c t="inlineStr"><is><t>A</t></is><is><t>B</t></is></c>`)).packed(t), domain.BadFile, "cell A2 has two values"},
		"a choice of cells":   {raw(header + row(text("A"), `<mc:AlternateContent xmlns:mc="m"><mc:Choice/></mc:AlternateContent>`)).packed(t), domain.BadFile, "<AlternateContent> among the cells"},
		"a choice of rows":    {raw(header + `<mc:AlternateContent xmlns:mc="m"><mc:Choice>` + row(text("A")) + `</mc:Choice></mc:AlternateContent>`).packed(t), domain.BadFile, "<AlternateContent> among the cells"},
		"foreign row":         {raw(header + `<x:row xmlns:x="y"/>`).packed(t), domain.BadFile, "<row> among the cells"},
		"foreign cell":        {raw(header + row(text("A"), `<f:c xmlns:f="y"><f:v>9999</f:v></f:c>`)).packed(t), domain.BadFile, "<c> among the cells"},
		"foreign value":       {raw(header + row(text("A"), `<c><v xmlns="y">9999</v></c>`)).packed(t), domain.BadFile, "<v> among the cells"},
		"element in a text":   {raw(header + row(text(`A<b>B</b>`))).packed(t), domain.BadFile, "<b> among the cells"},
		"behind the end":      {raw("").with(parts{"xl/worksheets/sheet1.xml": `<worksheet><sheetData>` + header + row(text("A")) + `</sheetData></worksheet>junk`}).packed(t), domain.BadFile, "goes on behind its end"},
		"endless readings":    {raw("").with(parts{"xl/sharedStrings.xml": `<sst><si>` + strings.Repeat(`<rPh/>`, maxToken/6+1) + `</si></sst>`}).packed(t), domain.BadFile, "longer than 1 MiB"},
		"no text":             {raw("").with(parts{"xl/worksheets/sheet1.xml": "<worksheet><a>&\xff;</a></worksheet>"}).packed(t), domain.BadFile, "&\uFFFD"},
		"an end of no text":   {raw("").with(parts{"xl/worksheets/sheet1.xml": "<worksheet></\xff></worksheet>"}).packed(t), domain.BadFile, "sheet1.xml"},
		"another encoding":    {raw("").with(parts{"xl/worksheets/sheet1.xml": `<?xml version="1.0" encoding="EUC-KR"?><worksheet/>`}).packed(t), domain.BadFile, "is written in EUC-KR"},
		"two lists":           {rawSheet(`<sheetData>` + header + row(text("A")) + `</sheetData><sheetData/>`).packed(t), domain.BadFile, "two lists"},
		"wide header":         {raw(`<row><c r="A1" t="s"><v>0</v></c><c r="XFD1" t="s"><v>0</v></c></row>`).packed(t), domain.BadFile, "reaches to column 16384"},
		"document type":       {raw("").with(parts{"xl/worksheets/sheet1.xml": `<!DOCTYPE x [<!ENTITY a "b">]><worksheet/>`}).packed(t), domain.BadFile, "document type"},
		"too much":            {rawSheet(`<sheetData>` + header + strings.Repeat("<row/>", 1<<19) + `</sheetData>`).packed(t), domain.BadFile, "unpacks to more than 2 MiB"},
		"long text":           {raw(header + row(text(strings.Repeat("x", maxCellChars+1)))).packed(t), domain.BadFile, "more than 32767 characters"},
		"endless text":        {raw(header + row(text(strings.Repeat("x", maxToken+1)))).packed(t), domain.BadFile, "longer than 1 MiB"},
		"endless attributes":  {raw(header + `<row ` + strings.Repeat(`a="b" `, maxToken/6) + `/>`).packed(t), domain.BadFile, "longer than 1 MiB"},
		"deep elements":       {rawSheet(strings.Repeat(`<a>`, 99)).packed(t), domain.BadFile, "more than 64 elements"},
		"deep in texts":       {raw("").with(parts{"xl/sharedStrings.xml": strings.Repeat(`<a>`, 99)}).packed(t), domain.BadFile, "more than 64 elements"},
		"long relationship":   {raw("").with(parts{"_rels/.rels": fmt.Sprintf(rels, rel("rId1", "officeDocument", strings.Repeat("x", maxName+1)))}).packed(t), domain.BadFile, "a relationship with a long name"},
		"long name of sheet":  {raw("").with(parts{"xl/workbook.xml": `<workbook><sheets><sheet name="` + strings.Repeat("x", maxName+1) + `"/></sheets></workbook>`}).packed(t), domain.BadFile, "one with a long name"},
		"long format":         {raw("").with(parts{"xl/styles.xml": `<styleSheet><numFmts><numFmt numFmtId="1" formatCode="` + strings.Repeat("0", maxFormatCode+1) + `"/></numFmts></styleSheet>`}).packed(t), domain.BadFile, "number formats, or one that is too long"},
		"many formats":        {raw("").with(parts{"xl/styles.xml": `<styleSheet><numFmts>` + numberFormats(maxCodes+1) + `</numFmts></styleSheet>`}).packed(t), domain.BadFile, "too many number formats"},
		"many namespaces":     {rawSheet(strings.Repeat(`<a xmlns:x="y">`, 60) + `<b xmlns:c="d" xmlns:d="d" xmlns:e="d" xmlns:f="d" xmlns:g="d"/>`).packed(t), domain.BadFile, "more than 64 namespaces"},
		"formats of cells":    {raw("").with(parts{"xl/styles.xml": `<styleSheet><cellXfs>` + strings.Repeat(`<xf/>`, maxFormats+1) + `</cellXfs></styleSheet>`}).packed(t), domain.BadFile, "more than 65536 formats"},
		"a list of the parts": {zipOf(t, maxParts+1), domain.UnsupportedFile, "more than 10000 parts"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			list, err := Open(t.Context(), bytes.NewReader(c.file), "", Limits{File: 4 << 20, Unpacked: 2 << 20}, 1, func(int64) string { return "" })
			if err == nil {
				var r memberlist.Row
				for err == nil {
					err = list.Next(&r)
				}
				require.NoError(t, list.Close())
			}
			refusedAs(t, err, c.code, c.why)
			require.True(t, utf8.ValidString(err.Error()), "an answer in JSON is text")
		})
	}
	none := func(int64) string { return "" }
	_, err := Open(t.Context(), bytes.NewReader(good.packed(t)), "", Limits{File: 100, Unpacked: 1 << 20}, 1, none)
	refusedAs(t, err, domain.UnsupportedFile, "has more than 0 MiB")
	_, err = Open(t.Context(), io.MultiReader(bytes.NewReader(good.packed(t)[:100]), iotest.ErrReader(io.ErrUnexpectedEOF)), "",
		DefaultLimits(), 1, none)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF, "the client went away")
}

// numberFormats are so many of them.
func numberFormats(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `<numFmt numFmtId="%d" formatCode="0"/>`, i)
	}
	return b.String()
}

// zipOf makes an archive of so many empty parts.
func zipOf(t *testing.T, n int) []byte {
	t.Helper()
	p := parts{}
	for i := range n {
		p[fmt.Sprint(i)] = ""
	}
	return p.packed(t)
}

// Any file is read to an end, or refused.
func FuzzSheet(f *testing.F) {
	f.Add(`<row><c t="s"><v>0</v></c></row>`, `<si><t>a</t></si>`, "0.0")
	f.Add(header+`<row r="3" hidden="1"><c r="B3" s="1" t="b"><f>x</f><v>1</v></c></row>`, ``, `[$-412]yyyy"년"`)
	f.Fuzz(func(t *testing.T, rows, shared, code string) {
		p := raw(rows)
		p["xl/sharedStrings.xml"] = `<sst>` + shared + `</sst>`
		parseFormat(code).dress("1234567890")
		if _, _, err := read(t, p.packed(t), ""); err != nil {
			_, is := errors.AsType[*domain.Error](err)
			require.True(t, is, "%v", err)
		}
	})
}
