package settings

import (
	"errors"
	"fmt"
	"strings"

	"bestow/internal/seal"
)

// leastKey is the least length of an API key that production takes, in characters: a shorter one can be guessed.
const leastKey = 24

// checkAdminKey refuses a key that no request can carry, and in production one that can be guessed.
func (c Config) checkAdminKey() error {
	unprintable := func(r rune) bool { return r <= ' ' || r > '~' }
	switch {
	case c.AdminKey == "":
		return nil
	case strings.ContainsFunc(c.AdminKey, unprintable):
		return errors.New("BESTOW_ADMIN_KEY has blanks or characters beside ASCII, which no request can carry: " +
			"`openssl rand -hex 24` makes a good key")
	case c.Env == "production" && c.WeakAdminKey():
		return fmt.Errorf("BESTOW_ADMIN_KEY has fewer than %d characters, which production refuses: "+
			"`openssl rand -hex 24` makes a good key", leastKey)
	}
	return nil
}

// WeakAdminKey reports whether the key can be guessed.
func (c Config) WeakAdminKey() bool { return c.AdminKey != "" && len(c.AdminKey) < leastKey }

// NewAdminKey returns a key that cannot be guessed.
func NewAdminKey() string { return "demo-" + strings.TrimRight(seal.GenerateMaster(), "=")[:24] }
