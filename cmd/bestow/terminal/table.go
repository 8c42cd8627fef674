package terminal

import (
	"io"
	"slices"
	"strings"

	"github.com/rivo/uniseg"
)

const (
	tableGap = 2 // the blanks between two columns
	leastCut = 8 // the columns that are left of a cell at least
)

// Table prints rows whose cells are separated by tabs, in columns that are aligned. It counts columns of a terminal, of
// which a Korean character takes two: text/tabwriter counts characters.
//
// On a terminal no line is wider than the screen. Where the first row has titles, free names those of the columns that
// hold free text: these are cut, the widest first, and if that is not enough, each line is cut. Without such columns
// the last cell of a row goes on below itself.
func (t *Terminal) Table(rows func(w io.Writer), free ...string) error {
	return t.TableSparing(nil, rows, free...)
}

// TableSparing prints as Table does. Before it cuts a cell, it leaves out columns: those in which no row has a value,
// and then the columns titled spare, in their order, until the table fits. The column that answers the question of the
// command is not in spare.
func (t *Terminal) TableSparing(spare []string, rows func(w io.Writer), free ...string) error {
	var tabbed strings.Builder
	rows(&tabbed)
	var list table
	for line := range strings.Lines(tabbed.String()) {
		list = append(list, strings.Split(strings.TrimSuffix(line, "\n"), "\t"))
	}
	width := t.Screen.Width()
	if width > 0 && len(free) > 0 {
		list.leaveOut(width, spare)
		list.cut(width, free)
	}
	widths := list.widths()
	var aligned strings.Builder
	for _, cells := range list {
		var line strings.Builder
		last, indent := len(cells)-1, 0
		for i, cell := range cells[:last] {
			line.WriteString(cell + strings.Repeat(" ", widths[i]-uniseg.StringWidth(cell)+tableGap))
			indent += widths[i] + tableGap
		}
		switch text := cells[last]; {
		case len(free) > 0:
			aligned.WriteString(Fit(line.String()+text, width))
		case width > 0 && indent+uniseg.StringWidth(text) >= width:
			aligned.WriteString(line.String() + Fold(text, indent, width))
		default:
			aligned.WriteString(line.String() + text)
		}
		aligned.WriteByte('\n')
	}
	_, err := io.WriteString(t.Out, aligned.String())
	return err
}

// table holds the cells of each row.
type table [][]string

// widths returns the width of each column.
func (l table) widths() (widths []int) {
	for _, cells := range l {
		for i, cell := range cells {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], uniseg.StringWidth(cell))
		}
	}
	return widths
}

// total returns the width of the rows.
func (l table) total() (total int) {
	widths := l.widths()
	for _, columns := range widths {
		total += columns
	}
	return total + tableGap*(len(widths)-1)
}

// leaveOut removes columns until a row fits: the columns in which no row has a value, and then the spare ones.
func (l table) leaveOut(width int, spare []string) {
	if len(spare) == 0 {
		return
	}
	order := slices.DeleteFunc(slices.Clone(l[0]), func(title string) bool { return !l.isEmpty(title) })
	for _, title := range slices.Concat(order, spare) {
		column := slices.Index(l[0], title)
		if l.total() < width || column < 0 {
			continue
		}
		for i := range l {
			l[i] = slices.Delete(l[i], column, column+1)
		}
	}
}

// isEmpty reports whether the table has rows, and each of them has a dash in the column of the title.
func (l table) isEmpty(title string) bool {
	column := slices.Index(l[0], title)
	return len(l) > 1 && !slices.ContainsFunc(l[1:], func(cells []string) bool { return cells[column] != "-" })
}

// cut cuts the cells of free columns until a row fits, or until nothing more can be cut of them.
func (l table) cut(width int, free []string) {
	widths := l.widths()
	for total := l.total(); total >= width; total-- {
		widest := -1
		for i, title := range l[0] {
			if slices.Contains(free, title) && widths[i] > max(leastCut, uniseg.StringWidth(title)) &&
				(widest < 0 || widths[i] > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			break
		}
		widths[widest]--
	}
	for _, cells := range l {
		for i, cell := range cells {
			cells[i] = Fit(cell, widths[i]+1)
		}
	}
}
