package main

import (
	"context"
	"net/url"
	"testing"

	"bestow/internal/seal"

	"github.com/stretchr/testify/require"
)

// A process with another master key than the one that vouchers were sealed under does not start: what it made would open
// under the one, what is there under the other.
func TestAnotherMasterKeyStopsTheStart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p, stop := w.start(t.Context(), overrides{}, allRoles...)
	e := w.event(p, "VOUCHER", 10)
	w.run(p, e)
	w.completed(p, e.ID)
	stop()
	right := w.cfg.MasterKey
	w.cfg.MasterKey = seal.GenerateMaster()
	_, err := newProcess(t.Context(), w.cfg, allRoles, w.log, overrides{})
	require.ErrorContains(t, err, "BESTOW_MASTER_KEY is another key")
	w.cfg.MasterKey = right
	w.start(t.Context(), overrides{}, allRoles...)
}

// A server that is there and has no such database is not waited for.
func TestNoSuchDatabase(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	at, err := url.Parse(w.cfg.DatabaseURL)
	require.NoError(t, err)
	at.Path = "/nowhere"
	w.cfg.DatabaseURL = at.String()
	ctx, cancel := context.WithTimeout(t.Context(), patience/2)
	defer cancel()
	_, err = newProcess(ctx, w.cfg, allRoles, w.log, overrides{})
	require.ErrorContains(t, err, "nowhere")
	require.NoError(t, ctx.Err())
}
