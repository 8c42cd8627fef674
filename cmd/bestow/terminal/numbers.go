package terminal

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"

	"github.com/alecthomas/kong"
)

// PlainNumbers reads every number of a command line as a row of a member list is read: decimal digits, with any zeros
// that they begin with. Kong itself takes 0100 for 64, and 0x10 and 1_000 for numbers too.
func PlainNumbers() kong.Option {
	options := make([]kong.Option, 0, 10)
	for _, kind := range []reflect.Kind{reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64} {
		options = append(options, kong.KindMapper(kind, kong.MapperFunc(decodeNumber)))
	}
	for _, kind := range []reflect.Kind{reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64} {
		options = append(options, kong.KindMapper(kind, kong.MapperFunc(decodeCount)))
	}
	return kong.OptionFunc(func(k *kong.Kong) error {
		for _, o := range options {
			if err := o.Apply(k); err != nil {
				return err
			}
		}
		return nil
	})
}

// decodeNumber reads a number that may have a minus before it.
func decodeNumber(ctx *kong.DecodeContext, target reflect.Value) error {
	var text string
	if err := ctx.Scan.PopValueInto("number", &text); err != nil {
		return err
	}
	n, err := ReadNumber(text)
	if err != nil {
		return err
	}
	if target.OverflowInt(n) {
		return tooLarge(text)
	}
	target.SetInt(n)
	return nil
}

// decodeCount reads a number that is 0 or more.
func decodeCount(ctx *kong.DecodeContext, target reflect.Value) error {
	var text string
	if err := ctx.Scan.PopValueInto("number", &text); err != nil {
		return err
	}
	if !isDigits(text) {
		return notPlain(text)
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil || target.OverflowUint(n) {
		return tooLarge(text)
	}
	target.SetUint(n)
	return nil
}

// ReadNumber reads decimal digits, with a minus before them or none.
func ReadNumber(text string) (int64, error) {
	if !isDigits(strings.TrimPrefix(text, "-")) {
		return 0, notPlain(text)
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, tooLarge(text)
	}
	return n, nil
}

func isDigits(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(r rune) bool { return r < '0' || r > '9' })
}

func notPlain(text string) error {
	return fmt.Errorf("%q is no number in digits only, such as 1000", text)
}

func tooLarge(text string) error {
	return errors.New(text + " is too large: no number is over " + strconv.FormatInt(math.MaxInt64, 10))
}
