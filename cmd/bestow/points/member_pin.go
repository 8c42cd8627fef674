package points

import (
	"context"
	"fmt"
	"io"

	"bestow/cmd/bestow/terminal"
	"bestow/internal/english"
)

type memberPINCmd struct {
	memberOfEvent
	terminal.Format

	Reason string `required:"" help:"Why it is shown: the audit keeps it, with who asked."`
}

// Help says where it asks, and who may.
func (memberPINCmd) Help() string {
	return `It asks the service at BESTOW_URL with BESTOW_KEY, whose role must be approver or admin. Whoever has the code and the
PIN can use the voucher: show them to the member alone.`
}

// Run shows the voucher.
func (c *memberPINCmd) Run(ctx context.Context, t *terminal.Terminal) error {
	f, err := c.find(ctx, t)
	if err != nil {
		return err
	}
	v, err := f.server.RevealPIN(ctx, f.event.ID, f.id, c.Reason)
	if err != nil {
		return err
	}
	return c.Print(t, v, func() error {
		return t.Table(func(w io.Writer) {
			fmt.Fprintf(w, "member_id\t%s\n", terminal.Printable(v.MemberID))
			fmt.Fprintf(w, "amount\t%s\n", english.Number(v.Amount))
			fmt.Fprintf(w, "code\t%s\n", terminal.Printable(v.VoucherCode))
			fmt.Fprintf(w, "pin\t%s\n", terminal.Printable(v.VoucherPIN))
			fmt.Fprintf(w, "expires\t%s\n", terminal.When(v.VoucherExpiryAt, f.zone))
		})
	})
}
