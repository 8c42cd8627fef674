package people

import (
	"crypto/subtle"
	"encoding/base32"
	"fmt"
	"net/url"
	"strings"
	"time"

	"bestow/internal/seal"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
)

// stepTime is how long a code counts (RFC 6238).
const stepTime = 30

// drift is how many steps a phone's clock may be off, either way.
const drift = 1

// secretSize is the number of bytes of the secret that codes are made of.
const secretSize = 20

// secretOf returns the secret that the person's phone holds, as it is typed.
func secretOf(key *seal.Key) string {
	return base32.StdEncoding.EncodeToString(key.HMAC([]byte("bestow totp"))[:secretSize])
}

// otpauth returns the address of the secret that phones read.
func otpauth(name, secret string) string {
	query := url.Values{"secret": {secret}, "issuer": {"bestow"}}
	return "otpauth://totp/" + url.PathEscape("bestow:"+name) + "?" + query.Encode()
}

// stepOf returns the step of the moment at which the code counts, 0 for a wrong code.
func stepOf(key *seal.Key, code string, now time.Time) (step int64, err error) {
	code = strings.ReplaceAll(code, " ", "")
	for s := now.Unix()/stepTime - drift; s <= now.Unix()/stepTime+drift; s++ {
		want, err := hotp.GenerateCodeCustom(secretOf(key), uint64(s), hotp.ValidateOpts{
			Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1,
		})
		if err != nil {
			return 0, fmt.Errorf("make code: %w", err)
		}
		if subtle.ConstantTimeCompare([]byte(code), []byte(want)) == 1 {
			step = s
		}
	}
	return step, nil
}
