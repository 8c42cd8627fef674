package words_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"bestow/domain"
	"bestow/http/console/words"

	"github.com/stretchr/testify/require"
)

// A sum in words is the whole sum, to the ends of int64.
func TestSumsInWords(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]struct{ ko, en, short string }{
		0:                 {"영", "zero", "0"},
		1:                 {"일", "one", "1"},
		10:                {"십", "ten", "10"},
		19:                {"십구", "nineteen", "19"},
		21:                {"이십일", "twenty-one", "21"},
		110:               {"백십", "one hundred ten", "110"},
		1_000:             {"천", "one thousand", "1,000"},
		9_999:             {"구천구백구십구", "nine thousand nine hundred ninety-nine", "9,999"},
		10_000:            {"만", "ten thousand", "1만"},
		10_001:            {"만 일", "ten thousand one", "1만 1"},
		110_000:           {"십일만", "one hundred ten thousand", "11만"},
		1_000_000:         {"백만", "one million", "100만"},
		10_000_000:        {"천만", "ten million", "1,000만"},
		100_000_000:       {"일억", "one hundred million", "1억"},
		100_010_000:       {"일억 일만", "one hundred million ten thousand", "1억 1만"},
		487_030_000:       {"사억 팔천칠백삼만", "four hundred eighty-seven million thirty thousand", "4억 8,703만"},
		1_457_399_000:     {"십사억 오천칠백삼십구만 구천", "one billion four hundred fifty-seven million three hundred ninety-nine thousand", "14억 5,739만 9,000"},
		1_000_000_000_000: {"일조", "one trillion", "1조"},
		-12_431:           {"마이너스 만 이천사백삼십일", "minus twelve thousand four hundred thirty-one", "−1만 2,431"},
		math.MaxInt64: {
			"구백이십이경 삼천삼백칠십이조 삼백육십팔억 오천사백칠십칠만 오천팔백칠",
			"nine quintillion two hundred twenty-three quadrillion three hundred seventy-two trillion thirty-six billion " +
				"eight hundred fifty-four million seven hundred seventy-five thousand eight hundred seven",
			"922경 3,372조 368억 5,477만 5,807",
		},
		math.MinInt64: {
			"마이너스 구백이십이경 삼천삼백칠십이조 삼백육십팔억 오천사백칠십칠만 오천팔백팔",
			"minus nine quintillion two hundred twenty-three quadrillion three hundred seventy-two trillion thirty-six " +
				"billion eight hundred fifty-four million seven hundred seventy-five thousand eight hundred eight",
			"−922경 3,372조 368억 5,477만 5,808",
		},
	} {
		require.Equal(t, want.ko, words.Korean.InFull(n), "%d", n)
		require.Equal(t, want.en, words.English.InFull(n), "%d", n)
		require.Equal(t, want.short, words.Korean.Short(n), "%d", n)
		require.Equal(t, words.Count(n), words.English.Short(n), "%d", n)
	}
}

func TestCounts(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{
		0: "0", 7: "7", 999: "999", 1_000: "1,000", 1_204_318: "1,204,318", -1_000: "−1,000",
		math.MaxInt64: "9,223,372,036,854,775,807", math.MinInt64: "−9,223,372,036,854,775,808",
	} {
		require.Equal(t, want, words.Count(n))
	}
}

// 100.0% is all of it, and nothing less.
func TestPercentages(t *testing.T) {
	t.Parallel()
	for want, of := range map[string][2]int{
		"–": {0, 0}, "0.0%": {0, 7}, "66.5%": {801_854, 1_204_318}, "99.9%": {9_999_999, 10_000_000},
		"100.0%": {10_000_000, 10_000_000}, "0.1%": {1, 1_000},
	} {
		require.Equal(t, want, words.Percent(of[0], of[1]))
	}
}

