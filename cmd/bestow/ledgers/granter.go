package ledgers

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"bestow/app/grants"
	"bestow/app/obstacle"
	"bestow/domain"
	"bestow/internal/seal"
	"bestow/money"
	"bestow/money/breaker"
	"bestow/money/moneyclient"
	"bestow/money/moneydb"
)

var _ grants.Granter = Granter{}

const (
	// typeCode says in the ledger that a campaign caused the movement; its ref is the event's id.
	typeCode = money.CampaignCode
)

// Granter lets app and the ledgers meet: it translates, and decides nothing.
type Granter map[string]*Ledger // by the names that event types have for them

// errNoLedger is the error of an event whose type names a granter that this process does not have.
var errNoLedger = errors.New("the granter is not configured")

// of returns the ledger of e. Error: errNoLedger.
func (g Granter) of(e domain.Event) (*Ledger, error) {
	l, known := g[e.Type.Granter]
	if !known {
		return nil, fmt.Errorf("%w: event type %s names %q", errNoLedger, e.Type.Code, e.Type.Granter)
	}
	return l, nil
}

// Takes reports whether the process can have the grants of a type made.
func (g Granter) Takes(t domain.EventType) bool { return g[t.Granter] != nil }

// Away implements grants.Granter.
func (g Granter) Away(e domain.Event) error {
	l, err := g.of(e)
	if err != nil {
		return err
	}
	return l.away()
}

// Grant implements grants.Granter. It asks in as many calls as the ledger's limits want. Its error wraps
// grants.ErrNotApplied where the ledger says that it applied nothing.
func (g Granter) Grant(ctx context.Context, e domain.Event, deadline time.Time,
	batch []domain.Grant,
) ([]domain.Outcome, error) {
	l, err := g.of(e)
	if err == nil {
		err = l.blocked()
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", grants.ErrNotApplied, err)
	}
	t := translator{e, l}
	answers, err := inCalls(ctx, l.calls, t.items(batch),
		func(ctx context.Context, part []money.Item) ([]money.Answer, error) {
			return l.ask(ctx, e.Type, deadline, part)
		})
	if err != nil {
		return t.outcomes(batch[:len(answers)], answers), explained(err)
	}
	return t.outcomes(batch, answers), nil
}

// explained returns the error of a batch with what it proves.
func explained(err error) error {
	if errors.Is(err, money.ErrNoMaster) || errors.Is(err, seal.ErrOpen) { // before anything was written
		missing := domain.MissingKeysError("the keys of vouchers are missing or wrong", "set BESTOW_MASTER_KEY")
		return fmt.Errorf("%w: %w: %w", grants.ErrNotApplied, missing, err)
	}
	if errors.Is(err, money.ErrDeadline) || errors.Is(err, money.ErrTooMany) || neverAsked(err) {
		return fmt.Errorf("%w: %w", grants.ErrNotApplied, err)
	}
	return err
}

// Rule returns what our ledger says of a grant before it is asked for it.
func Rule(l *moneydb.Ledger) obstacle.LedgerRule {
	return func(e domain.Event, g domain.Grant, now time.Time) (domain.Code, string) {
		if e.Type.Granter != domain.OurGranter {
			return "", ""
		}
		kind := money.Points
		if e.Type.Operation == domain.Vouchers {
			kind = money.Vouchers
		}
		return l.Check(kind, translator{e, &Ledger{name: domain.OurGranter}}.items([]domain.Grant{g})[0], now)
	}
}

// neverAsked reports whether err proves that the ledger applied nothing: it was left alone, no connection came about,
// or it refused the whole batch.
func neverAsked(err error) bool {
	if _, refused := errors.AsType[*moneyclient.RefusedError](err); refused {
		return true
	}
	network, ok := errors.AsType[*net.OpError](err)
	return errors.Is(err, breaker.ErrAway) || ok && network.Op == "dial"
}

// Lookup implements grants.Granter.
func (g Granter) Lookup(ctx context.Context, e domain.Event, batch []domain.Grant) ([]*domain.Outcome, error) {
	l, err := g.of(e)
	if err == nil {
		err = l.blocked()
	}
	if err != nil {
		return nil, err
	}
	t := translator{e, l}
	keys := make([]string, len(batch))
	for n, asked := range batch {
		keys[n] = t.key(asked)
	}
	lookup := l.gate.LookupPoints
	if e.Type.Operation == domain.Vouchers {
		lookup = l.gate.LookupVouchers
	}
	found, err := inCalls(ctx, l.calls, keys, lookup)
	outcomes := make([]*domain.Outcome, len(found))
	for n, f := range found {
		if f.Known {
			o := t.outcome(batch[n], money.Answer{
				Key: f.Key, Outcome: money.Replayed, TxID: f.TxID,
				MemberID: f.MemberID, Amount: f.Amount, Voucher: f.Voucher,
			})
			outcomes[n] = &o
		}
	}
	return outcomes, err
}

