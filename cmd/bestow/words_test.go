package main

import (
	"reflect"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/stretchr/testify/require"
)

// Each word of a fixed list, of each command, is read in any letter case, and a refusal lists the words (P26).
func TestWordsInAnyCase(t *testing.T) {
	t.Parallel()
	lists := valuesOf(t, func(v *kong.Value) bool { return v.Enum != "" })
	require.GreaterOrEqual(t, len(lists), 20)
	parse := func(v *kong.Value, text string) (string, error) {
		target := reflect.New(v.Target.Type()).Elem()
		err := v.Parse(kong.ScanFromTokens(kong.Token{Value: text, Type: kong.FlagValueToken}), target)
		if target.Kind() == reflect.Slice && target.Len() > 0 {
			target = target.Index(0)
		}
		return target.String(), err
	}
	for name, v := range lists {
		for _, word := range v.EnumSlice() {
			for _, spelled := range []string{word, strings.ToLower(word), strings.ToUpper(word)} {
				read, err := parse(v, spelled)
				require.NoError(t, err, "%s %s", name, spelled)
				require.Equal(t, word, read, name)
			}
		}
		_, err := parse(v, "nonesuch")
		require.ErrorContains(t, err,
			`"nonesuch" is none of `+strings.ReplaceAll(strings.TrimPrefix(v.Enum, ","), ",", ", "), name)
	}
}

func TestStatusesInAnyCase(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.done("event create --campaign-id spring --event-type POINT")
	for line, listed := range map[string]bool{
		"event list --status pending": true, "event list --status Pending": true, "event list --status running": false,
		"event list --status=completed -o JSON": false,
	} {
		out, _ := s.done(line)
		require.Equal(t, listed, strings.Contains(out, "spring"), line)
	}
	out, _ := s.done("event list --help")
	require.Contains(t, strings.Join(strings.Fields(out), " "), "PENDING, RUNNING, COMPLETED, STOPPED or FAILED")
}
