package web

import (
	"net/url"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// MemberPath is the member at the end of a path.
type MemberPath struct {
	Member string `path:"member_id" maxLength:"300" doc:"percent-encoded, / included; as a list may spell it"`
}

// Resolve reads the member from the path as it was sent: the router gives some ids decoded, and those with a / encoded.
// It refuses what no list can hold.
func (m *MemberPath) Resolve(ctx huma.Context) []error {
	sent := ctx.URL()
	path := sent.EscapedPath()
	member, err := url.PathUnescape(path[strings.LastIndexByte(path, '/')+1:])
	if err == nil {
		err = CheckText("member_id", member)
	}
	if err != nil {
		return []error{&huma.ErrorDetail{Location: "path.member_id", Message: "is no text"}}
	}
	m.Member = member
	return nil
}
