package main

import (
	"reflect"
	"testing"
	"time"

	"bestow/cmd/bestow/terminal"

	"github.com/alecthomas/kong"
	"github.com/stretchr/testify/require"
)

// B7: each number of each command is decimal digits, as in a member list; what looks like another number is not read as
// one.
func TestNumbersAreDecimal(t *testing.T) {
	t.Parallel()
	values := numbers(t)
	require.GreaterOrEqual(t, len(values), 15, "the numbers of all commands")
	for name, value := range values {
		for text, want := range map[string]int64{
			"0": 0, "1": 1, "0100": 100, "010": 10, "08": 8, "000": 0, "64": 64, "1000": 1000,
			"0x10": -1, "0X1f": -1, "0b11": -1, "0o17": -1, "1_000": -1, "1,000": -1, "+5": -1, "1e3": -1, "5.0": -1,
			" 5": -1, "": -1,
			"５": -1, "٣": -1, "--5": -1, "-": -1, "9223372036854775808": -1, "99999999999999999999": -1,
		} {
			if name == "demo --seed" && text == "9223372036854775808" { // an unsigned number
				continue
			}
			target := reflect.New(value.Target.Type()).Elem()
			err := value.Parse(kong.ScanFromTokens(kong.Token{Value: text, Type: kong.FlagValueToken}), target)
			if want < 0 {
				require.Error(t, err, "%s %q: %v", name, text, target)
				continue
			}
			require.NoError(t, err, "%s %q", name, text)
			require.Equal(t, want, number(target), "%s %q", name, text)
		}
	}
}

// numbers are the flags and arguments of all commands that hold a number, by command and name.
func numbers(t *testing.T) map[string]*kong.Value {
	t.Helper()
	return valuesOf(t, func(v *kong.Value) bool { return holdsNumber(v.Target.Type()) })
}

// valuesOf returns the flags and arguments of all commands that are wanted, by command and name.
func valuesOf(t *testing.T, wanted func(*kong.Value) bool) map[string]*kong.Value {
	t.Helper()
	parser, err := newParser(&terminal.Terminal{}, nil)
	require.NoError(t, err)
	found := map[string]*kong.Value{}
	var visit func(node *kong.Node)
	visit = func(node *kong.Node) {
		for _, flag := range node.Flags {
			if wanted(flag.Value) {
				found[node.Path()+" --"+flag.Name] = flag.Value
			}
		}
		for _, arg := range node.Positional {
			if wanted(arg) {
				found[node.Path()+" "+arg.Name] = arg
			}
		}
		for _, child := range node.Children {
			visit(child)
		}
	}
	visit(parser.Model.Node)
	return found
}

func holdsNumber(of reflect.Type) bool {
	for of.Kind() == reflect.Pointer || of.Kind() == reflect.Slice {
		of = of.Elem()
	}
	return of.Kind() >= reflect.Int && of.Kind() <= reflect.Float64 && of != reflect.TypeFor[time.Duration]()
}

// number returns what was read into a flag.
func number(target reflect.Value) int64 {
	for target.Kind() == reflect.Pointer {
		target = target.Elem()
	}
	if target.Kind() == reflect.Slice {
		target = target.Index(0)
	}
	if target.CanUint() {
		return int64(target.Uint())
	}
	return target.Int()
}

// What is no plain number is told by its flag, with the way to write it.
func TestNumbersAreRefusedByName(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	out, _ := s.done("event create --campaign-id oct --event-type POINT --default-amount 0100 " +
		"--reservation-priority 010")
	require.Regexp(t, `default_amount +100 P\n`, out)
	require.Regexp(t, `reservation_priority +10\n`, out)
	for line, says := range map[string]string{
		"event edit oct --default-amount 0x10":                `--default-amount: "0x10" is no number in digits only, such as 1000`,
		"event edit oct --default-amount 9223372036854775808": `--default-amount: 9223372036854775808 is too large`,
		"parked replay 0x1":                                   `"0x1" is no number in digits only`,
		"type set POINT --max-count +5":                       `--max-count is "+5": write digits only, as in 10000, or none`,
		"type set POINT --max-count 1_000":                    `--max-count is "1_000"`,
	} {
		code, _, errs := s.run(line)
		require.Equal(t, terminal.ExitUsage, code, line)
		require.Contains(t, errs, says)
	}
	out, _ = s.done("type set POINT --max-count 010000")
	require.Contains(t, out, " 10,000 ")
	for line, why := range map[string]string{
		"event show 001": "a zero before it", "event show +1": "a sign",
		"event show id:01": "a zero before it",
	} {
		code, _, errs := s.run(line)
		require.Equal(t, terminal.ExitFailed, code, why)
		require.Contains(t, errs, "there is no event")
	}
}
