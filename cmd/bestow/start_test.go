package main

import (
	"testing"

	"bestow/cmd/bestow/daemon"
	"bestow/internal/seal"

	"github.com/stretchr/testify/require"
)

// A process with another master key than the one that vouchers were sealed under does not start: what it made would
// open under the one, what is there under the other.
func TestAnotherMasterKeyStopsTheStart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p, stop := w.start(t.Context(), daemon.Overrides{}, daemon.AllRoles...)
	e := w.event(p, "VOUCHER", 10)
	w.run(p, e)
	w.completed(p, e.ID)
	stop()
	right := w.cfg.MasterKey
	w.cfg.MasterKey = seal.GenerateMaster()
	_, err := daemon.New(t.Context(), w.cfg, daemon.AllRoles, w.log, daemon.Overrides{})
	require.ErrorContains(t, err, "BESTOW_MASTER_KEY is another key")
	w.cfg.MasterKey = right
	w.start(t.Context(), daemon.Overrides{}, daemon.AllRoles...)
}
