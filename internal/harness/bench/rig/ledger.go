package rig

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"bestow/cmd/bestow/daemon"
	"bestow/cmd/bestow/settings"
	"bestow/internal/harness/bench"
	"bestow/internal/proc"
	"bestow/money/moneyclient"
)

// ledgerPatience is the time that the ledger of a bench may take until it answers.
const ledgerPatience = 30 * time.Second

// besideLedger starts the product on cfg's database, with its ledger as a process of its own on the same one.
func (r *Rig) besideLedger(ctx context.Context, cfg settings.Config, how bench.Variant) (*bench.Product, error) {
	ledger, err := r.startLedger(ctx, &cfg)
	if err != nil {
		return nil, err
	}
	product, err := r.startProduct(ctx, cfg, how)
	if err != nil {
		ledger.Kill()
		return nil, err
	}
	stop := product.Stop
	product.Stop = func() error {
		defer ledger.Kill()
		return errors.Join(stop(), ledger.Ended())
	}
	return product, nil
}

// startLedger runs the program with the role money, and lets cfg ask it.
func (r *Rig) startLedger(ctx context.Context, cfg *settings.Config) (*proc.Child, error) {
	ports, err := proc.FreePorts(ctx, 2)
	if err != nil {
		return nil, err
	}
	cfg.MoneyURL, cfg.MoneyToken = "http://"+proc.Address(ports[0]), settings.NewAdminKey()
	ledger, err := proc.Program{
		Name: daemon.RoleMoney, Args: []string{r.program, "serve", "--roles", daemon.RoleMoney},
		Log: filepath.Join(r.dir, "money.log"),
		Env: []string{
			"DATABASE_URL=" + cfg.DatabaseURL, "BESTOW_MASTER_KEY=" + cfg.MasterKey,
			"BESTOW_MONEY_TOKEN=" + cfg.MoneyToken,
			"BESTOW_MONEY_ADDR=" + proc.Address(ports[0]), "BESTOW_OPS_ADDR=" + proc.Address(ports[1]),
		},
	}.Start(ctx)
	if err != nil {
		return nil, err
	}
	if err := untilAnswered(ctx, *cfg); err != nil {
		ledger.Kill()
		return nil, fmt.Errorf("start ledger: %w: see %s", err, ledger.Log)
	}
	return ledger, nil
}

// untilAnswered waits until the ledger that cfg asks answers.
func untilAnswered(ctx context.Context, cfg settings.Config) error {
	ctx, cancel := context.WithTimeout(ctx, ledgerPatience)
	defer cancel()
	client, err := moneyclient.New(moneyclient.Config{URL: cfg.MoneyURL, Token: cfg.MoneyToken})
	if err != nil {
		return err
	}
	defer client.Close()
	for {
		_, err := client.Identity(ctx)
		if err == nil || ctx.Err() != nil {
			return err
		}
		select {
		case <-ctx.Done():
		case <-time.After(50 * time.Millisecond):
		}
	}
}
