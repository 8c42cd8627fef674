package sheet

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Elements and attributes of other namespaces say nothing, wherever they stand: they move no format, and name no sheet.
func TestForeignNamespaces(t *testing.T) {
	t.Parallel()
	p := raw(header + row(number("12", 2), `<c x:t="str" x:s="0" s="2" xmlns:x="y"><v>13</v></c>`))
	for part, changes := range map[string][]string{
		"xl/styles.xml": {
			`<numFmts>`, `<numFmts><x:numFmt xmlns:x="y" numFmtId="170" formatCode="0"/>`,
			`<numFmt numFmtId="171"`, `<x:numFmt xmlns:x="y" numFmtId="170" formatCode="0"/><numFmt numFmtId="171"`,
			`<cellXfs>`, `<cellXfs><x:xf xmlns:x="y" numFmtId="14"/>`,
			`<xf numFmtId="170"/>`, `<xf xmlns:x="y" x:numFmtId="14" numFmtId="170"/>`,
		},
		"xl/workbook.xml": {`<sheets>`, `<sheets><x:sheet xmlns:x="y" name="Other" r:id="rId2"/>`},
		"xl/_rels/workbook.xml.rels": {
			`<Relationship `, `<x:Relationship xmlns:x="y" Id="rId1" Type="worksheet" Target="none.xml"/><Relationship `,
		},
		"xl/worksheets/sheet1.xml": {
			`<sheetData>`, `<cols><x:col xmlns:x="y" min="1" max="1" hidden="1"/></cols><sheetData>`,
			`</sheetData>`, `</sheetData><mergeCells><x:mergeCell xmlns:x="y" ref="A1:A2"/></mergeCells>`,
		},
	} {
		changed := strings.NewReplacer(changes...).Replace(p[part])
		require.NotEqual(t, p[part], changed, part)
		p[part] = changed
	}
	rows, notices, err := read(t, p.packed(t), "")
	require.NoError(t, err)
	require.Empty(t, notices)
	require.Equal(t, []string{"2 M0000012 13"}, rows)
}
