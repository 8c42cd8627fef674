package app

import (
	"context"

	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
)

// Running names some of the processes that run, or were seen in the last 30 seconds: "" if there are none.
func (s *Reports) Running(ctx context.Context) (string, error) {
	return pg.Value(ctx, s.Pool, func(tx pgx.Tx) (string, error) {
		l, err := selectInstallation(ctx, tx)
		return nameProcesses(l.processes), err
	})
}
