package catalog

import (
	"regexp"
	"strings"
)

// listOfTexts matches IN ('a', 'b') on a varchar, as PostgreSQL prints it of a table that a migration made.
var (
	listOfTexts = regexp.MustCompile(`\(ARRAY\[((?:'(?:[^']|'')*'::character varying(?:, )?)+)\]\)::text\[\]`)
	textOfList  = regexp.MustCompile(`'(?:[^']|'')*'::character varying`)
)

// asWritten returns a line as PostgreSQL prints it once the table has been through pg_dump and pg_restore.
func asWritten(line string) string {
	return flatChains(listOfTexts.ReplaceAllStringFunc(line, func(list string) string {
		texts := textOfList.FindAllString(list, -1)
		return "ARRAY[(" + strings.Join(texts, ")::text, (") + ")::text]"
	}))
}

// flatChains writes ((a AND b) AND c) as (a AND b AND c), and the same of OR. What stands in quotes stays.
func flatChains(line string) string {
	c := chains{line: line, drop: map[int]bool{}}
	quote := byte(0)
	for i := range len(line) {
		switch b := line[i]; {
		case quote != 0:
			if b == quote {
				quote = 0
			}
		case b == '\'' || b == '"':
			quote = b
		default:
			c.read(i, b)
		}
	}
	flat := make([]byte, 0, len(line))
	for i := range len(line) {
		if !c.drop[i] {
			flat = append(flat, line[i])
		}
	}
	return string(flat)
}

// chains finds the brackets of a line that a chain of AND or OR does not need.
type chains struct {
	line string
	open []bracket
	drop map[int]bool
}

// bracket is an open one, and what joins the operands in it: AND or OR, "" for neither, "?" for both.
type bracket struct {
	at int
	op string
}

func (c *chains) read(i int, b byte) {
	last := len(c.open) - 1
	switch {
	case b == '(':
		c.open = append(c.open, bracket{at: i})
	case last < 0:
	case b == ')':
		c.end(c.open[last], i)
		c.open = c.open[:last]
	case b == ' ':
		c.open[last].join(chainOp.FindString(c.line[i:]))
	}
}

// end drops the brackets of the first operand of a longer chain.
func (c *chains) end(g bracket, at int) {
	if g.op != "" && g.at > 0 && c.line[g.at-1] == '(' && strings.HasPrefix(c.line[at+1:], g.op) {
		c.drop[g.at], c.drop[at] = true, true
	}
}

func (g *bracket) join(op string) {
	switch {
	case op == "" || op == g.op:
	case g.op == "":
		g.op = op
	default:
		g.op = "?"
	}
}

var chainOp = regexp.MustCompile(`^ (?:AND|OR) `)
