package completion

import (
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// Word is a word that can stand at the cursor.
type Word struct{ Text, Help string }

// Offer returns the words that can stand in the place of the last word, which is not finished; files says that the name
// of a file can stand there.
func Offer(root *kong.Node, words []string) (offers []Word, files bool) {
	if len(words) == 0 {
		words = []string{""}
	}
	at := place{node: root, flags: true}
	last := len(words) - 1
	for _, word := range words[:last] {
		at.pass(word)
	}
	offers, files = at.offer(words[last])
	offers = slices.DeleteFunc(offers, func(w Word) bool { return !hasPrefix(w.Text, words[last]) })
	return offers, files
}

// hasPrefix reports whether a word begins with what was typed. Words of fixed lists are read in any letter case, and so
// are completed in any.
func hasPrefix(text, typed string) bool {
	return len(text) >= len(typed) && strings.EqualFold(text[:len(typed)], typed)
}

// place is a place in a command line.
type place struct {
	node   *kong.Node
	args   int         // how many arguments of the command were passed
	flags  bool        // flags may follow: there was no --
	wanted *kong.Value // the flag before has no value yet
}

// pass goes on behind a finished word.
func (p *place) pass(word string) {
	switch {
	case p.wanted != nil:
		p.wanted = nil
	case p.flags && word == "--":
		p.flags = false
	case p.flags && len(word) > 1 && word[0] == '-':
		name, _, valued := strings.Cut(word, "=")
		if f := p.flag(name); f != nil && !valued && takesValue(f) {
			p.wanted = f.Value
		}
	default:
		p.passArgument(word)
	}
}

// passArgument goes on behind a command or an argument.
func (p *place) passArgument(word string) {
	for _, child := range p.node.Children {
		if child.Name == word || slices.Contains(child.Aliases, word) {
			p.node, p.args = child, 0
			return
		}
	}
	p.args++
}

// flag finds a flag by its name with its dashes; nil if there is none, or it has its value in the same word, as -ojson.
func (p *place) flag(name string) *kong.Flag {
	for _, group := range p.node.AllFlags(false) {
		for _, f := range group {
			if name == "--"+f.Name || f.Short != 0 && name == "-"+string(f.Short) {
				return f
			}
		}
	}
	return nil
}

// takesValue reports whether a value follows the flag.
func takesValue(f *kong.Flag) bool { return !f.IsBool() && !f.IsCounter() }

// offer returns what can stand at the place. begun is what stands there already.
func (p *place) offer(begun string) (offers []Word, files bool) {
	switch {
	case p.wanted != nil:
		return valuesOf(p.wanted, "", begun)
	case p.flags && strings.HasPrefix(begun, "-"):
		return p.offerFlag(begun)
	case len(p.node.Positional) > 0:
		return p.offerArgument(begun)
	case p.args > 0: // a word that is no command
		return nil, false
	}
	for _, child := range p.node.Children {
		if !child.Hidden {
			offers = append(offers, Word{child.Name, oneLine(child.Help)})
		}
	}
	return offers, false
}

// offerFlag returns the flags of the command, or the values of the flag whose name ends with a = already.
func (p *place) offerFlag(begun string) (offers []Word, files bool) {
	name, value, valued := strings.Cut(begun, "=")
	if !valued {
		return p.flagNames(), false
	}
	f := p.flag(name)
	if f == nil || !takesValue(f) {
		return nil, false
	}
	return valuesOf(f.Value, name+"=", value)
}

// offerArgument returns the values of the next argument.
func (p *place) offerArgument(begun string) (offers []Word, files bool) {
	last := len(p.node.Positional) - 1
	if p.args > last && !p.node.Positional[last].IsCumulative() {
		return nil, false
	}
	return valuesOf(p.node.Positional[min(p.args, last)], "", begun)
}

// flagNames returns the flags that the command takes.
func (p *place) flagNames() (offers []Word) {
	for _, group := range p.node.AllFlags(true) {
		for _, f := range group {
			offers = append(offers, Word{"--" + f.Name, oneLine(f.Help)})
		}
	}
	return offers
}

// valuesOf returns the words that a flag or an argument takes, each behind before, which stands in the same word. The
// words stand in its enum, or in its tag "offer" where something else refuses wrong ones.
func valuesOf(v *kong.Value, before, begun string) (offers []Word, files bool) {
	words := v.EnumSlice()
	if tagged := v.Tag.Get("offer"); v.Enum == "" && tagged != "" {
		words = strings.Split(tagged, ",")
	}
	if slices.Equal(words, []string{"FILE"}) {
		return nil, before == ""
	}
	if v.IsSlice() { // the words before the last comma stay
		before += begun[:strings.LastIndex(begun, ",")+1]
	}
	for _, word := range words {
		if word != "" {
			offers = append(offers, Word{before + word, ""})
		}
	}
	return offers, false
}

// oneLine returns a help text without the letters that would end a line or a column.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
