package access

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"time"

	"bestow/app/command"
	"bestow/app/known"
	"bestow/domain"
	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
	"golang.org/x/text/unicode/norm"
)

// The bounds of a key's validity.
const (
	DefaultValidity = 365 * 24 * time.Hour
	maxValidity     = 5 * 365 * 24 * time.Hour
)

// Key is a key as it is kept: not the key itself.
type Key struct {
	ID         int64
	Name       string // of its principal
	Role       domain.Role
	Prefix     string // how the key begins, by which people tell keys apart
	CreatedBy  string
	CreatedAt  time.Time
	ExpiresAt  time.Time
	LastUsedAt *time.Time // to the minute
	RevokedAt  *time.Time
	RevokedBy  *string
}

// NewKey holds what is said of a key to be made.
type NewKey struct {
	Name      string      // of a principal; a new one is made as a service
	Role      domain.Role // of the principal
	ExpiresAt *time.Time  // nil: after DefaultValidity
	Unread    []domain.Field
}

// MadeKey is a new key and its text, which is shown this once.
type MadeKey struct {
	Key
	Secret string
}

// Create makes a key of the principal with the name, who is made if there is none. A second key of a principal replaces
// the first without a pause: the first is revoked when nothing uses it any more. Errors: domain.Invalid with every
// offending field, NameTaken for a principal with another role and for a person, KeyShown for a repeated idempotency
// key, and those of a key.
func (s *Access) Create(ctx context.Context, by command.Caller, n NewKey) (MadeKey, error) {
	n.Name = norm.NFC.String(strings.TrimSpace(n.Name))
	secret := newSecret()
	made, err := command.Run(ctx, s.pool, by, command.Command[Key]{
		Do: func(tx pgx.Tx) (Key, error) { return create(ctx, tx, by, n, secret) },
	})
	if err != nil {
		return MadeKey{}, err
	}
	if made.Replayed {
		return MadeKey{}, domain.KeyShownError(made.Value.ID)
	}
	return MadeKey{made.Value, secret.text}, nil
}

func create(ctx context.Context, tx pgx.Tx, by command.Caller, n NewKey, secret secret) (Key, error) {
	now, err := pg.Now(ctx, tx)
	if err != nil {
		return Key{}, err
	}
	if err := n.check(now); err != nil {
		return Key{}, err
	}
	expires := now.Add(DefaultValidity)
	if n.ExpiresAt != nil {
		expires = *n.ExpiresAt
	}
	principal, err := principalFor(ctx, tx, by.Actor, n)
	if err != nil {
		return Key{}, err
	}
	id, err := insertKey(ctx, tx, principal, secret, by.Actor, expires)
	if err != nil {
		return Key{}, err
	}
	k, err := selectKey(ctx, tx, id)
	if err != nil {
		return Key{}, err
	}
	return k, command.Record(ctx, tx, by, command.Change{
		Action: "key.create", Object: object(k), After: k.facts(),
	})
}

// check returns domain.Invalid with every field that cannot be.
func (n NewKey) check(now time.Time) error {
	f := domain.Faults(slices.Clone(n.Unread))
	f.Add("name", domain.CheckPrincipal(n.Name))
	f.Add("role", n.Role.Check())
	if n.ExpiresAt != nil {
		switch {
		case !n.ExpiresAt.After(now):
			f.Add("expires_at", "must be in the future")
		case n.ExpiresAt.After(now.Add(maxValidity)):
			f.Add("expires_at", "must be within five years")
		}
	}
	return f.Refusal("the key cannot be made like this")
}

// principalFor returns the id of the service with n's name, and makes one where there is none. A person has no key: it
// would let an admin act in the person's name.
func principalFor(ctx context.Context, tx pgx.Tx, actor string, n NewKey) (id int64, err error) {
	if err := insertService(ctx, tx, actor, n.Name, n.Role); err != nil {
		return 0, err
	}
	p, err := selectPrincipal(ctx, tx, n.Name)
	switch {
	case err != nil:
		return 0, err
	case p.isPerson:
		return 0, domain.NameTakenError("the principal "+n.Name+" is a person, who signs in and has no key",
			"make the key under the name of a service, such as "+n.Name+"-script")
	case p.isDisabled:
		return 0, domain.NameTakenError("the principal "+n.Name+" is disabled", "take another name")
	case p.role != n.Role:
		return 0, domain.NameTakenError(fmt.Sprintf("the principal %s has the role %s", n.Name, p.role),
			"ask for a key of that role, or take another name")
	}
	return p.id, nil
}

// List returns all keys, newest first.
func (s *Access) List(ctx context.Context) ([]Key, error) {
	return pg.Value(ctx, s.pool, func(tx pgx.Tx) ([]Key, error) { return selectKeys(ctx, tx) })
}

// Revoke ends a key. Within [known.For], no process takes it any more. A key that is revoked stays so. Error:
// domain.NotFound.
func (s *Access) Revoke(ctx context.Context, by command.Caller, id int64) error {
	_, err := command.Run(ctx, s.pool, by, command.Command[struct{}]{
		Do: func(tx pgx.Tx) (struct{}, error) { return struct{}{}, revoke(ctx, tx, by, id) },
	})
	if err == nil {
		s.known.Forget(func(_ known.Sum, p domain.Principal) bool { return p.KeyID == id })
	}
	return err
}

func revoke(ctx context.Context, tx pgx.Tx, by command.Caller, id int64) error {
	before, err := lockKey(ctx, tx, id)
	if err != nil || before.RevokedAt != nil {
		return err
	}
	if err := updateRevoked(ctx, tx, id, by.Actor); err != nil {
		return err
	}
	after, err := selectKey(ctx, tx, id)
	if err != nil {
		return err
	}
	return command.Record(ctx, tx, by, command.Change{
		Action: "key.revoke", Object: object(after), Before: before.facts(), After: after.facts(),
	})
}

func object(k Key) string { return fmt.Sprintf("key %d of %s", k.ID, k.Name) }

// facts returns what the audit shows of a key.
func (k Key) facts() map[string]any {
	facts := map[string]any{
		"id": k.ID, "name": k.Name, "role": k.Role, "prefix": k.Prefix, "expires_at": k.ExpiresAt.UTC(),
	}
	if k.RevokedAt != nil {
		facts["revoked_at"] = k.RevokedAt.UTC()
	}
	return facts
}

// secret is a key's text, which is never kept.
type secret struct{ text, prefix string }

// keyMark begins every key, so that one that was published by mistake is recognised.
const keyMark = "bestow_"

// newSecret returns a random key with 130 bits behind its prefix.
func newSecret() secret {
	prefix := keyMark + strings.ToLower(rand.Text()[:8])
	return secret{text: prefix + "_" + rand.Text(), prefix: prefix}
}

// prefixOf returns the prefix of what may be a key.
func prefixOf(text string) (prefix string, ok bool) {
	end := len(keyMark) + 8
	if len(text) <= end || !strings.HasPrefix(text, keyMark) || text[end] != '_' {
		return "", false
	}
	return text[:end], true
}

func hashOf(text string) [sha256.Size]byte { return sha256.Sum256([]byte(text)) }
