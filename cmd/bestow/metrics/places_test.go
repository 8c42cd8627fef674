package metrics

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
)

type counts [2]int

func (c counts) Places() (atWork, waiting int) { return c[0], c[1] }

// Who waits for a place is told.
func TestPlacesMetric(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	require.NoError(t, registry.Register(placesMetric{"import": counts{5, 17}, "export": counts{1, 0}}))
	families, err := registry.Gather()
	require.NoError(t, err)
	require.Len(t, families, 1)
	require.Equal(t, "bestow_lists", families[0].GetName())
	got := map[string]float64{}
	for _, m := range families[0].GetMetric() {
		got[m.GetLabel()[0].GetValue()+" "+m.GetLabel()[1].GetValue()] = m.GetGauge().GetValue()
	}
	require.Equal(t,
		map[string]float64{"import at_work": 5, "import waiting": 17, "export at_work": 1, "export waiting": 0}, got)
}
