package points

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"bestow/cmd/bestow/terminal"
	"bestow/money/moneyclient"
	"bestow/money/moneyhttp/wire"
)

// PolicyCmd is `bestow policy`. It asks the ledger, which may run apart from the rest.
type PolicyCmd struct {
	List   policyListCmd   `cmd:"" help:"List accrual policies in the order of their codes."`
	Show   policyShowCmd   `cmd:"" help:"Show an accrual policy."`
	Create policyCreateCmd `cmd:"" help:"Make an accrual policy."`
	Set    policySetCmd    `cmd:"" help:"Change an accrual policy, for later saves."`
	Retire policyRetireCmd `cmd:"" help:"Retire an accrual policy: saves that name it are refused. Or bring it back."`
}

// Help says where it asks.
func (PolicyCmd) Help() string {
	return `An accrual policy says what a save of points that names it may be, and how long its points are valid. These commands ask
the ledger at BESTOW_MONEY_URL (default http://127.0.0.1:8081) with BESTOW_MONEY_TOKEN.`
}

type policyListCmd struct {
	terminal.Format
	terminal.Paging

	Status string `enum:",ACTIVE,INACTIVE" default:"" help:"Only those with this status: ACTIVE or INACTIVE."`
}

// Run lists policies.
func (c *policyListCmd) Run(ctx context.Context, t *terminal.Terminal) error {
	if err := c.Check(); err != nil {
		return err
	}
	return withLedger(t, func(ledger *moneyclient.Client) error {
		page, err := ledger.Policies(ctx, c.Status, c.Cursor, c.Limit)
		if err != nil {
			return err
		}
		return c.Print(t, page, func() error {
			if page.NextCursor != "" {
				t.SayMore(&page.NextCursor)
			}
			return printPolicies(t, page.Items)
		})
	})
}

func printPolicies(t *terminal.Terminal, list []wire.Policy) error {
	return t.Table(func(w io.Writer) {
		fmt.Fprintln(w, "CODE\tSTATUS\tVALID\tMIN\tMAX\tMAX HOLD\tREGRANT DAYS\tTYPE\tNAME")
		for _, p := range list {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", p.Code, p.Status, validity(p),
				terminal.OrDash(p.Min), terminal.OrDash(p.Max), terminal.OrDash(p.MaxHold),
				terminal.OrDash(p.RegrantDays), terminal.OrDash(p.TypeCode), p.Name)
		}
	}, "NAME")
}

// validity returns how long points are valid, as --valid takes it.
func validity(p wire.Policy) string {
	switch {
	case p.Days != nil:
		return fmt.Sprintf("days:%d", *p.Days)
	case p.Until != nil:
		return "until:" + *p.Until
	case p.Months != nil:
		return fmt.Sprintf("month-end:%d", *p.Months)
	}
	return terminal.None
}

type policyArg struct {
	Code string `arg:"" help:"The policy's code."`
}

type policyShowCmd struct {
	policyArg
	terminal.Format
}

// Run shows a policy.
func (c *policyShowCmd) Run(ctx context.Context, t *terminal.Terminal) error {
	zone, err := t.Zone()
	if err != nil {
		return err
	}
	return withLedger(t, func(ledger *moneyclient.Client) error {
		p, _, err := ledger.Policy(ctx, c.Code)
		if err != nil {
			return err
		}
		return c.Print(t, p, func() error { return printPolicy(t, p, zone) })
	})
}

func printPolicy(t *terminal.Terminal, p wire.Policy, zone *time.Location) error {
	return t.Table(func(w io.Writer) {
		for _, line := range [][2]string{
			{"code", p.Code},
			{"name", p.Name},
			{"status", p.Status},
			{"valid", validity(p)},
			{"min_point", terminal.OrDash(p.Min)},
			{"max_point", terminal.OrDash(p.Max)},
			{"max_hold", terminal.OrDash(p.MaxHold)},
			{"regrant_days", terminal.OrDash(p.RegrantDays)},
			{"type_code", terminal.OrDash(p.TypeCode)},
			{"created_at", terminal.When(&p.CreatedAt, zone)},
			{"updated_at", terminal.When(&p.UpdatedAt, zone)},
		} {
			fmt.Fprintf(w, "%s\t%s\n", line[0], line[1])
		}
	})
}

