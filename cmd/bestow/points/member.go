package points

import (
	"context"
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

	"golang.org/x/text/unicode/norm"
)

// MemberCmd is `bestow member`. It asks the ledger, which may run apart from the rest; trace, events and pin ask the
// service.
type MemberCmd struct {
	Balance memberBalanceCmd `cmd:"" help:"Show what a member has, owes, and what expires next."`
	History memberHistoryCmd `cmd:"" help:"List a member's movements of points, newest first."`
	Use     memberUseCmd     `cmd:"" help:"Use points of a member."`
	Trace   memberTraceCmd   `cmd:"" help:"Show why a member got something of an event, or did not: the list, the message, the ledger's answer."`
	Events  memberEventsCmd  `cmd:"" help:"List the events that have a member on their lists, newest first."`
	PIN     memberPINCmd     `cmd:"" name:"pin" help:"Show the code and the PIN of the voucher that an event gave a member."`
	Cancel  memberCancelCmd  `cmd:"" help:"Undo a use or a save of a member, in whole or in part."`
}

// Help says where it asks.
func (MemberCmd) Help() string {
	return `trace, events and pin ask the service at BESTOW_URL with BESTOW_KEY. The other commands ask the ledger at BESTOW_MONEY_URL
(default http://127.0.0.1:8081) with BESTOW_MONEY_TOKEN. Times are those of BESTOW_TIME_ZONE (default Asia/Seoul).

What use and cancel change stands under an idempotency key. They print the key before they ask. If the answer does
not come, run the same command again with --key KEY: what was applied is not applied twice, and what was not is applied
now.`
}

// memberArg is the member that a command is about.
type memberArg struct {
	Member string `arg:"" help:"The member's id, as the ledger has it; blanks around it do not count."`
}

// id is the member's id in the spelling that ledgers take: a terminal may compose Korean letters in another way.
func (a memberArg) id() (string, error) {
	id := norm.NFC.String(strings.TrimSpace(a.Member))
	if id == "" {
		return "", terminal.Usage("the member's id is empty")
	}
	return id, nil
}

type memberBalanceCmd struct {
	memberArg
	terminal.Format
}

// Run shows what a member has.
func (c *memberBalanceCmd) Run(ctx context.Context, t *terminal.Terminal) error {
	id, err := c.id()
	if err != nil {
		return err
	}
	zone, err := t.Zone()
	if err != nil {
		return err
	}
	return withLedger(t, func(ledger *moneyclient.Client) error {
		m, err := ledger.Member(ctx, id)
		if err != nil {
			return err
		}
		if m.Balance == 0 && m.Owed == 0 {
			if err := sayIfUnknown(ctx, t, ledger, id); err != nil {
				return err
			}
		}
		return c.Print(t, m, func() error { return printMember(t, m, zone) })
	})
}

// sayIfUnknown tells a person if the ledger has no movement of a member: the id may be wrong.
func sayIfUnknown(ctx context.Context, t *terminal.Terminal, ledger *moneyclient.Client, id string) error {
	if t.AsJSON {
		return nil
	}
	known, err := hasMovements(ctx, ledger, id)
	if err == nil && !known {
		t.Say("%s", unknownMember(id))
	}
	return err
}

func hasMovements(ctx context.Context, ledger *moneyclient.Client, id string) (bool, error) {
	page, err := ledger.Movements(ctx, money.HistoryQuery{MemberID: id, Limit: 1})
	return len(page.Items) > 0, err
}

func unknownMember(id string) string {
	return fmt.Sprintf("the ledger has no movement of a member %q: check the id", terminal.Printable(id))
}

func printMember(t *terminal.Terminal, m wire.Member, zone *time.Location) error {
	err := t.Table(func(w io.Writer) {
		fmt.Fprintf(w, "member_id\t%s\n", terminal.Printable(m.MemberID))
		fmt.Fprintf(w, "balance\t%s\n", english.Number(m.Balance))
		if m.Owed > 0 {
			fmt.Fprintf(w, "owed\t%s, taken from the member's points as they come; the balance is less by it\n",
				english.Number(m.Owed))
		} else {
			fmt.Fprintf(w, "owed\t0\n")
		}
		if len(m.Expiring) == 0 {
			fmt.Fprintf(w, "expiring\t-\n")
		}
	})
	if err != nil || len(m.Expiring) == 0 {
		return err
	}
	return t.Table(func(w io.Writer) {
		fmt.Fprintf(w, "\nEXPIRES\tPOINTS\n")
		for _, e := range m.Expiring {
			fmt.Fprintf(w, "%s\t%s\n", terminal.When(&e.ExpiryAt, zone), english.Number(e.Amount))
		}
	})
}

