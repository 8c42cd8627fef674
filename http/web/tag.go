package web

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"bestow/http/api"

	"github.com/go-json-experiment/json"
)

// Tag returns the ETag of a state of something: a hash of what is given of it.
func Tag(state any) string {
	text, _ := json.Marshal(state) // cannot fail: Go can write all that a body has
	sum := sha256.Sum256(text)
	return `"` + hex.EncodeToString(sum[:8]) + `"`
}

// Match returns an error if the If-Match header does not name the ETag. "" and * match any; what is changed says for
// people which thing it is.
func Match(header, tag, what string) error {
	tags := strings.Split(header, ",")
	for i := range tags {
		tags[i] = strings.TrimSpace(tags[i])
	}
	if header == "" || slices.Contains(tags, "*") || slices.Contains(tags, tag) {
		return nil
	}
	if slices.Contains(tags, "W/"+tag) {
		return api.PreconditionFailedError("If-Match is a weak ETag, which names no state (RFC 9110, 13.1.1)",
			"send it without W/, which a proxy may have put before it")
	}
	return api.PreconditionFailedError("somebody has changed "+what+" since it was read",
		"read it again, and decide anew")
}
