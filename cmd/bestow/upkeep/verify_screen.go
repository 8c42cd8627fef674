package upkeep

import (
	"regexp"
	"strings"

	"bestow/cmd/bestow/terminal"

	"github.com/rivo/uniseg"
)

// reportLine divides a line of a report: its mark, the invariant or the blanks before the text, and the text.
var reportLine = regexp.MustCompile(`^([✓✗–]?)((?: I\d+ +)| *)(.*)$`)

// onScreen returns a report of verify with its marks in colour, and with lines that fit into a terminal. For a pipe it
// is the report as it is.
func onScreen(s terminal.Screen, report string) string {
	var shown strings.Builder
	width := s.Width()
	for line := range strings.Lines(report) {
		parts := reportLine.FindStringSubmatch(strings.TrimSuffix(line, "\n"))
		mark, head, text := parts[1], parts[2], parts[3]
		indent := uniseg.StringWidth(mark + head)
		if width > 0 && indent+uniseg.StringWidth(text) >= width {
			text = terminal.Fold(text, indent, width)
		}
		shown.WriteString(coloured(s, mark) + head + text + "\n")
	}
	return shown.String()
}

// coloured shows a mark as the judgement that it is.
func coloured(s terminal.Screen, mark string) string {
	switch mark {
	case "✓":
		return s.Good(mark)
	case "✗":
		return s.Bad(mark)
	case "–":
		return s.Doubtful(mark)
	}
	return mark
}