type memberHistoryCmd struct {
	memberArg
	terminal.Format
	terminal.Paging

	Kind string `enum:",save,use,use_cancel,save_cancel,expire" default:"" help:"Only movements of this kind: save, use, use_cancel, save_cancel or expire."`
	From string `placeholder:"TIME" help:"Only movements of this time or later, such as 2026-12-31T23:59:59+09:00 or '2026-12-31 23:59:59' in BESTOW_TIME_ZONE."`
	To   string `placeholder:"TIME" help:"Only movements before this time."`
}

// Run lists a page of a member's movements.
func (c *memberHistoryCmd) Run(ctx context.Context, t *terminal.Terminal) error {
	zone, err := t.Zone()
	if err != nil {
		return err
	}
	q, err := c.query(zone)
	if err != nil {
		return err
	}
	return withLedger(t, func(ledger *moneyclient.Client) error {
		page, err := ledger.Movements(ctx, q)
		if err != nil {
			return err
		}
		if len(page.Items) == 0 {
			if err := sayIfUnknown(ctx, t, ledger, q.MemberID); err != nil {
				return err
			}
		}
		return c.Print(t, page, func() error {
			if page.NextCursor != "" {
				t.SayMore(&page.NextCursor)
			}
			if err := printMovements(t, page.Items, zone); err != nil || q.Before != "" {
				return err
			}
			return sayDebt(ctx, t, ledger, q.MemberID)
		})
	})
}

// sayDebt tells a person what a member owes: a debt is no movement, so that a history alone does not add up to the
// balance.
func sayDebt(ctx context.Context, t *terminal.Terminal, ledger *moneyclient.Client, id string) error {
	m, err := ledger.Member(ctx, id)
	if err == nil && m.Owed > 0 {
		t.Say("the balance is %s: the member owes %s, which is no movement until it is paid",
			english.Number(m.Balance), english.Number(m.Owed))
	}
	return err
}

func (c *memberHistoryCmd) query(zone *time.Location) (q money.HistoryQuery, err error) {
	q = money.HistoryQuery{Before: c.Cursor, Kind: money.MovementKind(c.Kind), Limit: c.Limit}
	if err := c.Check(); err != nil {
		return q, err
	}
	if q.MemberID, err = c.id(); err != nil {
		return q, err
	}
	if q.From, err = terminal.ReadTime("--from", c.From, zone); err != nil {
		return q, err
	}
	q.To, err = terminal.ReadTime("--to", c.To, zone)
	return q, err
}

func printMovements(t *terminal.Terminal, list []wire.Movement, zone *time.Location) error {
	return t.TableSparing([]string{"TYPE", "VALID THROUGH", "REF", "UNDOES"}, func(w io.Writer) {
		fmt.Fprintln(w, "ID\tKIND\tPOINTS\tCREATED\tVALID THROUGH\tTYPE\tREF\tUNDOES\tREASON")
		for n := range list {
			m := &list[n]
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", m.TxID, m.Kind, english.Number(m.Amount),
				terminal.When(&m.CreatedAt, zone), validThrough(m),
				textOrDash(m.TypeCode), textOrDash(m.Ref), textOrDash(m.Undo), textOrDash(m.Reason))
		}
	}, "REF", "REASON")
}

// validThrough is the last day on which the points of a save can be spent, "-" for other movements and for points that
// do not expire.
func validThrough(m *wire.Movement) string {
	day, err := time.Parse("20060102", m.ExpiryDate)
	if m.Kind != string(money.KindSave) || err != nil || m.ExpiryDate == "99991231" {
		return "-"
	}
	return day.Format(time.DateOnly)
}

// textOrDash shows a text of another program, "-" for none.
func textOrDash(text string) string {
	if text == "" {
		return "-"
	}
	return terminal.Printable(text)
}

// aboutMember is the refusal of a movement with what to do next.
func aboutMember(ctx context.Context, ledger *moneyclient.Client, id string, err error) error {
	e, ok := said(err).(*domain.Error) //nolint:errorlint // said wraps nothing
	if !ok || e.Hint != "" {
		return said(err)
	}
	switch e.Code {
	case money.InsufficientBalance:
		e.Hint = "`bestow member balance` shows what the member has, and what is owed"
		if known, err := hasMovements(ctx, ledger, id); err == nil && !known {
			e.Hint = unknownMember(id)
		}
	case money.UnknownMovement:
		e.Hint = "`bestow member history` lists the member's movements; " +
			"one of another member is undone under that member's id"
	case money.KeyConflict:
		e.Hint = "leave --key out for a new use or cancel; for a repeat give the same member, " +
			"amount and choices as at first"
	case money.SavePartlyUsed:
		e.Hint = "--on-used remaining takes back what is left; --on-used debt lets the member owe the rest"
	case money.OverCancelled:
		e.Hint = "leave --amount out for all that is left of it"
	}
	return e
}
