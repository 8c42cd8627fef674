package upkeep

import (
	"context"
	"fmt"
	"strings"
	"time"

	"bestow/app/people"
	"bestow/cmd/bestow/terminal"
	"bestow/domain"

	"github.com/jackc/pgx/v5/pgxpool"
)

// AdminCmd is `bestow admin`. It reads DATABASE_URL: the first admin has no other way in.
type AdminCmd struct {
	Invite adminInviteCmd `cmd:"" help:"Invite a person to sign in, and print the link this once. It is good once, for 15 minutes."`
}

type adminInviteCmd struct {
	terminal.Format

	Name string      `arg:"" help:"The person's name, as it will stand in created_by and in the audit. A person who has a password gets a new one and a new phone by the link."`
	Role domain.Role `enum:"viewer,operator,approver,admin," placeholder:"ROLE" default:"" help:"What the person may do: viewer, operator, approver or admin. Default: what they may do already, and admin for a new one."`
}

// Help says where the link leads.
func (adminInviteCmd) Help() string {
	return `The link leads to the service at BESTOW_URL (default: http://127.0.0.1:8080): set it to the address that the person's browser
has for the service. There the person sets a password and shows a phone with an app for codes (TOTP). An earlier link
of the person ends.`
}

// madeInvite holds what the command prints for machines.
type madeInvite struct {
	ID        int64       `json:"id"`
	Name      string      `json:"name"`
	Role      domain.Role `json:"role"`
	ExpiresAt time.Time   `json:"expires_at"`
	Link      string      `json:"link"`
}

// Run makes the invite. Only the link goes to the output, so that a script can take it.
func (c *adminInviteCmd) Run(ctx context.Context, t *terminal.Terminal) error {
	zone, err := t.Zone()
	if err != nil {
		return err
	}
	return withDatabase(ctx, func(pool *pgxpool.Pool) error {
		p, err := people.New(people.Config{Pool: pool})
		if err != nil {
			return err
		}
		made, err := p.Invite(ctx, host(), people.NewInvite{Name: c.Name, Role: c.Role, OnHost: true})
		if err != nil {
			return err
		}
		link := strings.TrimSuffix(t.URL(), "/") + "/invite?token=" + made.Token
		print := madeInvite{made.ID, made.Name, made.Role, made.ExpiresAt.UTC(), link}
		return c.Print(t, print, func() error {
			t.Say("the link for %s (%s) is good once, until %s; it is shown this once:", made.Name, made.Role,
				terminal.When(&made.ExpiresAt, zone))
			_, err := fmt.Fprintln(t.Out, link)
			return err
		})
	})
}
