//go:build failpoint

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"bestow/app/command"
	"bestow/app/grants"
	"bestow/domain"

	"github.com/stretchr/testify/require"
)

// A chunk that kills is worked one member at a time, by a ledger that fails twice; another ledger contradicts itself;
// of a third the keys are gone; a fourth answers for half of a chunk.
func (k *walk) walkTrouble() {
	k.Helper()
	alone, contradicted, keyless := k.event("POINT", 60), k.event("POINT", 60), k.event("VOUCHER", 60)
	slow := k.event("POINT", 60)
	k.exec(`UPDATE grant_chunks SET attempts = 10 WHERE event_id = $1`, alone)
	failures := make(chan error, 2)
	failures <- errors.New("no answer")
	failures <- grants.ErrNotApplied
	k.minded(func(ctx context.Context, e domain.Event, deadline time.Time,
		batch []domain.Grant,
	) ([]domain.Outcome, error) {
		select {
		case err := <-failures:
			return nil, err
		default:
			return k.Granter.Grant(ctx, e, deadline, batch)
		}
	}, alone)
	k.minded((&verdicts{Granter: k.Granter, asked: map[string]int{}, say: func(string, int) (domain.Verdict, bool) {
		return domain.Contradicted, false
	}}).Grant, contradicted)
	k.minded(func(context.Context, domain.Event, time.Time, []domain.Grant) ([]domain.Outcome, error) {
		return nil, fmt.Errorf("%w: %w", grants.ErrNotApplied, &domain.Error{Code: domain.MissingKeys})
	}, keyless)
	k.minded(func(ctx context.Context, e domain.Event, deadline time.Time,
		batch []domain.Grant,
	) ([]domain.Outcome, error) {
		half := (len(batch) + 1) / 2
		outcomes, err := k.Granter.Grant(ctx, e, deadline, batch[:half])
		if err == nil && half < len(batch) {
			err = grants.ErrNotReached
		}
		return outcomes, err
	}, slow)
	k.begin(alone, contradicted, keyless, slow)
	k.until(domain.Failed, contradicted, keyless)
	k.minded(nil, contradicted, keyless)
	k.resume(contradicted, keyless)
	k.until(domain.Completed, alone, contradicted, keyless, slow)
}

// An event loses its jobs, another one its messages.
func (k *walk) walkTheNets() {
	k.Helper()
	jobless, lost := k.event("POINT", 60), k.event("POINT", 60)
	k.exec(`DELETE FROM river.river_job WHERE kind = 'relay' AND args @> jsonb_build_object('event_id', $1::bigint)`,
		jobless)
	k.loses(true, lost)
	k.begin(jobless, lost)
	k.do(func(command.Caller) error { _, err := k.p.Sweeper.Sweep(k.ctx); return err })
	k.until(domain.Completed, jobless)
	k.eventually(60, `SELECT published_count FROM campaign_event_summary WHERE event_id = $1`, lost)
	net := *k.p.Sweeper
	net.Patience = time.Nanosecond
	require.Eventually(k, func() bool {
		found := 0
		k.do(func(command.Caller) (err error) { found, err = net.Reconcile(k.ctx); return err })
		return found > 0
	}, time.Minute, 50*time.Millisecond)
	k.loses(false, lost)
	k.until(domain.Running, lost)
	require.Eventually(k, func() bool {
		k.do(func(command.Caller) error { _, err := net.Reconcile(k.ctx); return err })
		return k.count(`SELECT count(*) FROM campaign_events WHERE id = $1 AND event_status = 'COMPLETED'`, lost) == 1
	}, time.Minute, 50*time.Millisecond)
}
