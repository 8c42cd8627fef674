// Package english writes numbers, and numbers of things, for people.
package english

import (
	"strconv"
	"strings"
)

// Number writes n with a comma between each three digits: 1,234,567.
func Number[N int | int64](n N) string { return Group(strconv.FormatInt(int64(n), 10)) }

// Group writes a comma between each three digits of an integer of any size, which may begin with a minus.
func Group(digits string) string {
	for i := len(digits) - 3; i > 0 && digits[i-1] != '-'; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// Count writes n things, where noun names one of them: 1 row, 2,000 rows, 3 rejected entries.
func Count[N int | int64](n N, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return Number(n) + " " + Plural(noun)
}

// Plural is the noun of several things.
func Plural(noun string) string {
	switch last := noun[len(noun)-1]; {
	case last == 'y' && !strings.HasSuffix(noun, "ey"):
		return noun[:len(noun)-1] + "ies"
	case last == 's' || strings.HasSuffix(noun, "ch"):
		return noun + "es"
	}
	return noun + "s"
}
