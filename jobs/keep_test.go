package jobs

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"bestow/money"

	"github.com/stretchr/testify/require"
)

// A ledger that runs apart counts what will expire: no process with the role jobs does it there.
func TestLedgerThatRunsApartCountsTheForecast(t *testing.T) {
	t.Parallel()
	w, _ := setupExpiry(t, 1)
	_, err := w.ledger.Save(t.Context(), time.Now().Add(time.Minute), money.Item{Key: "k", MemberID: "m", Amount: 5, TypeCode: "SHOP", Ref: "1"})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		RunLedgerJobs(ctx, w.ledger, false, slog.New(slog.DiscardHandler))
	}()
	defer func() { cancel(); <-done }()
	require.Eventually(t, func() bool {
		f, err := w.ledger.Forecast(ctx, 7)
		return err == nil && f.CountedAt != nil
	}, 20*time.Second, 10*time.Millisecond)
}
