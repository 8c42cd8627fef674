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
	Invite  adminInviteCmd  `cmd:"" help:"Invite a person to sign in, and print the link this once. It is good once, for 15 minutes."`
	Disable adminDisableCmd `cmd:"" help:"Take the access of a person or a service away: sessions and links end, and within 15 seconds no process takes a key."`
	Enable  adminEnableCmd  `cmd:"" help:"Give a person or a service the access back. A person signs in anew."`
	Role    adminRoleCmd    `cmd:"" help:"Give a person or a service another role. Sessions and links end, and keys have the role within 15 seconds."`
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
	return withPeople(ctx, func(p *people.People) error {
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

type adminDisableCmd struct {
	Name string `arg:"" help:"The name of the person or the service."`
}

// Run disables the principal.
func (c *adminDisableCmd) Run(ctx context.Context, t *terminal.Terminal) error {
	return withPeople(ctx, func(p *people.People) error {
		if err := p.Disable(ctx, host(), c.Name); err != nil {
			return err
		}
		t.Say("%s is disabled: within 15 seconds no process takes a session or a key of theirs", c.Name)
		return nil
	})
}

type adminEnableCmd struct {
	Name string `arg:"" help:"The name of the person or the service."`
}

// Run enables the principal.
func (c *adminEnableCmd) Run(ctx context.Context, t *terminal.Terminal) error {
	return withPeople(ctx, func(p *people.People) error {
		if err := p.Enable(ctx, host(), c.Name); err != nil {
			return err
		}
		t.Say("%s is enabled", c.Name)
		return nil
	})
}

type adminRoleCmd struct {
	Name string      `arg:"" help:"The name of the person or the service."`
	Role domain.Role `arg:"" enum:"viewer,operator,approver,admin" help:"What they may do from now on: viewer, operator, approver or admin."`
}

// Run sets the role.
func (c *adminRoleCmd) Run(ctx context.Context, t *terminal.Terminal) error {
	return withPeople(ctx, func(p *people.People) error {
		if err := p.SetRole(ctx, host(), c.Name, c.Role); err != nil {
			return err
		}
		t.Say("%s has the role %s: their sessions have ended, and keys have it within 15 seconds", c.Name, c.Role)
		return nil
	})
}

// withPeople lets a command work on the people of the database that DATABASE_URL names.
func withPeople(ctx context.Context, work func(*people.People) error) error {
	return withDatabase(ctx, func(pool *pgxpool.Pool) error {
		p, err := people.New(people.Config{Pool: pool})
		if err != nil {
			return err
		}
		return work(p)
	})
}
