package memberlist

import (
	"fmt"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"bestow/domain"

	"golang.org/x/text/encoding/korean"
)

// EncodingGuessed is the code of a warning: the file was read as CP949, and it may be of another encoding.
const EncodingGuessed domain.Code = "encoding_guessed"

// guess counts the letters of a file that is read as CP949 without its sender's word. Most of a text in Shift_JIS,
// EUC-JP, GBK, Johab or Windows-1252 is valid in CP949 too, but it has letters there that Korean hardly uses: syllables
// outside KS X 1001, single jamo, hanja; and of its syllables few are common ones. Of names of countries and languages,
// 95 % of the letters are common if the text is Korean, and at most 17 % if it is of twelve other languages and
// encodings.
type guess struct {
	words     map[string]struct{} // each counts once: the same reason may stand in all rows
	letters   int
	common    int   // of letters: those of commonSyllables
	foreign   int   // of letters: those that are no syllables of KS X 1001
	line      int64 // of the first foreign one; 0: none
	ambiguous bool  // the file is valid in UTF-8 as well
}

// maxWords is the number of words that a guess counts: that is enough to tell.
const maxWords = 4096

// add counts the words of a text that begins in a line.
func (g *guess) add(line int64, text string) {
	if g.words == nil {
		g.words = map[string]struct{}{}
	}
	for word := range strings.FieldsFuncSeq(text, isNoLetter) {
		if _, counted := g.words[word]; counted || len(g.words) == maxWords {
			continue
		}
		g.words[strings.Clone(word)] = struct{}{}
		g.count(line, word)
	}
}

// isNoLetter reports whether r separates words. Signs such as ※ and ① do: texts of every encoding have them.
func isNoLetter(r rune) bool { return r < utf8.RuneSelf || r != utf8.RuneError && !unicode.IsLetter(r) }

func (g *guess) count(line int64, word string) {
	for _, r := range word {
		g.letters++
		switch syllable := r - '가'; {
		case syllable < 0 || syllable >= syllables || !inStandard()[syllable]:
			g.foreign++
			if g.line == 0 {
				g.line = line
			}
		case inCommon()[syllable]:
			g.common++
		}
	}
}

// isKorean reports whether nearly all letters are common ones.
func (g *guess) isKorean() bool { return g.letters > 0 && g.common*10 >= g.letters*7 }

// isPlausible reports whether nothing speaks against Korean.
func (g *guess) isPlausible() bool {
	const few = 8 // letters, of which common ones may be missing by chance
	return g.foreign*5 <= g.letters && (g.letters < few || g.common*10 >= g.letters*4)
}

// isForeign reports whether the text is certainly not Korean.
func (g *guess) isForeign() bool {
	const many = 12
	return g.letters >= many && g.foreign*2 >= g.letters
}

// refuse returns an error for a file that is certainly not Korean.
func (g *guess) refuse() error {
	if !g.isForeign() {
		return nil
	}
	return g.refused()
}

func (g *guess) refused() error {
	return domain.UnsupportedFileError(
		fmt.Sprintf("the file is not in UTF-8, and in CP949 its text is not Korean (first in line %d): "+
			"it may be Shift_JIS, EUC-JP, GBK, Johab or Windows-1252", g.line),
		"save the file as \"CSV UTF-8\" and upload that; if it is CP949, say so: "+
			"charset=cp949 in the content type, or --charset cp949",
	)
}

// Notices returns a warning for a file that may be of another encoding.
func (g *guess) Notices() []Notice {
	why := "the file is not in UTF-8 and was read as CP949, but much of it is not usual in Korean"
	switch {
	case g.ambiguous:
		why = "the file is valid in UTF-8 and in CP949, and was read as CP949"
	case g.isPlausible():
		return nil
	}
	return []Notice{{
		Code: EncodingGuessed,
		Line: g.line,
		Text: why + ": check the members and reasons that are not ASCII before the event starts, " +
			"or upload the list as UTF-8 or with " +
			"its charset",
	}}
}

// syllables says how many syllables of Korean Unicode has, from 가 on.
const syllables = '힣' - '가' + 1

type syllableSet = [syllables]bool

// inStandard holds the 2,350 syllables of KS X 1001, which EUC-KR has in its rows B0 to C8. CP949 adds the others,
// which hardly a text has.
var inStandard = sync.OnceValue(func() *syllableSet {
	var rows []byte
	for lead := byte(0xB0); lead <= 0xC8; lead++ {
		for trail := byte(0xA1); trail <= 0xFE; trail++ {
			rows = append(rows, lead, trail)
		}
	}
	decoded, _ := korean.EUCKR.NewDecoder().Bytes(rows) // all of them are valid
	return syllableSetOf(string(decoded))
})

// inCommon holds the syllables that make up most of Korean text.
var inCommon = sync.OnceValue(func() *syllableSet { return syllableSetOf(commonSyllables) })

func syllableSetOf(text string) *syllableSet {
	var set syllableSet
	for _, r := range text {
		if r >= '가' && r <= '힣' {
			set[r-'가'] = true
		}
	}
	return &set
}

const commonSyllables = `
	가각간갈감갑값강갖같개객거건걸검것게겠격견결겸경계고곡곤곧골곰곱곳공과관광괜괴교구국군굴권귀규균
	그극근글금급긋긍기긴길김까깊께꼭끝나낌난날남납낮내냉너널넘네녀녁년념노녹논높놓누눈뉴느는늘능니닌
	님다단달담답당대댁더덕던데도독돈돌동되된될됩두둘드득든들등디따때또뜻라락란람랍랑래략량러런럼레려
	력련렬령례로록론료루류륙률르른를름리린릴림립링마막만많말맞매맥머먹먼멀메면멸명몇모목몰못무묵문물
	미민밀및바박반받발밤밥방배백뱅버번벌범법베벤벽변별병보복본볼봄봉부북분불붙브비빈빌빛빠뿐사산살삼
	상새색생서석선설섬섭성세센셔션셜소속손솔송쇄쇼수숙순술숨쉽스슬습승시식신실심십싱쌍써쓰씨아악안않
	알암압앙앞애액야약얀양얘어억언얼엄업없었에엔엘여역연열염엽영예옛오옥온올옮옵와완왔왕외왼요욕용우
	욱운울움원월위유육윤율융으은을음응의이익인일읽임입있잉잎자작잔잘잠잡장재쟁저적전절점접정제져조족
	존졸종좋좌죄주죽준줄중즈즉증지직진질짐집징짜째쪽찌차착찬찰참창찾채책처척천철첨첩청체초촉촌총최추
	축춘출충취측층치칙친칠침칭카칸칼캐캠커컨컴케켓코콘쿠퀸크큰클큼키킨킬킹타탁탄탈탐탑태택터털텀텍텐
	텔템토톤통퇴투트특틀티틱팀팅파판팔패팩퍼펀페편평폐포폭폰표푸품풍퓨프플피핀필핑하학한할함합항해핵
	했행향허헌험혁현혈협형혜호혹혼홀홍화확환활황회획효후훈훨휘휴흐흑흥희히힘`
