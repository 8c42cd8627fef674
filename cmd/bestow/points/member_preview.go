package points

import (
	"context"
	"fmt"
	"time"

	"bestow/cmd/bestow/terminal"
	"bestow/domain"
	"bestow/internal/english"
	"bestow/money"
	"bestow/money/moneyclient"
	"bestow/money/moneyhttp/wire"
)

// cancelPreview holds what a cancel is about, for programs.
type cancelPreview struct {
	Movement  wire.Movement      `json:"movement"`
	Cancelled int64              `json:"cancelled_before"`
	Left      *int64             `json:"cancellable,omitzero"`   // nil of a save, where the ledger does not say so
	Would     *saveCancelPreview `json:"would_cancel,omitempty"` // of a save, likewise
}

// saveCancelPreview holds what a cancel of a save does, in the words of its answer.
type saveCancelPreview struct {
	Cancelled   int64 `json:"cancelled"`
	Expired     int64 `json:"expired"`
	Uncollected int64 `json:"uncollected"`
	Owed        int64 `json:"owed"` // of it, what the member would owe
}

// preview shows what a cancel is about, and changes nothing.
func (c *memberCancelCmd) preview(ctx context.Context, t *terminal.Terminal, ledger *moneyclient.Client,
	asked *money.Cancel, of *wire.Movement,
) error {
	zone, err := t.Zone()
	if err != nil {
		return err
	}
	if err := undoable(of); err != nil {
		return err
	}
	p := cancelPreview{Movement: *of}
	if p.Cancelled, err = cancelledBefore(ctx, ledger, asked.MemberID, of); err != nil {
		return err
	}
	p.reckon(asked)
	if p.Left != nil {
		if err := exceeds(of.Kind, asked.Amount, *p.Left); err != nil {
			return err
		}
	}
	return c.Print(t, p, func() error {
		t.Say("nothing was changed; the same command without --dry-run does it")
		return printMoved(t, previewRows(&p, asked, zone), of.Lots)
	})
}

// reckon fills in what can be cancelled, and what becomes of the points of a save.
func (p *cancelPreview) reckon(asked *money.Cancel) {
	if p.Movement.Kind == string(money.KindUse) {
		left := -p.Movement.Amount - p.Cancelled
		p.Left = &left
		return
	}
	can := p.Movement.Cancellable
	if can == nil {
		return
	}
	amount := can.Amount
	if asked.Amount > 0 {
		amount = asked.Amount
	}
	would := saveCancelPreview{Cancelled: min(amount, can.Left)}
	would.Expired = min(amount-would.Cancelled, can.Expired)
	would.Uncollected = amount - would.Cancelled - would.Expired
	if asked.OnUsed == money.OweUsed {
		would.Owed = would.Uncollected
	}
	p.Left, p.Would = &can.Amount, &would
}

// exceeds returns why amount, 0 for all, cannot be cancelled of a movement of which so much is left.
func exceeds(kind string, amount, left int64) error {
	switch {
	case left == 0:
		return domain.NewError(money.NothingToCancel, "all of this "+kind+" has been cancelled already", "")
	case amount > left:
		return domain.NewError(
			money.OverCancelled,
			fmt.Sprintf("of this %s %s can still be cancelled: fewer than the %s asked for",
				kind, english.Count(left, "point"), english.Number(amount)),
			"leave --amount out for all that is left of it",
		)
	}
	return nil
}

// undoable returns why a movement can never be undone.
func undoable(of *wire.Movement) error {
	switch {
	case of.Kind != string(money.KindUse) && of.Kind != string(money.KindSave):
		return notCancellable("only a use or a save can be cancelled, and this is a movement of kind "+of.Kind, "")
	case of.Kind == string(money.KindSave) && of.Undo != "":
		return notCancellable("these points were given back by the cancel "+of.Undo+" of a use",
			"cancel the save from which they come")
	}
	return nil
}

func notCancellable(why, hint string) error { return domain.NewError(money.NotCancellable, why, hint) }

// cancelledBefore returns how many points of a use were given back, or of a save taken back, until now. The id of a
// cancel is above that of what it undoes.
func cancelledBefore(ctx context.Context, ledger *moneyclient.Client, memberID string,
	of *wire.Movement,
) (points int64, err error) {
	q := money.HistoryQuery{MemberID: memberID, Kind: money.KindSaveCancel, Limit: money.MaxPage}
	if of.Kind == string(money.KindUse) {
		q.Kind = money.KindUseCancel
	}
	for {
		page, err := ledger.Movements(ctx, q)
		if err != nil {
			return 0, err
		}
		for n := range page.Items {
			if m := &page.Items[n]; m.Undo == of.TxID {
				points += max(m.Amount, -m.Amount)
			}
		}
		if page.NextCursor == "" || isBefore(page.NextCursor, of.TxID) {
			return points, nil
		}
		q.Before = page.NextCursor
	}
}

// isBefore reports whether the transaction a has a lower id than b.
func isBefore(a, b string) bool {
	_, first, err := money.ParseTxID(a)
	if err != nil {
		return false
	}
	_, second, err := money.ParseTxID(b)
	return err == nil && first < second
}

func previewRows(p *cancelPreview, asked *money.Cancel, zone *time.Location) [][2]string {
	amount := "all that is left of it"
	if asked.Amount > 0 {
		amount = english.Number(asked.Amount)
	}
	rows := [][2]string{{"undoes", movementLine(&p.Movement, zone)}, {"reason", textOrDash(p.Movement.Reason)}}
	switch {
	case p.Movement.Kind == string(money.KindUse):
		return append(rows, [2]string{"given back before", english.Number(p.Cancelled)},
			[2]string{"can be given back", english.Number(*p.Left)},
			[2]string{"would give back", amount})
	case p.Would == nil:
		return append(rows, [2]string{"taken back before", english.Number(p.Cancelled)},
			[2]string{"would take back", amount},
			[2]string{"if points are spent", spentThen(asked.OnUsed)})
	}
	spent := english.Number(p.Would.Uncollected)
	if p.Would.Uncollected > 0 {
		spent += ": " + spentThen(asked.OnUsed)
	}
	return append(rows, [2]string{"taken back before", english.Number(p.Cancelled)},
		[2]string{"can be cancelled", english.Number(*p.Left)},
		[2]string{"would take back", english.Number(p.Would.Cancelled)},
		[2]string{"expired before", english.Number(p.Would.Expired)},
		[2]string{"was spent", spent})
}

// spentThen says what a cancel of a save does where the member has spent points of it.
func spentThen(how money.OnUsed) string {
	switch how {
	case money.OweUsed:
		return "the member owes them, and pays as soon as there are points"
	case money.RefuseUsed:
		return "nothing is cancelled then"
	case money.CancelRemaining:
	}
	return "they are taken back when the orders that spent them are cancelled"
}
