package vouchers

import (
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"io"
)

// mint makes codes and PINs.
type mint struct {
	random   io.Reader
	encoding *base32.Encoding
}

// crockford is base 32 without the letters that people take for digits or for each other.
const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

func newMint(random io.Reader) mint {
	return mint{random, base32.NewEncoding(crockford).WithPadding(base32.NoPadding)}
}

// code returns 80 random bits as XXXX-XXXX-XXXX-XXXX.
func (m mint) code() (string, error) {
	var bits [10]byte
	if _, err := io.ReadFull(m.random, bits[:]); err != nil {
		return "", fmt.Errorf("make voucher code: %w", err)
	}
	c := m.encoding.EncodeToString(bits[:])
	return c[:4] + "-" + c[4:8] + "-" + c[8:12] + "-" + c[12:], nil
}

const (
	pins = 100_000_000
	// fair says how many of the 2^32 numbers can be dealt to the PINs evenly: the rest would favour the low ones.
	fair = 1 << 32 / pins * pins
)

// pin returns eight random digits, each PIN as likely as any other.
func (m mint) pin() (string, error) {
	for {
		var bits [4]byte
		if _, err := io.ReadFull(m.random, bits[:]); err != nil {
			return "", fmt.Errorf("make voucher PIN: %w", err)
		}
		if n := binary.BigEndian.Uint32(bits[:]); n < fair {
			return fmt.Sprintf("%08d", n%pins), nil
		}
	}
}
