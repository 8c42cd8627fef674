package machine

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"

	"bestow/app/parked"
	"bestow/http/console/page"
	"bestow/http/web"
)

const (
	// mostShown is the most bytes of a message that its page shows.
	mostShown = 16 << 10
	// mostLevels is the most levels of JSON that are indented: a line of each level begins with as many spaces, so what
	// is indented has at most 2 * mostLevels bytes for each byte of the message.
	mostLevels = 20
)

// contentView is what the page of a parked message shows.
type contentView struct {
	page.View
	parked.Content

	Hex bool // its bytes are shown as numbers: they are no text, or a person asked for that
}

// content answers with a parked message and its bytes. They may name members, so they are shown to those who may see
// whole ids.
func (h *Handlers) content(w http.ResponseWriter, r *http.Request) error {
	id, err := messageID(r)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), web.RequestTimeout)
	defer cancel()
	base, err := h.Read(r, "parked")
	if err != nil {
		return err
	}
	v := contentView{View: base}
	if v.Content, err = h.App.Parked.Get(ctx, id, mostShown); err != nil {
		return err
	}
	v.Title = v.T("nav.parked") + " " + position(v.Message)
	v.Hex = r.URL.Query().Get("as") == "hex" || !isText(v.Bytes)
	return page.Show(w, r, http.StatusOK, contentPage(v))
}

// Path returns the path of the page.
func (v contentView) Path() string { return parkedPath + "/" + page.Number(v.Message.ID) }

// Shown writes the bytes: as numbers beside their letters, or as text, JSON of a few levels a field a line.
func (v contentView) Shown() string {
	if v.Hex {
		return hex.Dump(v.Bytes)
	}
	var text bytes.Buffer
	if levels(v.Bytes) <= mostLevels && json.Indent(&text, v.Bytes, "", "  ") == nil {
		return text.String()
	}
	return string(v.Bytes)
}

// levels returns how deep the objects and lists of a JSON text stand in each other, as far as it is JSON.
func levels(text []byte) (most int) {
	tokens, depth := json.NewDecoder(bytes.NewReader(text)), 0
	tokens.UseNumber() // one that no float64 holds is JSON all the same
	for {
		switch token, err := tokens.Token(); {
		case err != nil:
			return most
		case token == json.Delim('['), token == json.Delim('{'):
			depth++
			most = max(most, depth)
		case token == json.Delim(']'), token == json.Delim('}'):
			depth--
		}
	}
}

// isText reports whether a person can read the bytes. The last character may be cut off.
func isText(b []byte) bool {
	for range utf8.UTFMax - 1 {
		if len(b) > 0 && !utf8.Valid(b) {
			b = b[:len(b)-1]
		}
	}
	return utf8.Valid(b) && !strings.ContainsFunc(string(b), func(r rune) bool {
		return unicode.IsControl(r) && !strings.ContainsRune("\t\r\n", r)
	})
}
