package domain_test

import (
	"fmt"
	"testing"
	"unicode"

	"bestow/domain"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/unicode/norm"
)

// B13: no name and no text holds what is not seen, of the kinds that package unicode has no table of; a stacker is seen
// between characters of its own script alone, and a piece of a syllable is no letter of a name.
func TestB13NotSeen(t *testing.T) {
	t.Parallel()
	for _, r := range []rune{
		0x13441, 0x13442, 0x1BC9D, 0x1BC9E, 0x1107F, 0x2D7F, 0x1039, 0x17D2, 0x1A60, 0xAAF6,
		0x10A3F, 0x11133, 0x1193E,
		0x11A47, 0x11A99, 0x11D45, 0x11D97, 0x113D0, 0x11F42,
	} {
		for _, around := range []string{"a%sb", "a%s", "회%s원", "1%s2"} {
			s := fmt.Sprintf(around, string(r))
			require.Contains(t, domain.CheckName(s, 50), fmt.Sprintf("%U as character 2", r))
			require.Contains(t, domain.CheckText(s, 50), fmt.Sprintf("%U as character 2", r))
		}
	}
	for _, jamo := range []string{"\u1100", "a\u1161", "\u11a8", "\ua960b", "\ud7b0", "회원\u1102"} {
		require.Contains(t, domain.CheckName(jamo, 50), "a piece of a Korean syllable", "%q", jamo)
	}
	for _, name := range []string{"စတ္တ", "ខ្មែរ", "ㄱ1", "각", "ⵜ⵿ⵙ"} {
		require.Empty(t, domain.CheckName(name, 50), "%q", name)
		require.Empty(t, domain.CheckText(name, 50), "%q", name)
	}
	require.NotEmpty(t, domain.CheckName("စ္\u1039တ", 50), "two in a row")
}

// B13: what is seen and looks like another is accepted, and told.
func TestB13Lookalikes(t *testing.T) {
	t.Parallel()
	for why, ids := range map[string][]string{
		`, which looks like "-"`:                       {"F\u20111", "F\u20101", "F–1", "F—1", "F−1", "F\u05be1"},
		`, which looks like "'"`:                       {"O’Neil1", "Oʼ1", "O´1"},
		`, which looks like "/"`:                       {"1⁄2a", "1∕2a"},
		`, which looks like "·"`:                       {"가ㆍ나", "가・나", "a•1"},
		"has full-width or other compatibility char":   {"１００１", "Ｍ１", "ﾡ1", "㈜가나", "ﬁ1", "M²", "①1", "𝐌1", "ᴹ1"},
		"has blanks in a row":                          {"I  1", "회원  1"},
		"mixes letters of Cyrillic and Latin":          {"Мax", "user_а1"},
		"mixes letters of Greek and Latin":             {"Οmega1x", "aν1"},
		"mixes letters of Cyrillic and Hangul":         {"회원А1"},
		"has letters of Cyrillic that look like Latin": {"А1", "СОРЕ-1"},
		"has letters of Greek that look like Latin":    {"ΑΒ1"},
		"has letters of Cherokee that look like Latin": {"Ꭺ1"},
		"has letters of Latin that look like Latin":    {"ɡ1"},
		"has digits that are not 0 to 9":               {"a١٢", "१२३"},
	} {
		for _, id := range ids {
			require.NoError(t, domain.CheckMemberID(id), "%q", id)
			require.Contains(t, domain.SuspiciousMember(id), why, "%q", id)
		}
	}
	for _, id := range []string{
		"회원00001", "홍길동", "김a1", "金1", "ㄱ1", "山田タロウ", "やまだa", "Иванов1", "Ωμέγα1", "é1", "Åsa",
		"ğ1", "สำนัก1", "नमस्ते", "가·나", "a b", "a/b", "a:b", "🎁1",
		"kim.min-su_1@example.com", "회원(1)", "M#1", "ab~1",
	} {
		require.Empty(t, domain.SuspiciousMember(id), "%q", id)
	}
}

// The table of compatibility characters says what NFKC does, for each character that a name may hold.
func TestCompatibilityIsNFKCs(t *testing.T) {
	t.Parallel()
	ordinary := map[rune]bool{0xE33: true, 0xEB3: true, 0xEDC: true, 0xEDD: true, 0xF0C: true, 0xF77: true, 0xF79: true}
	for r := rune(0x80); r <= unicode.MaxRune; r++ {
		nfc := norm.NFC.String(string(r))
		if domain.CheckName(nfc, 50) != "" || r >= 0x3131 && r <= 0x318E || ordinary[r] {
			continue
		}
		if norm.NFKC.String(nfc) != nfc && domain.SuspiciousMember(nfc+"1") == "" {
			require.Fail(t, "is changed by NFKC and not told", "%U", r)
		}
	}
}

// B14: what a spreadsheet makes of ids is told; ids that only resemble it are not.
func TestB14Leftovers(t *testing.T) {
	t.Parallel()
	for why, ids := range map[string][]string{
		"looks like a formula or a number with a sign": {"=SUM(A1:A2)", `="1001"`, "=A1", "+1001", "-1001", "@SUM(A1)", "＝A1", "+A1*2"},
		"begins with the apostrophe":                   {"'1001", "'M1"},
		"holds what separates columns":                 {"1001;500;x", "1001|500", "1001\uff1b5"},
		"looks like a date or a time": {
			"02-Jan", "1월 02일", "1월 2일", "2026-11-28", "2026/11/28", "28.11.2026",
			"11/28/26", "2026. 11. 28.", "2-Jan-26", "Jan-26", "12:30",
			"12:30:15", "오전 9:30", "9:30 PM", "2026-11-28 12:30:00", "2026-11-28T12:30:00Z", "2026년 1월 2일",
			"28-11-2026",
		},
		"looks like a number with decimals":           {"1001.5", "1,001.05", "1.001,05", "0.5", "12,5", ".5", ",5"},
		"looks like an amount":                        {"₩1001", "100%", "$5", "5 €", "(1001)", "1,000원", "￦500"},
		"looks like a number as a spreadsheet writes": {"8.21D+11"},
		"looks like the error value of a formula":     {"#ND", "#I/T", "#YOK", "Loading...", "Infinity", "INF"},
		"looks like a column's name":                  {"회원번호(필수)", "member_id (required)", "이름(선택)", "금액[필수]", "금액(원)", "*이름 [한글만]", "amount {KRW}:"},
		"looks like an empty value":                   {"TRUE", "FALSE", "true", "참", "거짓", "WAHR"},
	} {
		for _, id := range ids {
			require.NoError(t, domain.CheckMemberID(id), "%q", id)
			require.Contains(t, domain.SuspiciousMember(id), why, "%q", id)
		}
	}
	for _, id := range []string{
		"+821012345678", "user.10", "10-20", "010-1234-5678", "2026-A", "MAYA1", "Marchetti",
		"jan", "janet", "1월생", "a@b.kr", "#kim1", "M(1)", "a=b1", "o'neil", "truey",
		"v1.2.3", "192.168.0.1", "3f2504e0-4f89-11d3-9a0c-0305e82c3301", "2026-112-1", "A:30", "true_fan1",
		"12345678-1",
	} {
		require.Empty(t, domain.SuspiciousMember(id), "%q", id)
	}
}
