package points

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"strings"
	"time"

	"bestow/cmd/bestow/terminal"
	"bestow/domain"
	"bestow/internal/english"
	"bestow/money"
	"bestow/money/moneyclient"
	"bestow/money/moneyhttp/wire"
)

// moveOnce says how a change of a member's points is asked for once, however often the command is run.
type moveOnce struct {
	Key *string `placeholder:"KEY" help:"The idempotency key, 1 to 200 characters: give that of the first run to repeat it. Default: a new one, which is printed."`
}

// check refuses a key that no request can carry. An empty one, as of a variable that is not set, would be a new key
// each time.
func (o *moveOnce) check() error {
	if o.Key == nil {
		return nil
	}
	if why := domain.CheckText(*o.Key, money.MaxKey); why != "" || strings.TrimSpace(*o.Key) == "" {
		return terminal.Usage("--key is %q: it must be 1 to %d characters of text; leave it out for a new one", *o.Key,
			money.MaxKey)
	}
	return nil
}

// key is the key of the change. A new one is told before the ledger is asked: the answer may be lost.
func (o *moveOnce) key(t *terminal.Terminal) string {
	if o.Key != nil {
		return *o.Key
	}
	key := strings.ToLower(rand.Text())
	o.Key = &key
	if t.AsJSON {
		t.Say(`{"idempotency_key":"%s"}`, key)
	} else {
		t.Say("idempotency key: %s", key)
	}
	return key
}

// repeatable tells how to ask again where it is not known whether the change was applied.
func (o *moveOnce) repeatable(err error) error {
	if e, ok := err.(*domain.Error); ok && e.Code == domain.Unavailable { //nolint:errorlint // said wraps nothing
		e.Hint = "run the same command again with --key " + shellWord(*o.Key) +
			": what was applied is not applied twice; if this stays, check BESTOW_MONEY_URL"
	}
	return err
}

// movedOnce is the answer to a change for programs.
type movedOnce[T any] struct {
	Key      string `json:"idempotency_key"`
	Replayed bool   `json:"replayed"` // it was applied before
	Answer   T      `json:",embed"`
}

type memberUseCmd struct {
	memberArg

	Amount int64 `arg:"" help:"How many points, 1 or more."`

	terminal.Format
	moveOnce

	Ref      string `required:"" placeholder:"REF" help:"The record that caused it, such as an order or a ticket: 1 to 100 characters."`
	TypeCode string `required:"" placeholder:"CODE" help:"What the points are used for: a code of 1 to 10 characters, such as SHOP."`
	Reason   string `placeholder:"TEXT" help:"The reason, up to 500 characters; the member sees it."`
}

// Run uses points of a member.
func (c *memberUseCmd) Run(ctx context.Context, t *terminal.Terminal) error {
	id, err := c.id()
	if err = cmp.Or(err, c.check()); err != nil {
		return err
	}
	return withLedger(t, func(ledger *moneyclient.Client) error {
		asked := money.Spending{
			Key: c.key(t), MemberID: id, Amount: c.Amount, TypeCode: c.TypeCode, Ref: c.Ref,
			Reason: c.Reason,
		}
		m, replayed, err := ledger.Use(ctx, asked)
		if err != nil {
			return c.repeatable(aboutMember(ctx, ledger, id, err))
		}
		return c.Print(t, movedOnce[wire.Moved]{asked.Key, replayed, m}, func() error {
			sayReplayed(t, replayed)
			t.Say("to undo it: bestow member cancel %s %s", shellWord(id), m.TxID)
			return printMoved(t, [][2]string{
				{"money_tx_id", m.TxID}, {"used", english.Number(c.Amount)}, {"balance", english.Number(m.Balance)},
			}, m.Lots)
		})
	})
}

// sayReplayed reports whether nothing changed now.
func sayReplayed(t *terminal.Terminal, replayed bool) {
	if replayed {
		t.Say("it was applied before under this key: nothing changed now")
	}
}

