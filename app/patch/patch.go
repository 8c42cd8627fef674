// Package patch says what a merge patch does with a field.
package patch

// Change says what a patch does with a field of type T. The zero value leaves the field as it is.
type Change[T any] struct {
	Given bool // the patch speaks of the field
	To    T    // the new value; the zero value clears the field
}

// SetTo returns the change of a field to v.
func SetTo[T any](v T) Change[T] { return Change[T]{Given: true, To: v} }

// Apply makes the change to the field.
func (c Change[T]) Apply(field *T) {
	if c.Given {
		*field = c.To
	}
}
