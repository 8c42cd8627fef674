package embedpg

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// superuser is the role that initdb makes.
const superuser = "postgres"

// ensureCluster makes the data folder if there is none. initdb works in data.new-*, so that data is a whole cluster or
// absent, whenever we are killed.
func ensureCluster(ctx context.Context, d *folder, bin binaries, o Options) error {
	half, _ := filepath.Glob(d.file("data.new-*"))        // the only error is a bad pattern
	secrets, _ := filepath.Glob(d.file("password.new-*")) // the same
	for _, path := range append(half, secrets...) {
		if err := os.RemoveAll(path); err != nil {
			return fmt.Errorf("remove half made cluster: %w", err)
		}
	}
	if major, err := d.major(); err != nil || major != "" {
		return err
	}
	o.Log.InfoContext(ctx, "making a PostgreSQL cluster", "folder", d.data(), "version", bin.version)
	fresh, err := os.MkdirTemp(d.path, "data.new-")
	if err != nil {
		return fmt.Errorf("make cluster: %w", err)
	}
	if err := initCluster(ctx, d, bin, fresh, fsyncOff(o.Settings)); err != nil {
		return err
	}
	if err := rename(fresh, d.data()); err != nil {
		return fmt.Errorf("make cluster: %w", err)
	}
	return nil
}

func initCluster(ctx context.Context, d *folder, bin binaries, fresh string, noSync bool) error {
	password, err := os.ReadFile(d.file("password"))
	if err != nil {
		return fmt.Errorf("read password: %w", err)
	}
	// initdb wants the password in a file that its account can read; ours it cannot.
	pwfile, err := tempFile(d.path, password)
	if err != nil {
		return fmt.Errorf("write password: %w", err)
	}
	defer func() { _ = os.Remove(pwfile) }()
	for _, path := range []string{pwfile, fresh} {
		if err := d.account.own(path); err != nil {
			return fmt.Errorf("make cluster: %w", err)
		}
	}
	args := []string{
		"--pgdata=" + fresh, "--username=" + superuser, "--pwfile=" + pwfile, "--auth=scram-sha-256",
		"--encoding=UTF8", "--locale=C", "--no-instructions",
	}
	if noSync {
		args = append(args, "--no-sync")
	}
	if _, err := runAs(ctx, d.account, d.path, 2*time.Minute, bin.initdb(), args...); err != nil {
		return fmt.Errorf("make cluster: %w", err)
	}
	return nil
}
