package terminal

// None is the value of a flag that clears.
const None = "none"

// Set notes the value of a flag in a patch, if the flag was given.
func Set[T any](patch map[string]any, name string, value *T) {
	if value != nil {
		patch[name] = *value
	}
}
