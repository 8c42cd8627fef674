package words

import (
	"fmt"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
	"golang.org/x/text/message/catalog"
)

// Language is a language of the console, by its BCP 47 tag.
type Language string

// The languages.
const (
	Korean  Language = "ko"
	English Language = "en"
)

// matcher finds the best of our languages; the first is what a reader of none gets.
var matcher = language.NewMatcher([]language.Tag{language.Korean, language.English})

// Choose returns the chosen language if there is one, or the one of an Accept-Language header that fits best.
func Choose(chosen, accepted string) Language {
	if l := Language(chosen); l == Korean || l == English {
		return l
	}
	wanted, _, err := language.ParseAcceptLanguage(accepted)
	if err != nil {
		return Korean
	}
	if _, i, confidence := matcher.Match(wanted...); i == 1 && confidence != language.No {
		return English
	}
	return Korean
}

// Other returns the language that a reader of l may change to.
func (l Language) Other() Language {
	if l == Korean {
		return English
	}
	return Korean
}

// Words says things in one language.
type Words struct {
	Language

	printer *message.Printer
}

// In returns the words of the language.
func In(l Language) Words {
	return Words{l, message.NewPrinter(language.Make(string(l)), message.Catalog(catalogue))}
}

// T returns the message with the key, with its arguments. Numbers among them get commas.
func (w Words) T(key string, arguments ...any) string {
	return w.printer.Sprintf(message.Key(key, key), arguments...)
}

// Or returns the message with the key, or the text if there is no such message.
func (w Words) Or(key, text string) string {
	if _, known := messages[w.Language][key]; known {
		return w.T(key)
	}
	return text
}

// texts holds the texts of each language, by their keys. A text is a format of package fmt, or a count: %d writes a
// number with commas, %#d an id without. Korean sentences end in -습니다, buttons are nouns, and no particle stands in
// brackets.
type texts map[Language]map[string]any

// messages holds the texts of all rooms.
var messages = union(
	pageTexts, refusalTexts, entryTexts, campaignsTexts, draftTexts, auditTexts, machineTexts, keysTexts,
	typesTexts, proofTexts, membersTexts, ledgerTexts,
)

// union returns the texts of all rooms in one. A key that two rooms have is a fault of this package's source.
func union(all ...texts) texts {
	one := texts{Korean: {}, English: {}}
	for _, room := range all {
		for l, of := range room {
			for key, text := range of {
				if _, double := one[l][key]; double {
					panic("two texts of " + key) //nolint:forbidigo // a fault of this package's source
				}
				one[l][key] = text
			}
		}
	}
	return one
}

// count is a text that depends on how many its first argument says: English has two forms.
type count struct{ one, other string }

var catalogue = mustBuild()

func mustBuild() catalog.Catalog {
	b := catalog.NewBuilder(catalog.Fallback(language.Korean))
	for l, texts := range messages {
		tag := language.Make(string(l))
		for key, text := range texts {
			if err := set(b, tag, key, text); err != nil {
				panic(fmt.Sprintf("message %s of %s: %v", key, l, err)) //nolint:forbidigo // a fault of this package's source
			}
		}
	}
	return b
}

func set(b *catalog.Builder, tag language.Tag, key string, text any) error {
	if c, ok := text.(count); ok {
		return b.Set(tag, key, plural.Selectf(1, "%d", plural.One, c.one, plural.Other, c.other))
	}
	return b.SetString(tag, key, fmt.Sprint(text))
}