// shellWord is text as a word of a command line.
func shellWord(text string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' ||
			strings.ContainsRune("-_.:@/", r) || r >= '가' && r <= '힣'
	}
	if text != "" && strings.IndexFunc(text, func(r rune) bool { return !plain(r) }) < 0 && text[0] != '-' {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// printMoved prints what a change did, and to which lots.
func printMoved(t *terminal.Terminal, rows [][2]string, lots []wire.Part) error {
	return t.Table(func(w io.Writer) {
		for _, row := range rows {
			fmt.Fprintf(w, "%s\t%s\n", row[0], row[1])
		}
		for n, lot := range lots {
			name := "lots"
			if n > 0 {
				name = ""
			}
			fmt.Fprintf(w, "%s\t%s of save %s\n", name, english.Number(lot.Amount), lot.SaveID)
		}
	})
}

type memberCancelCmd struct {
	memberArg

	Movement string `arg:"" name:"movement" help:"The use or the save to undo, such as P12: bestow member history shows the ids."`

	terminal.Format
	moveOnce

	Amount       *int64 `placeholder:"N" help:"How many points of it. Default: all that can still be cancelled."`
	OnExpiredLot string `enum:",regrant,expire" default:"" placeholder:"HOW" help:"Of a use: what becomes of points that have expired meanwhile. regrant saves them anew, expire lets them expire. Default: regrant."`
	OnUsed       string `enum:",remaining,debt,refuse" default:"" placeholder:"HOW" help:"Of a save: what becomes of points that the member has spent. remaining takes back what is left, debt lets the member owe the rest, refuse cancels nothing. Default: remaining."`
	Reason       string `placeholder:"TEXT" help:"The reason, up to 500 characters; the member sees it."`
	DryRun       bool   `help:"Only show what it is about; change nothing."`
}

// Run undoes a use or a save of a member.
func (c *memberCancelCmd) Run(ctx context.Context, t *terminal.Terminal) error {
	asked, err := c.asked()
	if err = cmp.Or(err, c.check()); err != nil {
		return err
	}
	zone, err := t.Zone()
	if err != nil {
		return err
	}
	return withLedger(t, func(ledger *moneyclient.Client) error {
		of, err := ledger.Movement(ctx, asked.MemberID, asked.TxID)
		if err == nil {
			err = c.fits(&of)
		}
		if err != nil {
			return aboutMember(ctx, ledger, asked.MemberID, err)
		}
		if c.DryRun {
			return c.preview(ctx, t, ledger, &asked, &of)
		}
		asked.Key = c.key(t)
		done, replayed, err := ledger.Cancel(ctx, asked)
		if err != nil {
			return c.repeatable(aboutMember(ctx, ledger, asked.MemberID, err))
		}
		return c.Print(t, movedOnce[wire.Cancelled]{asked.Key, replayed, done}, func() error {
			sayReplayed(t, replayed)
			return printMoved(t, cancelRows(&of, &done, zone), done.Lots)
		})
	})
}

// asked returns what the flags ask for, without a key.
func (c *memberCancelCmd) asked() (asked money.Cancel, err error) {
	asked = money.Cancel{
		TxID: c.Movement, OnExpiredLot: money.OnExpiredLot(c.OnExpiredLot),
		OnUsed: money.OnUsed(c.OnUsed), Reason: c.Reason,
	}
	if c.Amount != nil {
		if *c.Amount < 1 {
			return asked, terminal.Usage("--amount is %d: it must be 1 or more; "+
				"leave it out for all that can still be cancelled", *c.Amount)
		}
		asked.Amount = *c.Amount
	}
	asked.MemberID, err = c.id()
	return asked, err
}

// fits refuses a choice that does not count for the movement: who makes it takes the movement for another.
func (c *memberCancelCmd) fits(of *wire.Movement) error {
	switch {
	case c.OnUsed != "" && of.Kind == string(money.KindUse):
		return terminal.Usage("--on-used counts where a save is cancelled, and %s is a use", of.TxID)
	case c.OnExpiredLot != "" && of.Kind == string(money.KindSave):
		return terminal.Usage("--on-expired-lot counts where a use is cancelled, and %s is a save", of.TxID)
	}
	return nil
}

// cancelRows return what a cancel did.
func cancelRows(of *wire.Movement, done *wire.Cancelled, zone *time.Location) [][2]string {
	rows := [][2]string{{"money_tx_id", done.TxID}, {"undoes", movementLine(of, zone)}}
	if of.Kind == string(money.KindUse) {
		rows = append(rows, [2]string{"given_back", english.Number(done.Cancelled)})
	} else {
		rows = append(rows, [2]string{"taken_back", english.Number(done.Cancelled)},
			[2]string{"expired", english.Number(done.Expired)},
			[2]string{"uncollected", english.Number(done.Uncollected)})
	}
	return append(rows, [2]string{"balance", english.Number(done.Balance)})
}

// movementLine says in a line which movement it is.
func movementLine(m *wire.Movement, zone *time.Location) string {
	return fmt.Sprintf("%s, %s of %s on %s, ref %s", m.TxID, m.Kind, english.Number(max(m.Amount, -m.Amount)),
		terminal.When(&m.CreatedAt, zone), textOrDash(m.Ref))
}
