package page

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
	"bestow/http/console/words"
	"bestow/http/web"
)

// maxForm bounds the bytes of a form.
const maxForm = 64 << 10

// ReadForm reads the form of a request.
func ReadForm(w http.ResponseWriter, r *http.Request) error {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		return api.MalformedError("the form is not whole", "open the page again")
	}
	return nil
}

// onceField is the hidden field of a form that makes a repeated form one act.
const onceField = "once"

// Once returns the value of a new form's onceField.
func Once() string { return rand.Text() }

// Caller returns who sent the form, with the form's own idempotency key.
func Caller(r *http.Request) command.Caller {
	by := web.CallerOf(r.Context())
	key := r.PostForm.Get(onceField)
	if key == "" || len(key) > len(Once()) {
		return by
	}
	h := sha256.New()
	_, _ = io.WriteString(h, r.Method+"\n"+r.URL.Path+"\n"+r.PostForm.Encode()) // a hash returns no error
	by.Once = &command.Once{Key: "console-" + url.QueryEscape(key), Fingerprint: h.Sum(nil)}
	return by
}

// Digits returns a whole number as a person types it without what makes it easy to read: commas, blanks, and the minus
// that pages show.
func Digits(typed string) string {
	return strings.NewReplacer(",", "", " ", "", words.Minus, "-").Replace(typed)
}

// Whole returns the number of a field, which may have commas and blanks; nil for none. One that is no number, or over
// most, is a fault of f.
func Whole(f *domain.Faults, r *http.Request, name string, most int64) *int64 {
	return WholeOf(f, name, r.PostForm.Get(name), most)
}

// WholeOf is Whole of what was typed.
func WholeOf[N int | int64](f *domain.Faults, name, typed string, most N) *N {
	text := Digits(typed)
	if text == "" {
		return nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n > int64(most) || int64(N(n)) != n {
		f.Add(name, "must be a whole number of at most "+strconv.FormatInt(int64(most), 10))
		return nil
	}
	return new(N(n))
}

// Kept returns what stands in the fields of a form, so that one that was refused can be shown again.
func Kept(r *http.Request, fields ...string) map[string]string {
	kept := make(map[string]string, len(fields))
	for _, field := range fields {
		kept[field] = r.PostForm.Get(field)
	}
	return kept
}

// Typed checks that a person has typed the number that the form shows, with or without commas and blanks. Error:
// domain.Invalid.
func Typed(r *http.Request, want int64) error {
	if n, err := strconv.ParseInt(Digits(r.PostForm.Get("typed")), 10, 64); err == nil && n == want {
		return nil
	}
	return domain.InvalidError("the typed number is not the one that is shown", "", domain.Field{
		Name: "typed", Message: "type the number " + strconv.FormatInt(want, 10),
	})
}
