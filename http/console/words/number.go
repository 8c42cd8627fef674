package words

import (
	"strconv"
	"strings"
)

// Minus stands before negative numbers. It is as wide as a digit.
const Minus = "−"

// None is shown where a number does not apply.
const None = "–"

// Count writes a whole number with commas.
func Count[N ~int | ~int64](n N) string {
	text, sign := strconv.FormatInt(int64(n), 10), ""
	if n < 0 {
		text, sign = text[1:], Minus
	}
	var b strings.Builder
	b.WriteString(sign)
	for i, digit := range text {
		if i > 0 && (len(text)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(digit)
	}
	return b.String()
}

// Percent writes a part of a whole with one decimal, rounded down: 100.0% is all of it, and nothing less. A whole of 0
// has no percentage.
func Percent(part, whole int) string {
	if whole <= 0 {
		return None
	}
	tenths := int64(part) * 1000 / int64(whole)
	return strconv.FormatInt(tenths/10, 10) + "." + strconv.FormatInt(tenths%10, 10) + "%"
}

// InFull writes a number in words, as it is read aloud.
func (l Language) InFull(n int64) string {
	if l == Korean {
		return inKorean(n)
	}
	return inEnglish(n)
}

// groupsOf returns the groups of the digits of n, the lowest first, each below size.
func groupsOf(n, size uint64) (groups []int) {
	for ; n > 0; n /= size {
		groups = append(groups, int(n%size))
	}
	return groups
}

// magnitude returns n without its sign. The least int64 has no positive one.
func magnitude(n int64) uint64 {
	if n < 0 {
		return -uint64(n)
	}
	return uint64(n)
}

var (
	koreanDigits = []string{"", "일", "이", "삼", "사", "오", "육", "칠", "팔", "구"}
	koreanPlaces = []string{"", "십", "백", "천"}
	koreanGroups = []string{"", "만", "억", "조", "경"}
)

// inKorean reads a number in groups of four digits, with a space between them. A one is not read before 십, 백 and 천, nor
// before 만 at the beginning.
func inKorean(n int64) string {
	if n == 0 {
		return "영"
	}
	groups := groupsOf(magnitude(n), 10_000)
	var parts []string
	if n < 0 {
		parts = append(parts, "마이너스")
	}
	for i := len(groups) - 1; i >= 0; i-- {
		switch {
		case groups[i] == 0:
		case groups[i] == 1 && i == 1 && len(groups) == 2:
			parts = append(parts, "만")
		default:
			parts = append(parts, koreanGroup(groups[i])+koreanGroups[i])
		}
	}
	return strings.Join(parts, " ")
}

// koreanGroup reads a number from 1 to 9999.
func koreanGroup(n int) string {
	var b strings.Builder
	for place, unit := 3, 1000; place >= 0; place, unit = place-1, unit/10 {
		digit := n / unit % 10
		if digit == 0 {
			continue
		}
		if digit > 1 || place == 0 {
			b.WriteString(koreanDigits[digit])
		}
		b.WriteString(koreanPlaces[place])
	}
	return b.String()
}

// Short writes a number with the Korean units of ten thousand: 14억 5,739만 9,000. In English it is written with commas.
func (l Language) Short(n int64) string {
	if l != Korean || magnitude(n) < 10_000 {
		return Count(n)
	}
	groups := groupsOf(magnitude(n), 10_000)
	var parts []string
	for i := len(groups) - 1; i >= 0; i-- {
		if groups[i] > 0 {
			parts = append(parts, Count(groups[i])+koreanGroups[i])
		}
	}
	text := strings.Join(parts, " ")
	if n < 0 {
		return Minus + text
	}
	return text
}

var (
	englishSmall = []string{
		"", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen",
		"fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
	}
	englishTens   = []string{"", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"}
	englishGroups = []string{"", "thousand", "million", "billion", "trillion", "quadrillion", "quintillion"}
)

// inEnglish reads a number as Americans do, without an "and".
func inEnglish(n int64) string {
	if n == 0 {
		return "zero"
	}
	groups := groupsOf(magnitude(n), 1000)
	var parts []string
	if n < 0 {
		parts = append(parts, "minus")
	}
	for i := len(groups) - 1; i >= 0; i-- {
		if groups[i] == 0 {
			continue
		}
		parts = append(parts, englishGroup(groups[i])...)
		if i > 0 {
			parts = append(parts, englishGroups[i])
		}
	}
	return strings.Join(parts, " ")
}

// englishGroup reads a number from 1 to 999.
func englishGroup(n int) (parts []string) {
	if n >= 100 {
		parts = append(parts, englishSmall[n/100], "hundred")
		n %= 100
	}
	if n < len(englishSmall) {
		if n > 0 {
			parts = append(parts, englishSmall[n])
		}
		return parts
	}
	tens := englishTens[n/10]
	if n%10 > 0 {
		tens += "-" + englishSmall[n%10]
	}
	return append(parts, tens)
}
