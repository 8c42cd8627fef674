package web

import (
	"context"
	"crypto/sha256"
	"io"
	"strings"

	"bestow/app/command"
	"bestow/domain"

	"github.com/danielgtaylor/huma/v2"
	"golang.org/x/text/unicode/norm"
)

// maxKey bounds the characters of an Idempotency-Key.
const maxKey = 200

// Idempotent holds what every POST has beside its body: the Idempotency-Key and the request line.
type Idempotent struct {
	Key string `header:"Idempotency-Key" doc:"1 to 200 printable ASCII characters. A request that is repeated with it changes nothing twice and gets the first answer; a stop or a brake is done again, and a start, resume or release tells what is so now"`

	Reason string `header:"X-Reason" doc:"why, for the audit: up to 500 characters of UTF-8"`

	what string // method, path and query
}

// Resolve keeps the request line for the fingerprint. It refuses a key or a reason that cannot be stored, and two
// different keys.
func (i *Idempotent) Resolve(ctx huma.Context) []error {
	u := ctx.URL()
	i.what = ctx.Method() + "\n" + u.Path + "\n" + u.Query().Encode()
	given, several := false, false
	ctx.EachHeader(func(name, value string) {
		if strings.EqualFold(name, "Idempotency-Key") {
			given, several = true, several || value != i.Key
		}
	})
	if refused := readReason(&i.Reason); refused != nil {
		return refused
	}
	switch {
	case given && !usableKey(i.Key):
		return []error{&huma.ErrorDetail{
			Location: "header.Idempotency-Key",
			Message:  "must be 1 to 200 printable ASCII characters",
		}}
	case several:
		return []error{&huma.ErrorDetail{
			Location: "header.Idempotency-Key",
			Message:  "stands in the request more than once, with different values",
		}}
	}
	return nil
}

// Because holds why a request is made that takes no Idempotency-Key.
type Because struct {
	Reason string `header:"X-Reason" doc:"why, for the audit: up to 500 characters of UTF-8"`
}

// Resolve refuses a reason that cannot be stored.
func (b *Because) Resolve(huma.Context) []error { return readReason(&b.Reason) }

// Caller returns the caller.
func (b *Because) Caller(ctx context.Context) command.Caller {
	by := CallerOf(ctx)
	by.Reason = b.Reason
	return by
}

// readReason brings the X-Reason of a request to its stored form, or refuses what cannot be stored.
func readReason(reason *string) []error {
	*reason = norm.NFC.String(strings.TrimSpace(*reason))
	if why := domain.CheckText(*reason, domain.MaxReason); *reason != "" && why != "" {
		return []error{&huma.ErrorDetail{Location: "header.X-Reason", Message: why}}
	}
	return nil
}

func usableKey(key string) bool {
	unprintable := func(r rune) bool { return r < ' ' || r > '~' }
	return key != "" && len(key) <= maxKey && !strings.ContainsFunc(key, unprintable)
}

// Caller returns the caller, with a fingerprint of the request: method, path, query and body.
func (i *Idempotent) Caller(ctx context.Context, canonicalBody []byte) command.Caller {
	by := CallerOf(ctx)
	by.Reason = i.Reason
	if i.Key == "" {
		return by
	}
	h := sha256.New()
	_, _ = io.WriteString(h, i.what+"\n") // a hash returns no error
	_, _ = h.Write(canonicalBody)
	by.Once = &command.Once{Key: i.Key, Fingerprint: h.Sum(nil)}
	return by
}

// Replayed returns the Idempotency-Replayed header of an answer that is replayed, or is not: "" for a fresh one.
func Replayed(replayed bool) string {
	if replayed {
		return "true"
	}
	return ""
}
