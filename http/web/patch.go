package web

import (
	"bestow/app/patch"

	"github.com/danielgtaylor/huma/v2"
)

// mergePatch is the type of RFC 7396. A body of plain JSON is read in the same way.
const mergePatch = "application/merge-patch+json"

// MergePatchOf returns the request body of a merge patch of type T, which has the name.
func MergePatchOf[T any](a *API, name string) *huma.RequestBody {
	media := &huma.MediaType{Schema: Schema[T](a, name)}
	return &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{mergePatch: media}}
}

// Changed returns what the body changes a field of its value to; null clears it.
func Changed[B, T any](body *Body[B], field *T) patch.Change[T] {
	if !body.Has(field) {
		return patch.Change[T]{}
	}
	return patch.SetTo(*field)
}

// ChangedText is Changed for a text, which "" clears.
func ChangedText[B any](body *Body[B], field **string) patch.Change[string] {
	switch c := Changed(body, field); {
	case !c.Given:
		return patch.Change[string]{}
	case c.To == nil:
		return patch.SetTo("")
	default:
		return patch.SetTo(*c.To)
	}
}
