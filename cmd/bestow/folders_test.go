package main

import (
	"context"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"bestow/cmd/bestow/settings"
	"bestow/internal/embedpg"

	"github.com/stretchr/testify/require"
)

// C29: the commands share one data folder, whichever comes first and whatever mode somebody gave it: PostgreSQL, which
// does not run as root, reaches its own folder in it.
func TestC29CommandsShareAFolder(t *testing.T) {
	t.Parallel()
	brings := map[string]func(settings.Config){
		"serve --embedded-kafka": func(cfg settings.Config) {
			broker, err := (&serveCmd{EmbeddedKafka: true}).embedKafka(t.Context(), cfg, slog.New(slog.DiscardHandler))
			require.NoError(t, err)
			broker.Close()
		},
		"demo":  func(cfg settings.Config) { startOwnPostgres(t, cfg, "demo") },
		"bench": func(cfg settings.Config) { startOwnPostgres(t, cfg, "bench") },
		"somebody who closes it": func(cfg settings.Config) {
			require.NoError(t, os.MkdirAll(filepath.Join(cfg.DataDir, "demo"), 0o700))
			require.NoError(t, os.Chmod(filepath.Join(cfg.DataDir, "demo"), 0o000))
			require.NoError(t, os.Chmod(cfg.DataDir, 0o700))
		},
	}
	for _, order := range [][]string{
		{"serve --embedded-kafka", "demo"},
		{"demo", "serve --embedded-kafka", "demo"},
		{"serve --embedded-kafka", "bench"},
		{"somebody who closes it", "demo"},
		{"demo", "somebody who closes it", "serve --embedded-kafka", "demo"},
	} {
		top := passableDir(t)
		cfg := settings.Config{DataDir: filepath.Join(top, "data"), Env: "development"}
		for _, command := range order {
			brings[command](cfg)
		}
		if os.Geteuid() == 0 {
			require.Equal(t, fs.FileMode(0o755), modeOf(t, cfg.DataDir), "after %v", order)
		}
	}
}

func startOwnPostgres(t *testing.T, cfg settings.Config, command string) {
	t.Helper()
	dir, err := cfg.OpenDataDir(command)
	require.NoError(t, err)
	s, err := embedpg.Start(t.Context(),
		embedpg.Options{Dir: filepath.Join(dir, "postgres"), Settings: map[string]string{"fsync": "off"}})
	require.NoError(t, err)
	require.NoError(t, s.Stop(context.WithoutCancel(t.Context())))
}

// passableDir is a folder that PostgreSQL's user passes, as t.TempDir is not for a root's tests.
func passableDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "bestow-folders-")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	require.NoError(t, os.Chmod(dir, 0o755))
	return dir
}

func modeOf(t *testing.T, path string) fs.FileMode {
	t.Helper()
	info, err := os.Stat(path)
	require.NoError(t, err)
	return info.Mode().Perm()
}
