package main

import (
	"testing"
	"time"

	"bestow/cmd/bestow/daemon"
	"bestow/cmd/bestow/upkeep"
	"bestow/internal/keys"
	"bestow/internal/seal"

	"github.com/stretchr/testify/require"
)

// The master key is changed while nothing runs: what was sealed opens by the new key and by no other, the proof is
// green, and the service goes on. What is interrupted is done again.
func TestRotate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.completedEvent("VOUCHER", 50)
	var kim int64
	require.NoError(t, w.pool.QueryRow(t.Context(), `INSERT INTO principals (name, kind, role, created_by)
		VALUES ('kim', 'person', 'viewer', 'x') RETURNING id`).Scan(&kim))
	master := func(text string) *seal.Master {
		m, err := seal.NewMaster(text)
		require.NoError(t, err)
		return m
	}
	newKey := seal.GenerateMaster()
	phones := func(m *seal.Master) keys.Store {
		return keys.Store{Table: keys.Passwords, Master: m, WrappedOnly: true}
	}
	old, next, foreign := master(w.cfg.MasterKey), master(newKey), master(seal.GenerateMaster())

	phone, err := seal.NewKey()
	require.NoError(t, err)
	_, err = w.pool.Exec(t.Context(), `INSERT INTO passwords (principal_id, hash, wrapped, last_step, invited_by) VALUES ($1, '', $2, 0, 'x')`,
		kim, phones(old).Kept(kim, phone))
	require.NoError(t, err)
	_, stop := w.start(t.Context(), daemon.Overrides{}, daemon.AllRoles...)
	require.Eventually(t, func() bool { return w.count(`SELECT count(*) FROM processes`) == 1 }, time.Minute,
		20*time.Millisecond)
	_, err = upkeep.Rotate(t.Context(), w.pool, old, next)
	require.ErrorContains(t, err, "the service runs: ")
	stop()
	_, err = upkeep.Rotate(t.Context(), w.pool, foreign, next)
	require.ErrorContains(t, err, "is it another master key?")
	_, err = upkeep.Rotate(t.Context(), w.pool, old, old)
	require.ErrorContains(t, err, "is the one that is in use: nothing was changed")
	_, stop = w.start(t.Context(), daemon.Overrides{}, daemon.AllRoles...)
	stop() // it opens what is there: nothing was changed

	// its key opens what is there, and nobody has seen it yet
	begins := w.process(t.Context(), daemon.Overrides{}, daemon.AllRoles...)
	for range 2 {
		done, err := upkeep.Rotate(t.Context(), w.pool, old, next)
		require.NoError(t, err)
		require.Equal(t, upkeep.Rotated{Vouchers: 2, Pins: 1, Lists: 1, Phones: 1, KeyID: next.ID()}, done)
	}
	require.NoError(t, phones(next).CheckMaster(t.Context(), w.pool))
	require.ErrorIs(t, phones(old).CheckMaster(t.Context(), w.pool), seal.ErrOpen)
	require.ErrorIs(t, begins.Run(t.Context()), seal.ErrOpen, "it ends with its first beat")
	begins.Close()
	_, err = daemon.New(t.Context(), w.cfg, daemon.AllRoles, w.log, daemon.Overrides{})
	require.ErrorContains(t, err, "BESTOW_MASTER_KEY")

	w.cfg.MasterKey = newKey
	p, _ := w.start(t.Context(), daemon.Overrides{}, daemon.AllRoles...)
	w.verified(p)
	w.run(p, w.event(p, "VOUCHER", 30))
	w.exact(p, w.completed(p, 2))
	w.verified(p)
}
