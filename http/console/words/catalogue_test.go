package words

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// families are the messages whose keys the pages put together: by a status, a code, a role.
var families = []string{
	"role.", "nav.", "filter.", "sum.", "when.", "code.", "reason.", "problem.", "cure.", "status.", "did.", "done.",
	"retry.", "span.", "row.", "row_cure.", "warning.", "warning_says.", "wrong.", "pick.",
	"action.", "parked.means.", "parked.cause.", "queue.", "state.", "may.", "does.", "types.",
	"invariant.", "step.", "trace.", "policy.", "lot.",
	"proof.is.", "proof.sign.", "chain.",
}

// Every message that a page asks for is there in both languages, with the same arguments, and none is there for nothing.
func TestCatalogues(t *testing.T) {
	t.Parallel()
	used := map[string]bool{}
	asked := regexp.MustCompile(`\.(?:T|Or)\("([a-z_.]+)"`)
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(path, "_test.go") || strings.HasSuffix(path, "_templ.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range asked.FindAllStringSubmatch(string(text), -1) {
			used[m[1]] = true
		}
		return err
	})
	require.NoError(t, err)
	require.Greater(t, len(used), 100)
	inFamily := func(key string) bool {
		return slices.ContainsFunc(families, func(f string) bool { return strings.HasPrefix(key, f) })
	}
	for key := range used {
		if strings.HasSuffix(key, ".") { // the rest comes from what is shown
			continue
		}
		for l, texts := range messages {
			require.Contains(t, texts, key, "%s lacks it", l)
		}
	}
	for key := range messages[Korean] {
		require.True(t, used[key] || inFamily(key), "%s is used nowhere", key)
		require.Contains(t, messages[English], key)
	}
	for key, text := range messages[English] {
		require.Contains(t, messages[Korean], key)
		require.Equal(t, verbs(text), verbs(messages[Korean][key]), key)
	}
}

// verbs returns the arguments that a text takes.
func verbs(text any) []string {
	all := regexp.MustCompile(`%#?[a-z]`)
	if c, ok := text.(count); ok {
		return all.FindAllString(c.other, -1)
	}
	return all.FindAllString(fmt.Sprint(text), -1)
}

// A thing has one word, and the words are those that people who work in Korean use.
func TestKoreanHasOneWordForAThing(t *testing.T) {
	t.Parallel()
	for key, text := range messages[Korean] {
		for bad, good := range map[string]string{
			"종류": "유형", "휴대전화": "휴대폰", "캠페인 번호": "캠페인 ID", "나가기": "로그아웃", "나감": "로그아웃", "풀기": "해제", "풂": "해제",
			"푸는": "해제", "풀 때": "해제할 때", "풀었": "해제했", "풀어야": "해제해야", "까닭": "이유", "열린 처리": "처리 중", "달렸습니다": "따라 다릅니다",
			"만듦": "생성", "캠페인 고침": "수정", "유형 고침": "수정", "고치기": "수정", "지움": "삭제", "막음": "차단", "끝냄": "중단", "설정 바꿈": "변경", "권한 바꿈": "변경", "쓰는 중": "사용 중", "그만": "사용 중단",
			"다른 것 %d": "불일치 %d", "이 말이 든": "이 말이 들어간", "이 답에서": "이 화면에서", "사람과 서비스": "사용자와 서비스", "PIN 봄": "조회",
		} {
			require.NotContains(t, text, bad, "%s: write %s", key, good)
		}
	}
	require.Equal(t, "예약", messages[Korean]["proof.clock"], "예 alone is a yes")
}

// English that is read twice has gone.
func TestEnglishIsPlain(t *testing.T) {
	t.Parallel()
	for key, text := range messages[English] {
		for _, bad := range []string{"good nowhere", "that it is they", "shall be made", "list of before", "Who has got", "again otherwise", "eard of", "not told"} {
			require.NotContains(t, fmt.Sprint(text), bad, key)
		}
	}
}

// The guide for people without a terminal names buttons, fields and steps in bold, by the words of the pages. A question
// in bold is the reader's.
func TestGuideSaysWhatThePagesSay(t *testing.T) {
	t.Parallel()
	guide, err := os.ReadFile("../../../docs/operators.md")
	require.NoError(t, err)
	english, korean, ok := strings.Cut(string(guide), "\n## 한국어\n")
	require.True(t, ok)
	bold := regexp.MustCompile(`\*\*([^*]+)\*\*`)
	for l, half := range map[Language]string{English: english, Korean: korean} {
		var known []string
		for _, text := range messages[l] {
			known = append(known, strings.ToLower(fmt.Sprint(text)))
		}
		named := bold.FindAllStringSubmatch(half, -1)
		require.Greater(t, len(named), 10, l)
		for _, m := range named {
			name := strings.ToLower(strings.TrimSuffix(strings.Join(strings.Fields(m[1]), " "), "."))
			if !strings.HasSuffix(name, "?") {
				require.True(t, slices.Contains(known, name), "no page says %q", name)
			}
		}
	}
}

// No Korean sentence has a particle in brackets, an exclamation mark, or an end that tells nothing.
func TestKoreanIsPlain(t *testing.T) {
	t.Parallel()
	for key, text := range messages[Korean] {
		for _, bad := range []string{"은(는)", "이(가)", "을(를)", "와(과)", "!", "실패했습니다", "성공", "알 수 없는 오류"} {
			require.NotContains(t, text, bad, key)
		}
	}
}
