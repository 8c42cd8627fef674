package people

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"
)

const (
	saltSize = 16
	hashSize = 32
)

// cost holds the parameters of a hash.
type cost struct {
	memory, passes uint32 // in KiB
	lanes          uint8
}

// usual takes about 100 ms and 64 MiB, which is more than OWASP asks for.
var usual = cost{memory: 64 << 10, passes: 2, lanes: 1}

// String returns how the hashes begin that were made at this cost.
func (c cost) String() string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$", argon2.Version, c.memory, c.passes, c.lanes)
}

// decoy returns a hash of this cost that no password has.
func (c cost) decoy() string {
	encode := base64.RawStdEncoding.EncodeToString
	return c.String() + encode(make([]byte, saltSize)) + "$" + encode(make([]byte, hashSize))
}

// The bounds of a password, in characters.
const (
	minPassword = 12
	maxPassword = 200
)

// hash returns what is kept of a password, which somebody chooses who has a link. Errors: domain.WaitError; that of
// ctx.
func (s *People) hash(ctx context.Context, password string) (string, error) {
	salt := make([]byte, saltSize)
	_, _ = rand.Read(salt) // never fails: it would end the process
	sum, err := s.argon2id(ctx, password, salt, s.cost, true)
	if err != nil {
		return "", err
	}
	encode := base64.RawStdEncoding.EncodeToString
	return s.cost.String() + encode(salt) + "$" + encode(sum), nil
}

// matches reports whether kept is the hash of the password, which somebody sends who is known here or not. Errors:
// domain.WaitError; that of ctx, or of a hash that cannot be read.
func (s *People) matches(ctx context.Context, password, kept string, known bool) (bool, error) {
	var version uint32
	var c cost
	head, rest := kept, ""
	if parts := strings.SplitN(kept, "$", 5); len(parts) == 5 {
		head, rest = strings.Join(parts[:4], "$"), parts[4]
	}
	_, err := fmt.Sscanf(head, "$argon2id$v=%d$m=%d,t=%d,p=%d", &version, &c.memory, &c.passes, &c.lanes)
	salt64, sum64, _ := strings.Cut(rest, "$")
	salt, err1 := base64.RawStdEncoding.DecodeString(salt64)
	want, err2 := base64.RawStdEncoding.DecodeString(sum64)
	if err := errors.Join(err, err1, err2); err != nil || version != argon2.Version || len(want) != hashSize ||
		c.memory > 4*usual.memory || c.passes < 1 || c.passes > 4*usual.passes || c.lanes < 1 {
		return false, errors.New("read hash of password: it is none of ours")
	}
	sum, err := s.argon2id(ctx, password, salt, c, known)
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(sum, want) == 1, nil
}

func (s *People) argon2id(ctx context.Context, password string, salt []byte, c cost, known bool) ([]byte, error) {
	leave, err := s.hashing.of(known).wait(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	return argon2.IDKey([]byte(norm.NFC.String(password)), salt, c.passes, c.memory, c.lanes, hashSize), nil
}

// common are the words of which the commonest passwords are made.
var common = []string{
	"password", "passwort", "passw0rd", "p@ssword", "p@ssw0rd", "qwertyuiop", "qwerty", "asdfghjkl", "asdfgh", "zxcvbnm",
	"1q2w3e4r", "1qaz2wsx", "abcdefghijkl", "abcdef", "iloveyou", "welcome", "letmein", "administrator", "admin", "monkey",
	"dragon", "sunshine", "princess", "football", "baseball", "superman", "trustno1", "master", "secret", "changeme",
	"bestow", "비밀번호", "사랑해",
}

// weak says why the password of the person with the name may not be used, "" if it may.
func weak(password, name string) string {
	password = norm.NFC.String(password)
	switch n := utf8.RuneCountInString(password); {
	case n < minPassword:
		return fmt.Sprintf("must have %d characters or more", minPassword)
	case n > maxPassword:
		return fmt.Sprintf("must have %d characters at most", maxPassword)
	}
	rest := strings.ToLower(password)
	for _, word := range append([]string{strings.ToLower(name)}, common...) {
		if utf8.RuneCountInString(word) > 2 {
			rest = strings.ReplaceAll(rest, word, "")
		}
	}
	different := map[rune]bool{}
	for _, r := range rest {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			different[r] = true
		}
	}
	letters := strings.ContainsFunc(rest, unicode.IsLetter)
	if len(different) < 5 || !letters {
		return "is one of the first that a stranger tries: take several words that do not belong together"
	}
	return ""
}
