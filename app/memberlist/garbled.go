package memberlist

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"bestow/domain"
	"bestow/internal/english"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/korean"
)

// SuspiciousReason is the code of a warning: reasons that are accepted and have lost characters, or their encoding.
const SuspiciousReason domain.Code = "suspicious_reason"

// garbled says what a program that read a text in the wrong encoding has left of it, for people; "" for what looks
// right.
func garbled(s string) string {
	if isASCII([]byte(s)) && !strings.ContainsAny(s, `?%=&\`) {
		return "" // as almost all ids are: nothing below finds anything in it, and each row of a list comes here
	}
	switch {
	case strings.ContainsRune(s, utf8.RuneError):
		return fmt.Sprintf("has %U, which stands for a character that was lost", utf8.RuneError)
	case hasLostWord(s):
		return "has question marks, which stand for characters that were lost"
	}
	if meant := misread(s); meant != "" {
		return fmt.Sprintf("looks like %q, read in another encoding", meant)
	}
	if meant := unescaped(s); meant != "" {
		return fmt.Sprintf("looks like %q, written in escapes", meant)
	}
	return misreadInEast(s)
}

// misreadAs are the encodings of the West, in which every byte is a character.
var misreadAs = []*charmap.Charmap{charmap.Windows1252, charmap.ISO8859_1, charmap.Macintosh}

// misread returns the text that a program took for one of the West: of UTF-8, or of Korean in CP949; "" for none.
func misread(s string) string {
	const last = '\uFB02' // of the characters of misreadAs, whose others are below U+2300 or private
	if isASCII([]byte(s)) || strings.ContainsFunc(s,
		func(r rune) bool { return r >= 0x2300 && r < 0xF000 || r > last }) {
		return ""
	}
	for _, charset := range misreadAs {
		raw, err := charset.NewEncoder().String(s)
		switch {
		case err != nil:
		case utf8.ValidString(raw):
			return raw
		case isKoreanBytes(raw):
			meant, _ := korean.EUCKR.NewDecoder().String(raw)
			return meant
		}
	}
	return ""
}

// isKoreanBytes reports whether a text is ASCII and at least two syllables of KS X 1001, half of them common.
func isKoreanBytes(raw string) bool {
	syllables := 0
	for i := 0; i < len(raw); i++ {
		if raw[i] < utf8.RuneSelf {
			continue
		}
		if raw[i] < 0xB0 || raw[i] > 0xC8 || i+1 == len(raw) || raw[i+1] < 0xA1 || raw[i+1] == 0xFF {
			return false
		}
		syllables++
		i++
	}
	meant, err := korean.EUCKR.NewDecoder().String(raw)
	var g guess
	g.add(0, meant)
	return err == nil && syllables >= 2 && g.common*2 >= g.letters
}

// garbledReasons counts the accepted rows whose reason is garbled.
type garbledReasons struct {
	rows  int
	line  int64 // of the first one
	text  string
	why   string // of text
	last  []byte // the reason that was looked at last: the same may stand in all rows
	fault string // of last
}

// look counts the reason of an accepted row.
func (g *garbledReasons) look(line int64, reason []byte) {
	if !bytes.Equal(reason, g.last) {
		g.last, g.fault = slices.Clone(reason), garbled(string(reason))
	}
	if g.fault == "" {
		return
	}
	if g.rows++; g.line == 0 || line < g.line {
		g.line, g.text, g.why = line, string(reason), g.fault
	}
}

func (g *garbledReasons) Notices() []Notice {
	if g.rows == 0 {
		return nil
	}
	return []Notice{{Code: SuspiciousReason, Line: g.line, Text: fmt.Sprintf(
		"the reason %q %s (%s like that): check it before the event starts, or import the list again as UTF-8", g.text,
		g.why, english.Count(int64(g.rows), "row"))}}
}
