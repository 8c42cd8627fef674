package words

import (
	"strings"
	"unicode/utf8"
)

// digitsWithFinal are the digits whose Korean reading ends in a consonant: 영, 일, 삼, 육, 칠, 팔.
const digitsWithFinal = "013678"

// lettersWithFinal are the letters whose Korean name ends in a consonant: 엘, 엠, 엔, 알.
const lettersWithFinal = "LMNRlmnr"

// Particle returns the Korean particle that follows the text: final after a consonant, open after a vowel. 이(가) and its
// like are never written. What ends in anything else is taken for a vowel.
func Particle(text, final, open string) string {
	r, _ := utf8.DecodeLastRuneInString(text)
	const first, last, finals = '가', '힣', 28
	switch {
	case r >= first && r <= last:
		if (r-first)%finals != 0 {
			return final
		}
		return open
	case strings.ContainsRune(digitsWithFinal+lettersWithFinal, r):
		return final
	}
	return open
}
