package terminal

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// AnyCase reads each word of a fixed list in any letter case: --status pending is --status PENDING.
func AnyCase() kong.Option { return kong.KindMapper(reflect.String, kong.MapperFunc(decodeWord)) }

// decodeWord reads a text; where only some words are taken, it is that word as the list spells it.
func decodeWord(ctx *kong.DecodeContext, target reflect.Value) error {
	var text string
	if err := ctx.Scan.PopValueInto("string", &text); err != nil {
		return err
	}
	target.SetString(text)
	if ctx.Value.Enum == "" {
		return nil
	}
	words := ctx.Value.EnumSlice()
	at := slices.IndexFunc(words, func(word string) bool { return strings.EqualFold(word, text) })
	if at < 0 {
		return fmt.Errorf("%q is none of %s", text, strings.TrimPrefix(strings.Join(words, ", "), ", "))
	}
	target.SetString(words[at])
	return nil
}