func TestSpans(t *testing.T) {
	t.Parallel()
	ko, en := words.In(words.Korean), words.In(words.English)
	for d, want := range map[time.Duration][2]string{
		0:                         {"0초", "0 s"},
		38 * time.Second:          {"38초", "38 s"},
		98 * time.Second:          {"1분 38초", "1 min 38 s"},
		2 * time.Hour:             {"2시간", "2 h"},
		26*time.Hour + 31:         {"1일 2시간", "1 d 2 h"},
		3*time.Hour + 61e9:        {"3시간 1분", "3 h 1 min"},
		1400 * time.Millisecond:   {"1초", "1 s"},
		59_600 * time.Millisecond: {"1분", "1 min"},
	} {
		require.Equal(t, want[0], ko.Span(d))
		require.Equal(t, want[1], en.Span(d))
	}
	require.Equal(t, "2분 5초", ko.Left(123*time.Second))
	require.Equal(t, "1 h 2 min", en.Left(time.Hour+2*time.Minute+10*time.Second))
}

func TestLanguageOfAReader(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		chosen, accepted string
		want             words.Language
	}{
		{"", "", words.Korean},
		{"", "en-US,en;q=0.9", words.English},
		{"", "ko-KR,ko;q=0.9,en;q=0.8", words.Korean},
		{"", "fr", words.Korean},
		{"en", "ko", words.English},
		{"xx", "en", words.English},
		{"", ";;;", words.Korean},
	} {
		require.Equal(t, c.want, words.Choose(c.chosen, c.accepted), c)
	}
	require.Equal(t, words.English, words.Korean.Other())
}

// Moments of another year have the year, and a zone without letters has its name.
func TestMoments(t *testing.T) {
	t.Parallel()
	seoul, err := words.ZoneOf("")
	require.NoError(t, err)
	require.Equal(t, "KST", seoul.Name)
	at := time.Date(2026, 12, 31, 15, 4, 5, 0, time.UTC)
	require.Equal(t, "2027-01-01 00:04", seoul.Format(at, at.Add(-time.Hour), words.Brief))
	require.Equal(t, "01-01 00:04:05", seoul.Format(at, at, words.Exact))
	require.Equal(t, "15:04:05", words.UTC.Format(at, at, words.Clock))
	dubai, err := words.ZoneOf("Asia/Dubai")
	require.NoError(t, err)
	require.Equal(t, "Asia/Dubai", dubai.Name)
	_, err = words.ZoneOf("Nowhere/Else")
	require.Error(t, err)
}

// An id is a name and no count: it has no commas.
func TestIDsHaveNoCommas(t *testing.T) {
	t.Parallel()
	for _, l := range []words.Language{words.Korean, words.English} {
		for _, key := range []string{"wrong.taken", "list.nameless"} {
			require.Contains(t, words.In(l).T(key, int64(1234)), "1234", key)
		}
	}
}

// What the API says of a field is said in Korean where that is known, and stays as it was said where it is not.
func TestFaultsOfFields(t *testing.T) {
	t.Parallel()
	for said, want := range map[string]string{
		domain.Role("king").Check():                   "권한을 선택하세요.",
		domain.CheckPrincipal(""):                     "값이 비어 있습니다.",
		domain.CheckPrincipal("a:b"):                  "콜론(:)은 쓸 수 없습니다.",
		domain.CheckPrincipal("Admin"):                "BESTOW_ADMIN_KEY의 이름이라 쓸 수 없습니다.",
		domain.CheckText(strings.Repeat("a", 51), 50): "50자를 넘습니다.",
		domain.CheckText("a\nb", 50):                  "2번째 글자는 쓸 수 없습니다.",
		domain.CheckText(" a", 50):                    "앞이나 뒤에 빈칸이 있습니다.",
		domain.CheckText("a\xff", 50):                 "깨진 글자가 있습니다.",
		domain.CheckText(" ", 50):                     "값이 비어 있습니다.",
		"type the number 1000":                        "화면의 숫자를 그대로 입력하세요: 1000",
		"must be 1 or more, or null for none":         "1 이상이어야 합니다.",
	} {
		text, in := words.In(words.Korean).Fault(said)
		require.Equal(t, want, text)
		require.Equal(t, words.Korean, in)
		text, in = words.In(words.English).Fault(said)
		require.Equal(t, said, text)
		require.Equal(t, words.English, in)
	}
	text, in := words.In(words.Korean).Fault("must be blue")
	require.Equal(t, "must be blue", text)
	require.Equal(t, words.English, in)
}
