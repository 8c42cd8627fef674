package access

import (
	"context"

	"bestow/app/access"
	"bestow/domain"
	"bestow/http/api"
	"bestow/http/web"

	"github.com/danielgtaylor/huma/v2"
)

// DescribeCreateKey describes the route of CreateKey.
func (*Handlers) DescribeCreateKey(o *huma.Operation) {
	o.Description = "The key stands in this answer, and nowhere else. A request that is repeated with its " +
		"Idempotency-Key makes no second key, and does not show the first one again (409 `key_shown`)."
}

// CreateKeyIn is a request to make a key.
type CreateKeyIn struct {
	web.Idempotent

	Body web.Body[api.NewKey]
}

// CreateKeyOut is an answer with a new key.
type CreateKeyOut struct {
	CacheControl string `header:"Cache-Control"`
	Body         api.MadeKey
}

// CreateKey makes a key, and answers with it.
func (h *Handlers) CreateKey(ctx context.Context, in *CreateKeyIn) (*CreateKeyOut, error) {
	wire, unread, err := in.Body.Read()
	if err != nil {
		return nil, err
	}
	made, err := h.access.Create(ctx, in.Caller(ctx, in.Body.Canonical()), access.NewKey{
		Name: wire.Name, Role: domain.Role(wire.Role), ExpiresAt: wire.ExpiresAt, Unread: unread,
	})
	if err != nil {
		return nil, err
	}
	return &CreateKeyOut{
		CacheControl: "no-store",
		Body:         api.MadeKey{Key: wireKey(made.Key), Secret: made.Secret},
	}, nil
}

// KeysOut is an answer with all keys.
type KeysOut struct{ Body api.Keys }

// ListKeys answers with all keys, the newest first.
func (h *Handlers) ListKeys(ctx context.Context, _ *struct{}) (*KeysOut, error) {
	keys, err := h.access.List(ctx)
	if err != nil {
		return nil, err
	}
	out := &KeysOut{Body: api.Keys{Items: make([]api.Key, len(keys))}}
	for i, k := range keys {
		out.Body.Items[i] = wireKey(k)
	}
	return out, nil
}

// RevokeKeyIn is a request to revoke a key.
type RevokeKeyIn struct {
	web.Idempotent

	ID int64 `path:"id" minimum:"1"`
}

// RevokeKey revokes a key.
func (h *Handlers) RevokeKey(ctx context.Context, in *RevokeKeyIn) (*web.Nothing, error) {
	return nil, h.access.Revoke(ctx, in.Caller(ctx, nil), in.ID)
}

func wireKey(k access.Key) api.Key {
	return api.Key{
		ID: k.ID, Name: k.Name, Role: string(k.Role), Prefix: k.Prefix, CreatedBy: k.CreatedBy,
		CreatedAt: k.CreatedAt.UTC(), ExpiresAt: k.ExpiresAt.UTC(), LastUsedAt: api.UTC(k.LastUsedAt),
		RevokedAt: api.UTC(k.RevokedAt), RevokedBy: k.RevokedBy,
	}
}
