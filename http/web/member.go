package web

import (
	"net/url"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// MemberPath is the member in a path, after /members/.
type MemberPath struct {
	Member string `path:"member_id" maxLength:"300" doc:"percent-encoded, / included; as a list may spell it"`
}

// Resolve reads the member from the path as it was sent. It refuses what no list can hold.
func (m *MemberPath) Resolve(ctx huma.Context) []error {
	sent := ctx.URL()
	member, err := MemberIn(&sent)
	if err != nil {
		return []error{&huma.ErrorDetail{Location: "path.member_id", Message: "is no text"}}
	}
	m.Member = member
	return nil
}

// MemberIn returns the member that stands after /members/ in a path as it was sent: the router gives some ids decoded,
// and those with a / encoded. It returns an error for what no list can hold.
func MemberIn(sent *url.URL) (string, error) {
	_, after, _ := strings.Cut(sent.EscapedPath(), "/members/")
	escaped, _, _ := strings.Cut(after, "/")
	member, err := url.PathUnescape(escaped)
	if err == nil {
		err = CheckText("member_id", member)
	}
	return member, err
}
