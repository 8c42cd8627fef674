package console

import (
	"crypto/rand"
	"crypto/sha256"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"bestow/app/command"
	"bestow/domain"
	"bestow/http/api"
	"bestow/http/web"
)

// maxForm bounds the bytes of a form.
const maxForm = 64 << 10

// readForm reads the form of a request.
func readForm(w http.ResponseWriter, r *http.Request) error {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		return api.MalformedError("the form is not whole", "open the page again")
	}
	return nil
}

// onceField is the hidden field of a form that makes a repeated form one act.
const onceField = "once"

// once returns the value of a new form's onceField.
func once() string { return rand.Text() }

// caller returns who sent the form, with the form's own idempotency key.
func caller(r *http.Request) command.Caller {
	by := web.CallerOf(r.Context())
	key := r.PostForm.Get(onceField)
	if key == "" || len(key) > len(once()) {
		return by
	}
	h := sha256.New()
	_, _ = io.WriteString(h, r.Method+"\n"+r.URL.Path+"\n"+r.PostForm.Encode()) // a hash returns no error
	by.Once = &command.Once{Key: "console-" + url.QueryEscape(key), Fingerprint: h.Sum(nil)}
	return by
}

// typed checks that a person has typed the number that the form shows, with or without commas and blanks. Error:
// domain.Invalid.
func typed(r *http.Request, want int64) error {
	text := strings.NewReplacer(",", "", " ", "").Replace(r.PostForm.Get("typed"))
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && n == want {
		return nil
	}
	return domain.InvalidError("the typed number is not the one that is shown", "", domain.Field{
		Name: "typed", Message: "type the number " + strconv.FormatInt(want, 10),
	})
}

// doneMessages are what a form may say that it has done, by what stands in the query.
var doneMessages = map[string]string{
	"started": "done.started", "stopped": "done.stopped", "draining": "done.draining", "resumed": "done.resumed",
	"retried": "done.retried", "braked": "done.braked", "released": "done.released", "confirmed": "done.confirmed",
}

// done returns the key of the message; "" for what no form has done.
func done(what string) string { return doneMessages[what] }