// policyTerms are the flags that say what a policy is.
type policyTerms struct {
	Name        *string `placeholder:"TEXT" help:"The policy's name for people, up to 100 characters."`
	Valid       *string `placeholder:"HOW" help:"How long points are valid: days:30 from the save, until:2026-12-31, month-end:1 through the end of the next month (0: of the same), or none: they do not expire."`
	MinPoint    *string `placeholder:"N" help:"The smallest amount of one save; none clears it."`
	MaxPoint    *string `placeholder:"N" help:"The largest amount of one save; none clears it."`
	MaxHold     *string `placeholder:"N" help:"What a member may hold after a save by this policy; none clears it."`
	RegrantDays *string `placeholder:"N" help:"For how many days points are valid that a cancel gives back after their expiry; none: as BESTOW_REGRANT_DAYS says."`
	TypeCode    *string `placeholder:"CODE" help:"The type of a save that names none, up to 10 characters; none clears it."`
}

// patch returns what the flags say; nil clears.
func (c *policyTerms) patch() (map[string]any, error) {
	patch := map[string]any{}
	terminal.Set(patch, "name", c.Name)
	terminal.Set(patch, "type_code", c.TypeCode)
	if c.TypeCode != nil && *c.TypeCode == terminal.None {
		patch["type_code"] = nil
	}
	for _, number := range []struct {
		flag, field string
		value       *string
	}{
		{"--min-point", "min_point", c.MinPoint},
		{"--max-point", "max_point", c.MaxPoint},
		{"--max-hold", "max_hold", c.MaxHold},
		{"--regrant-days", "regrant_days", c.RegrantDays},
	} {
		if number.value == nil {
			continue
		}
		if *number.value == terminal.None {
			patch[number.field] = nil
			continue
		}
		n, err := terminal.ReadNumber(*number.value)
		if err != nil {
			return nil, terminal.Usage("%s is %q: write digits only, as in 10000, or none", number.flag, *number.value)
		}
		patch[number.field] = n
	}
	if c.Valid == nil {
		return patch, nil
	}
	return patch, readValidity(patch, *c.Valid)
}

// readValidity reads --valid into patch.
func readValidity(patch map[string]any, valid string) error {
	kind, rest, _ := strings.Cut(valid, ":")
	n, err := strconv.Atoi(rest)
	switch {
	case valid == terminal.None:
		patch["validity_kind"] = "none"
	case kind == "days" && err == nil:
		patch["validity_kind"], patch["validity_days"] = "days", n
	case kind == "month-end" && err == nil:
		patch["validity_kind"], patch["valid_months"] = "month_end", n
	case kind == "until" && rest != "":
		patch["validity_kind"], patch["valid_until"] = "until", rest
	default:
		return terminal.Usage("--valid is %q: write days:30, until:2026-12-31, month-end:1 or none", valid)
	}
	return nil
}

type policyCreateCmd struct {
	policyArg
	policyTerms
	terminal.Format
}

// Run makes a policy.
func (c *policyCreateCmd) Run(ctx context.Context, t *terminal.Terminal) error {
	terms, err := c.patch()
	if err != nil {
		return err
	}
	terms["code"] = c.Code
	return withLedger(t, func(ledger *moneyclient.Client) error {
		p, _, err := ledger.CreatePolicy(ctx, terms)
		if err != nil {
			return err
		}
		return showPolicy(t, c.Format, p)
	})
}

// showPolicy prints one policy as a row.
func showPolicy(t *terminal.Terminal, f terminal.Format, p wire.Policy) error {
	return f.Print(t, p, func() error { return printPolicies(t, []wire.Policy{p}) })
}

type policySetCmd struct {
	policyArg
	policyTerms
	terminal.Format
}

// Run changes a policy as it is when the command begins.
func (c *policySetCmd) Run(ctx context.Context, t *terminal.Terminal) error {
	patch, err := c.patch()
	if err != nil {
		return err
	}
	if len(patch) == 0 {
		return terminal.Usage("say what to change")
	}
	return c.edit(ctx, t, c.Format, patch)
}

type policyRetireCmd struct {
	policyArg
	terminal.Format

	Undo bool `help:"Bring it back: points are saved by it again."`
}

// Run retires a policy, or brings it back.
func (c *policyRetireCmd) Run(ctx context.Context, t *terminal.Terminal) error {
	status := "INACTIVE"
	if c.Undo {
		status = "ACTIVE"
	}
	return c.edit(ctx, t, c.Format, map[string]any{"status": status})
}

// edit changes the policy and prints it.
func (a policyArg) edit(ctx context.Context, t *terminal.Terminal, f terminal.Format, patch map[string]any) error {
	return withLedger(t, func(ledger *moneyclient.Client) error {
		_, tag, err := ledger.Policy(ctx, a.Code)
		if err != nil {
			return err
		}
		p, err := ledger.EditPolicy(ctx, a.Code, tag, patch)
		if err != nil {
			return err
		}
		return showPolicy(t, f, p)
	})
}
