package domain_test

import (
	"fmt"
	"strings"
	"testing"

	"bestow/domain"

	"github.com/stretchr/testify/require"
)

// unseen are characters that no name may hold and no text outside of an emoji, of each kind some.
var unseen = map[string]rune{
	"NUL": 0, "a line feed": '\n', "a tab": '\t', "escape": 0x1b, "delete": 0x7f, "next line (C1)": 0x85, "C1": 0x9b,
	"zero width space": 0x200B, "zero width non-joiner": 0x200C, "word joiner": 0x2060, "soft hyphen": 0xAD,
	"byte order mark": 0xFEFF,
	"invisible times": 0x2062, "not assigned, ignorable": 0x2065, "Mongolian vowel separator": 0x180E,
	"annotation": 0xFFF9,
	"shorthand":  0x1BCA0, "musical beam": 0x1D173, "number sign of Arabic": 0x600,
	"line separator": 0x2028, "paragraph separator": 0x2029,
	"right-to-left override": 0x202E, "isolate": 0x2066, "left-to-right mark": 0x200E, "Arabic letter mark": 0x61C,
	"Hangul filler": 0x3164, "Hangul choseong filler": 0x115F, "Hangul jungseong filler": 0x1160,
	"half width Hangul filler": 0xFFA0,
	"grapheme joiner":          0x34F, "Khmer vowel": 0x17B4, "Khmer vowel aa": 0x17B5, "ignorable special": 0xFFF0,
	"last ignorable special": 0xFFF8,
	"Mongolian selector":     0x180B, "last Mongolian selector": 0x180F, "selector 1": 0xFE00, "selector 16": 0xFE0F,
	"selector 17":  0xE0100,
	"language tag": 0xE0001, "tag": 0xE0061, "ignorable plane": 0xE0FFF, "first ignorable plane": 0xE0000,
	"noncharacter": 0xFDD0, "last of a plane": 0x1FFFF, "last of all": 0x10FFFF, "FFFE": 0xFFFE,
	"private": 0xE000, "private plane": 0x10FFFD, "not assigned": 0x378, "not assigned Han": 0x3FFFD,
	"braille blank": 0x2800, "musical blank": 0x1D159, "Khitan filler": 0x16FE4,
}

// C1: a name holds only what is seen; an error names the character by its code point and its place.
func TestC1NamesHoldWhatIsSeen(t *testing.T) {
	t.Parallel()
	onlyInNames := map[string]rune{
		"no-break space": 0xA0, "ideographic space": 0x3000, "thin space": 0x2009,
		"Ogham space":        0x1680,
		"object replacement": 0xFFFC, "replacement": 0xFFFD,
	}
	for kind, r := range unseen {
		codePoint := fmt.Sprintf("%U", r)
		require.Contains(t, domain.CheckName("M2"+string(r)+"00", 50), codePoint+" as character 3", kind)
		require.Contains(t, domain.CheckText("M2"+string(r)+"00", 50), codePoint+" as character 3", kind)
		require.NotEmpty(t, domain.CheckName(string(r), 50), kind)
		require.NotEmpty(t, domain.CheckText(string(r), 50), kind)
	}
	for kind, r := range onlyInNames {
		require.Contains(t, domain.CheckName("회원"+string(r)+"1", 50), "as character 3", kind)
		require.Empty(t, domain.CheckText("회원"+string(r)+"1", 50), kind)
	}
	for _, name := range []string{
		"a b", "회원00001", "user.1+kr@example.com", "ｍ１", "é", "नमस्ते", "สวัสดี", "Ω", "葛",
		"한글", "M_1-2/3", "🎁",
	} {
		require.Empty(t, domain.CheckName(name, 50), name)
	}
	require.Equal(t, "is over 3 characters", domain.CheckName("가나다라", 3))
	require.Equal(t, "is missing or blank", domain.CheckName("\u3000 ", 3))
	require.Equal(t, "begins or ends with a blank", domain.CheckName("a ", 3))
	require.Equal(t, "is not valid text", domain.CheckName("a\xff", 3))
}

// What separates lines is no blank that a field may end with: it is refused there as in the middle.
func TestLineSeparatorsAreNoBlanks(t *testing.T) {
	t.Parallel()
	for _, r := range []rune{0x85, 0x2028, 0x2029} {
		for field, at := range map[string]int{"M1" + string(r): 3, string(r) + "M1": 1, "M" + string(r) + "1": 2} {
			says := fmt.Sprintf("has %U as character %d", r, at)
			trimmed := string(domain.TrimBlanks([]byte(" " + field + "\t")))
			require.Equal(t, field, trimmed)
			require.Contains(t, domain.CheckName(trimmed, 50), says)
			require.Contains(t, domain.CheckText(trimmed, 50), says)
		}
	}
	require.Equal(t, "M1", string(domain.TrimBlanks([]byte("\u00a0M1\u3000\r\n"))))
}

// A reason that all members get has no character that stands for a lost one. A reason of a list may, with a warning.
func TestDefaultReasonLostNothing(t *testing.T) {
	t.Parallel()
	for _, reason := range []string{"봄\ufffd", "\ufffc", "a\ufffdb"} {
		require.Contains(t, domain.CheckDefaultReason(reason), "which stands for a character that was lost", "%q", reason)
		require.Empty(t, domain.CheckText(reason, domain.MaxReason), "%q", reason)
	}
	require.Empty(t, domain.CheckDefaultReason("봄맞이 포인트 🎁"))
	require.Contains(t, domain.CheckDefaultReason("a\nb"), "a control character")
}

