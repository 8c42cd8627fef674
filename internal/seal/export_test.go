package seal

// KeyFrom makes a data key of known bytes, so that a test can look for them.
func KeyFrom(raw []byte) (*Key, error) { return newKey(raw) }
