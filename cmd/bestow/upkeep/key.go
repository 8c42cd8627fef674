package upkeep

import (
	"context"
	"fmt"
	"io"
	"os/user"
	"time"

	"bestow/app/access"
	"bestow/app/command"
	"bestow/cmd/bestow/terminal"
	"bestow/domain"

	"github.com/jackc/pgx/v5/pgxpool"
)

// KeyCmd is `bestow key`. It reads DATABASE_URL: the first key is made before any other can be used.
type KeyCmd struct {
	Create keyCreateCmd `cmd:"" help:"Make an API key for a service, and print it this once."`
	List   keyListCmd   `cmd:"" help:"List the API keys, newest first: who has them, and when they were used."`
	Revoke keyRevokeCmd `cmd:"" help:"Revoke an API key. Within 15 seconds no process takes it."`
}

type keyCreateCmd struct {
	terminal.Format

	Name      string      `required:"" placeholder:"NAME" help:"Who gets the key. The name stands in created_by and in the audit. A name that has a key already gets a second one."`
	Role      domain.Role `required:"" enum:"viewer,operator,approver,admin" placeholder:"ROLE" help:"What the key may do. A viewer reads; an operator also makes, imports, starts and stops; an approver also releases a brake; an admin gives out keys and sets limits."`
	ExpiresAt string      `placeholder:"TIME" help:"When the key ends, such as 2027-03-31 18:00. Default: after 365 days."`
}

// madeKey holds what the command prints for machines.
type madeKey struct {
	ID        int64       `json:"id"`
	Name      string      `json:"name"`
	Role      domain.Role `json:"role"`
	Prefix    string      `json:"prefix"`
	ExpiresAt time.Time   `json:"expires_at"`
	Secret    string      `json:"key"`
}

// Run makes the key. Only the key goes to the output, so that a script can take it.
func (c *keyCreateCmd) Run(ctx context.Context, t *terminal.Terminal) error {
	zone, err := t.Zone()
	if err != nil {
		return err
	}
	expires, err := terminal.ReadTime("--expires-at", c.ExpiresAt, zone)
	if err != nil {
		return err
	}
	return withAccess(ctx, func(a *access.Access) error {
		k, err := a.Create(ctx, host(), access.NewKey{Name: c.Name, Role: c.Role, ExpiresAt: expires})
		if err != nil {
			return err
		}
		made := madeKey{k.ID, k.Name, k.Role, k.Prefix, k.ExpiresAt.UTC(), k.Secret}
		return c.Print(t, made, func() error {
			t.Say("key %d of %s (%s) is valid until %s; it is shown this once:", k.ID, k.Name, k.Role,
				terminal.When(&k.ExpiresAt, zone))
			_, err := fmt.Fprintln(t.Out, k.Secret)
			return err
		})
	})
}

type keyListCmd struct{ terminal.Format }

// listedKey holds what the list prints for machines, as GET /keys does.
type listedKey struct {
	ID         int64       `json:"id"`
	Name       string      `json:"name"`
	Role       domain.Role `json:"role"`
	Prefix     string      `json:"prefix"`
	CreatedBy  string      `json:"created_by"`
	CreatedAt  time.Time   `json:"created_at"`
	ExpiresAt  time.Time   `json:"expires_at"`
	LastUsedAt *time.Time  `json:"last_used_at"`
	RevokedAt  *time.Time  `json:"revoked_at"`
	RevokedBy  *string     `json:"revoked_by"`
}

// Run lists the keys.
func (c *keyListCmd) Run(ctx context.Context, t *terminal.Terminal) error {
	zone, err := t.Zone()
	if err != nil {
		return err
	}
	return withAccess(ctx, func(a *access.Access) error {
		keys, err := a.List(ctx)
		if err != nil {
			return err
		}
		list := make([]listedKey, len(keys))
		for i, k := range keys {
			list[i] = listedKey(k)
		}
		return c.Print(t, list, func() error { return printKeys(t, keys, zone) })
	})
}

func printKeys(t *terminal.Terminal, keys []access.Key, zone *time.Location) error {
	return t.Table(func(w io.Writer) {
		fmt.Fprintln(w, "ID\tNAME\tROLE\tPREFIX\tSTATE\tLAST USED")
		for _, k := range keys {
			fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%s\n", k.ID, k.Name, k.Role, k.Prefix, state(k, zone),
				terminal.When(k.LastUsedAt, zone))
		}
	}, "NAME", "STATE")
}

// state says until when the key is valid, or why it is not.
func state(k access.Key, zone *time.Location) string {
	switch {
	case k.RevokedAt != nil:
		return "revoked " + terminal.When(k.RevokedAt, zone) + " by " + terminal.OrDash(k.RevokedBy)
	case !k.ExpiresAt.After(time.Now()):
		return "expired " + terminal.When(&k.ExpiresAt, zone)
	}
	return "until " + terminal.When(&k.ExpiresAt, zone)
}

type keyRevokeCmd struct {
	ID int64 `arg:"" help:"The key's id: bestow key list shows it."`
}

// Run revokes the key.
func (c *keyRevokeCmd) Run(ctx context.Context, t *terminal.Terminal) error {
	return withAccess(ctx, func(a *access.Access) error {
		if err := a.Revoke(ctx, host(), c.ID); err != nil {
			return err
		}
		t.Say("key %d is revoked: within 15 seconds no process takes it", c.ID)
		return nil
	})
}

// withAccess lets a command work on the keys of the database that DATABASE_URL names.
func withAccess(ctx context.Context, work func(*access.Access) error) error {
	return withDatabase(ctx, func(pool *pgxpool.Pool) error {
		a, err := access.New(access.Config{Pool: pool})
		if err != nil {
			return err
		}
		return work(a)
	})
}

// maxActor is the most characters that the audit has for who made a change.
const maxActor = 50

// host is the caller of a command that works on the database itself: the user of this machine.
func host() command.Caller {
	name := "unknown"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	actor := []rune("host:" + name)
	return command.Caller{Actor: string(actor[:min(len(actor), maxActor)])}
}
