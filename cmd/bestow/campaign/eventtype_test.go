package campaign

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestQuantity(t *testing.T) {
	t.Parallel()
	for amount, want := range map[int64]string{
		0: "0", 999: "999", 1000: "1,000", 123456: "123,456",
		9223372036854775807: "9,223,372,036,854,775,807",
	} {
		require.Equal(t, want, quantity(amount, nil))
		require.Equal(t, want+" KRW", quantity(amount, new("KRW")))
	}
}
