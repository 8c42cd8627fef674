package seal

// Rewrap wraps by to a data key that from has wrapped for the purpose aad. One that to has wrapped already is wrapped
// by it again, so that a change of the master key that ended in its middle can be done again. from may be nil: then to
// must have wrapped it. Error: ErrOpen.
func Rewrap(wrapped, aad []byte, from, to *Master) ([]byte, error) {
	key, err := to.Unwrap(wrapped, aad)
	if err != nil && from != nil {
		key, err = from.Unwrap(wrapped, aad)
	}
	if err != nil {
		return nil, err
	}
	return to.Wrap(key, aad), nil
}
