package upkeep

import (
	"bytes"
	"testing"

	"bestow/cmd/bestow/terminal"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"
)

// The doctor ends with an error if something is wrong, in both formats.
func TestDoctorPrints(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	term := &terminal.Terminal{Out: &out, Err: &out}
	well := Diagnosis{true, []Finding{{"clock", Fine, "is right"}, {"kafka", Skipped, "not set"}}}
	require.NoError(t, (&DoctorCmd{}).show(term, well))
	require.Equal(t, "ok       clock  is right\nskipped  kafka  not set\n", out.String())
	out.Reset()
	ill := Diagnosis{false, []Finding{{"clock", Wrong, "is off"}}}
	require.ErrorIs(t, (&DoctorCmd{terminal.Format{Output: "json"}}).show(term, ill), errIll)
	var read Diagnosis
	require.NoError(t, json.Unmarshal(out.Bytes(), &read))
	require.Equal(t, ill, read)
}
