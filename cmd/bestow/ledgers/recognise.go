package ledgers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"bestow/app/processes"
	"bestow/money/moneyclient"
	"bestow/money/moneyhttp/wire"
)

// errNeverMet blocks a ledger that no process has noted as met.
var errNeverMet = errors.New("no process has asked it for a grant yet, so it is not known which ledger it is")

// Recognise is MeetOthers of one granter, for a command that only looks grants up: it changes nothing, here and in the
// ledger. A ledger may be asked if it is the one that the processes have met. One that does not answer is asked as
// often as the service asks one before it counts as away; each time takes two seconds at most, and the pause between.
func (g Granter) Recognise(ctx context.Context, granter string, known *processes.Ledgers) {
	l, there := g[granter]
	if !there || l.remote == nil {
		return
	}
	for failures := 1; ; failures++ {
		why := l.remote.recognise(ctx, known)
		if why == nil {
			l.remote.reason.Store(nil)
			return
		}
		l.remote.reason.Store(&why)
		if _, unanswered := errors.AsType[checkError](why); !unanswered || failures == maxFailures {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(l.remote.probe):
		}
	}
}

// recognise returns why the ledger must not be asked what it granted, nil if it may be.
func (r *remote) recognise(ctx context.Context, ledgers *processes.Ledgers) error {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	known, err := ledgers.Known(ctx, r.name)
	if err != nil {
		return err
	}
	if known == "" {
		return errNeverMet
	}
	id, err := r.client.Identity(ctx)
	if refused, ok := errors.AsType[*moneyclient.RefusedError](err); ok && refused.Status == http.StatusNotFound {
		if known != noIdentity {
			return lostIdentity(known)
		}
		if err := r.canLookUp(ctx); err != nil {
			return checkError{err}
		}
		r.withoutIdentity.Store(true)
		return nil
	}
	if err != nil {
		return checkError{fmt.Errorf("it does not say which ledger it is: %w", err)}
	}
	if known != id.LedgerID {
		return anotherLedger(id.LedgerID, known)
	}
	if id.InstallationID != "" && id.InstallationID != r.installation {
		return r.anothers(id.InstallationID)
	}
	r.client.Expect(id.LedgerID)
	r.forgets.Store(!slices.Contains(id.Capabilities, wire.RepeatsSecrets))
	return nil
}

// lostIdentity says that an address has led to a ledger with an identity.
func lostIdentity(known string) error {
	return fmt.Errorf("it has no GET /money/v1/identity, where the ledger %s answered before", known)
}

// anotherLedger says that an address has led to another ledger.
func anotherLedger(id, known string) error {
	return fmt.Errorf("it is the ledger %s, and grants went to %s until now: let its address lead to that one again",
		id, known)
}

// anothers says that the ledger is paired with another installation.
func (r *remote) anothers(installation string) error {
	return fmt.Errorf("it takes the grants of the installation %s, and this one is %s: "+
		"give each installation a ledger of its own", installation, r.installation)
}