// C1: a text holds emoji of every make, and what they are composed of nowhere else.
func TestC1TextsHoldEmoji(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "봄맞이 포인트 🎁", "a  b", "x\u00a0y", "=HYPERLINK(1)", "“따옴표” — 줄표…", "❤️", "❤︎",
		"👨‍👩‍👧‍👦", "🧑🏽‍💻", "🏳️‍🌈", "🏳️‍⚧️", "🏴󠁧󠁢󠁥󠁮󠁧󠁿",
		"🏴‍☠️", "🇰🇷", "1️⃣", "#️⃣", "*️⃣", "ℹ️", "‼️", "〰️", "©️", "↔️", "🙂‍↔️", "Ⓜ️", "㊗️", "👁️‍🗨️", "❤️‍🔥",
		"\U0001FAE9 (of a later Unicode)",
	} {
		require.Empty(t, domain.CheckText(text, domain.MaxReason), "%q", text)
	}
	for _, text := range []string{
		" ", "  ", "\u3000", " a", "a ", "a\u3000", "\ufe0f", "a\ufe0f", "1\ufe0f", "1\ufe0fa", "a\u200db", "🎁\u200d",
		"\u200d🎁", "a\u200d🎁", "🎁\u200da",
		"🎁\ufe0f\ufe0f", "\U0001F3F4\U000E0067", "\U0001F3F4\U000E007F\U000E007F",
		"\U0001F3F4" + strings.Repeat("\U000E0067", 20) + "\U000E007F",
		"a\U000E0067\U000E007F", strings.Repeat("가", 501), "\xff",
	} {
		require.NotEmpty(t, domain.CheckText(text, domain.MaxReason), "%q", text)
	}
}

// C2: what a spreadsheet left in the place of an id is no member; what may be one is accepted with a warning.
func TestC2LeftoversAreNoMembers(t *testing.T) {
	t.Parallel()
	for _, id := range []string{
		"member_id", "MEMBER_ID", "Member ID", "member-id", "회원번호", "회원 번호", "(회원번호)",
		"1001.0", "1001.00", "1001,0", "1001.", "-1.0", "０.0",
		"8.21E+11", "8,21E+11", "821012E6", "8.21e+11", "8.21E11", "8.21E+0011", "8.21 E+11", "8.21E +11", "8.2101E−5",
		"８.２１Ｅ＋１１", ".5E3", "-8.21E+11", "1e5",
		"8.21×10^11", "8,21x10^11", "8.21 * 10^11", "8.21·10¹¹", "8×10⁻⁵",
		"#N/A", "#n/a", "#NA", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NULL!", "#NUM!", "#SPILL!", "#CALC!",
		"#GETTING_DATA", "#FIELD!", "#BUSY!", "#ERROR!",
		"#WERT!", "#BEZUG!", "#NV", "#ZAHL!", "#ÜBERLAUF!", "#¿NOMBRE?", "#¡REF!", "#NOM?", "#N/D", "#Н/Д", "#분산!",
		"＃REF!", "####", "Err:502", "ERR: 508",
	} {
		require.Equal(t, domain.BadMember, code(t, domain.CheckMemberID(id)), "%q", id)
	}
	for why, ids := range map[string][]string{
		"looks like a sum row":                {"합계", "총계", "소계", "계", "총 합계", "[합계]", "합계 3명", "total", "TOTAL", "Total:", "Grand Total", "sub-total", "Sum", "Total: 300 rows", "Summe", "合計", "ＴＯＴＡＬ"},
		"looks like an empty value":           {"NULL", "null", "(null)", "<NULL>", "N/A", "n.a.", "NA", "None", "nil", "undefined", "-", "--", "—", "?", ".", "NaN", "0", "000", `\N`, "(blank)", "없음", "해당 없음", "(비어 있음)"},
		"looks like a column's name":          {"ID", "userid", "User ID", "회원아이디", "고객번호", "amount", "사유"},
		"looks like a number with separators": {"1,234,567", "1.234", "12 345"},
	} {
		for _, id := range ids {
			require.NoError(t, domain.CheckMemberID(id), id)
			require.Equal(t, why, domain.SuspiciousMember(id), "%q", id)
		}
	}
	for _, id := range []string{
		"M1", "0557418298", "kakao_5054a5054c", "회원00001", "user.1+kr@example.com", "totally",
		"계명대", "sum41", "총무", "a", "10-20",
	} {
		require.Empty(t, domain.SuspiciousMember(id), id)
	}
}

// What an older version has imported may still be granted, whatever a list may bring now.
func TestStoredMemberID(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"M100\u200b", "\u3164", "member_id", "821012E6", "#REF!", "1001.0"} {
		require.Error(t, domain.CheckMemberID(id))
		require.True(t, domain.StoredMemberID(id), id)
	}
	for _, id := range []string{"", "a\x00", "\xff", strings.Repeat("가", 51)} {
		require.False(t, domain.StoredMemberID(id), "%q", id)
	}
}
