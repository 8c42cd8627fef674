package web

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"bestow/domain"
	"bestow/http/api"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Body is a JSON body of type T, decoded strictly: one object in UTF-8, no name twice, no unknown name or one in
// another letter case, and nothing after it. A value that does not fit its field is kept, so that it is reported
// together with the faults that the use case finds.
type Body[T any] struct {
	value  T
	raw    []byte
	given  map[string]bool // the names that stand in the body, null or not
	unread []domain.Field
	err    error
}

// Schema documents T.
func (*Body[T]) Schema(r huma.Registry) *huma.Schema {
	return r.Schema(reflect.TypeFor[T](), true, reflect.TypeFor[T]().Name())
}

// Read returns the value and the fields that could not be decoded, or an error if the body is malformed.
func (b *Body[T]) Read() (value T, unread []domain.Field, err error) { return b.value, b.unread, b.err }

// Whole is like Read, and refuses fields that could not be decoded.
func (b *Body[T]) Whole() (value T, err error) {
	if b.err != nil {
		return value, b.err
	}
	if b.unread != nil {
		return value, domain.InvalidError("the request has fields that cannot be", "correct what is named", b.unread...)
	}
	return b.value, nil
}

// Patch is like Read for a merge patch: Has tells of each field of the value whether the body speaks of it.
func (b *Body[T]) Patch() (value *T, unread []domain.Field, err error) {
	return &b.value, b.unread, b.err
}

// Has reports whether a field stands in the body, null or not. It is named by its address in the value that Patch
// returned.
func (b *Body[T]) Has(field any) bool {
	for name, known := range fieldsOf(reflect.ValueOf(&b.value).Elem()) {
		if known.Addr().Interface() == field {
			return b.given[name]
		}
	}
	return false
}

// Cleared returns a fault for each of the fields that is null in the body, for a merge patch in which it cannot be
// cleared. A field is a pointer, and is named as in Has.
func (b *Body[T]) Cleared(fields ...any) (faults []domain.Field) {
	for name, known := range fieldsOf(reflect.ValueOf(&b.value).Elem()) {
		read := !slices.ContainsFunc(b.unread, func(f domain.Field) bool { return f.Name == name })
		if b.given[name] && read && slices.Contains(fields, known.Addr().Interface()) && known.IsNil() {
			faults = append(faults, domain.Field{Name: name, Message: "cannot be null: without it, it stays as it is"})
		}
	}
	return faults
}

func (b *Body[T]) decode(data []byte) {
	b.raw = slices.Clone(data)
	var members map[string]jsontext.Value
	if err := json.Unmarshal(data, &members); err != nil || members == nil {
		b.err = malformed(err)
		return
	}
	fields := fieldsOf(reflect.ValueOf(&b.value).Elem())
	var unknown []domain.Field
	b.given = map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		b.given[name] = true
		field, known := fields[name]
		if !known {
			unknown = append(unknown, domain.Field{Name: name, Message: "is no field of this route"})
			continue
		}
		err := json.Unmarshal(members[name], field.Addr().Interface())
		if err != nil || field.Kind() == reflect.Bool && members[name].Kind() == 'n' { // null is neither true nor false
			b.unread = append(b.unread, domain.Field{Name: name, Message: wanted(field.Type())})
		}
	}
	if unknown != nil {
		b.err = api.MalformedError("the body has unknown fields",
			"leave out what is named; names are exact", unknown...)
	}
}

// Canonical returns the body with sorted members and without spaces: bodies with the same meaning have the same bytes.
func (b *Body[T]) Canonical() []byte {
	v := jsontext.Value(slices.Clone(b.raw))
	// Numbers stay as they are written: as canonical float64, two different int64 could become equal.
	if err := v.Canonicalize(jsontext.CanonicalizeRawInts(false), jsontext.CanonicalizeRawFloats(false)); err != nil {
		return b.raw
	}
	return v
}

// fieldsOf finds the fields of a struct, and of those embedded in it, by their JSON names.
func fieldsOf(v reflect.Value) map[string]reflect.Value {
	fields := map[string]reflect.Value{}
	for i := range v.NumField() {
		if v.Type().Field(i).Anonymous {
			maps.Copy(fields, fieldsOf(v.Field(i)))
			continue
		}
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		fields[name] = v.Field(i)
	}
	return fields
}

// wanted describes the values of a field of type t.
func wanted(t reflect.Type) string {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t == reflect.TypeFor[time.Time]():
		return "must be a time with its zone, as in 2026-12-31T23:59:59+09:00"
	case t.Kind() == reflect.String:
		return "must be text"
	case t.Kind() == reflect.Bool:
		return "must be true or false"
	case reflect.Int <= t.Kind() && t.Kind() <= reflect.Float64:
		return fmt.Sprintf("must be a whole number in plain digits, within %d bits", t.Bits())
	}
	return "has another form than the documentation of the route says"
}

// malformed returns the error that says where a body is not JSON; err is nil for the body null.
func malformed(err error) error {
	e := api.MalformedError("the body is not a JSON object", "send one JSON object, in UTF-8, with each name once")
	if s, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		e.Message = fmt.Sprintf("the body is not one JSON object: see byte %d", s.ByteOffset)
		if errors.Is(err, jsontext.ErrDuplicateName) {
			e.Message = fmt.Sprintf("the body has a name twice: see byte %d", s.ByteOffset)
		}
	}
	return e
}