// translator turns the grants of an event into items, and answers into outcomes.
type translator struct {
	event  domain.Event
	ledger *Ledger
}

func (t translator) items(batch []domain.Grant) []money.Item {
	items := make([]money.Item, len(batch))
	ref := strconv.FormatInt(t.event.ID, 10)
	for n, g := range batch {
		items[n] = money.Item{
			Key: t.key(g), MemberID: g.MemberID, Amount: g.Amount, Reason: g.Reason,
			ExpiryAt: t.event.ExpiryAt, TypeCode: typeCode, Ref: ref,
		}
	}
	return items
}

func (t translator) key(g domain.Grant) string {
	return t.ledger.keyPrefix() + domain.Key(t.event.ID, g.MemberID)
}

func (t translator) outcomes(batch []domain.Grant, answers []money.Answer) []domain.Outcome {
	owners := map[string]int{}
	outcomes := make([]domain.Outcome, len(batch))
	for n := range batch {
		outcomes[n] = t.outcome(batch[n], answers[n])
		txID := outcomes[n].TxID
		if txID == "" {
			continue
		}
		if first, taken := owners[txID]; taken && batch[first].MemberID != batch[n].MemberID {
			taken := contradictedOutcome("the ledger gave one transaction id to two members")
			outcomes[first], outcomes[n] = taken, taken // it is not known whose it is
			continue
		}
		owners[txID] = n
	}
	return outcomes
}

// outcome returns what an answer means for the campaign. Only an answer that is whole and about this very grant settles
// it.
func (t translator) outcome(g domain.Grant, a money.Answer) domain.Outcome {
	if said := t.strange(g, a); said != "" {
		return contradictedOutcome(said)
	}
	switch a.Outcome {
	case money.Granted, money.Replayed:
		return t.granted(a)
	case money.Refused:
		o := domain.Outcome{Verdict: domain.RefusedForGood, Code: a.Code, Message: a.Message}
		if a.Retryable {
			o.Verdict = domain.RefusedForNow
		}
		return o
	case money.Conflict:
		return contradictedOutcome("the ledger knows the key for another grant")
	case money.Undone: // no answer to a grant
	}
	return unknownOutcome(fmt.Sprintf("the ledger's answer has outcome %.20q", a.Outcome))
}

// strange says how an answer contradicts what was asked, "" if it does not. What it leaves out is no contradiction.
func (t translator) strange(g domain.Grant, a money.Answer) string {
	switch {
	case a.Key != "" && a.Key != t.key(g):
		return "the ledger answered with another key"
	case a.MemberID != "" && a.MemberID != g.MemberID:
		return "the ledger answered with another member"
	case a.Amount != 0 && a.Amount != g.Amount:
		return fmt.Sprintf("the ledger answered with the amount %d instead of %d", a.Amount, g.Amount)
	}
	return ""
}

func (t translator) granted(a money.Answer) domain.Outcome {
	o := domain.Outcome{Verdict: domain.Granted, TxID: a.TxID}
	if a.TxID == "" {
		return unknownOutcome("the ledger's answer has no transaction id")
	}
	if t.event.Type.Operation != domain.Vouchers {
		return o
	}
	if a.Voucher == nil || a.Voucher.Code == "" || a.Voucher.PIN == "" {
		if a.Outcome == money.Replayed && t.ledger.forgetsSecrets() {
			o.Code, o.Message = domain.SecretLost,
				"the ledger issued the voucher and does not say its code and PIN again"
			return o
		}
		return unknownOutcome("the ledger's answer has no voucher")
	}
	o.Voucher = &domain.Voucher{Code: a.Voucher.Code, PIN: a.Voucher.PIN, ExpiryAt: a.Voucher.ExpiryAt}
	return o
}

func contradictedOutcome(message string) domain.Outcome {
	return domain.Outcome{Verdict: domain.Contradicted, Code: domain.Mismatch, Message: message}
}

// badReply is the error code of an answer that says too little.
const badReply = "bad_reply"

func unknownOutcome(message string) domain.Outcome {
	return domain.Outcome{Verdict: domain.Unknown, Code: badReply, Message: message}
}
