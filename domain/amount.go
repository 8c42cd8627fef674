package domain

import (
	"strconv"
)

// MaxAmount is the largest amount of one grant. Numbers up to it are exact in JSON, so ledgers have the same bound.
const MaxAmount = 1_000_000_000_000_000

// ParseAmount reads an amount from 1 to [MaxAmount] written as plain digits. It refuses other spellings (1,000, 1000원,
// 1e3, +5, 1000.5) and never guesses: the [Error] has code [BadAmount].
func ParseAmount(s string) (int64, error) {
	if s == "" {
		return 0, RowError(MissingAmount, "the amount is missing",
			"give the row an amount, or the event a default_amount")
	}
	digits := s
	if s[0] == '-' && len(s) > 1 {
		digits = s[1:]
	}
	for i := range len(digits) {
		if digits[i] < '0' || digits[i] > '9' {
			return 0, RowError(BadAmount, "the amount is not a plain integer",
				"write it with digits only, as in 1000")
		}
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil && s[0] != '-' || n > MaxAmount {
		return 0, RowError(BadAmount, "the amount is over 1,000,000,000,000,000", "write a smaller amount")
	}
	if n <= 0 {
		return 0, RowError(BadAmount, "the amount is not positive", "an amount is 1 or more")
	}
	return n, nil
}

// ParseID reads an id, and reports whether s is one as the product writes it: 7 is an id; 007, +7 and -7 are names.
func ParseID(s string) (id int64, ok bool) {
	id, err := strconv.ParseInt(s, 10, 64)
	return id, err == nil && id > 0 && strconv.FormatInt(id, 10) == s
}
