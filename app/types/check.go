package types

import (
	"regexp"
	"slices"
	"strings"

	"bestow/domain"

	"golang.org/x/text/unicode/norm"
)

// addLimits adds the limits that cannot be; nil is no limit.
func addLimits(f *domain.Faults, perMember, perEvent *int64, count *int32) {
	const low = "must be 1 or more, or null for none"
	if count != nil && *count < 1 {
		f.Add("max_count", low)
	}
	if perEvent != nil && *perEvent < 1 {
		f.Add("max_per_event", low)
	}
	if perMember != nil && *perMember < 1 {
		f.Add("max_per_member", low)
	}
}

// refusal returns domain.Invalid with the faults in the order of their names, nil if there are none.
func refusal(f domain.Faults, message string) error {
	slices.SortFunc(f, func(a, b domain.Field) int { return strings.Compare(a.Name, b.Name) })
	return f.Refusal(message)
}

// maxLabel is the most characters of a type's label.
const maxLabel = 100

func checkLabel(label *string) string {
	if label == nil || *label == "" {
		return "is missing"
	}
	return domain.CheckText(norm.NFC.String(*label), maxLabel)
}

func checkUnit(unit *string) string {
	if unit == nil || domain.ValidUnit(*unit) {
		return ""
	}
	return "must be 1 to 10 capital letters, as in P or KRW, or null for none"
}

// granterName is the name of a ledger, as BESTOW_GRANTERS has it.
var granterName = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,29}$`)

func checkGranter(name string) string {
	if granterName.MatchString(name) {
		return ""
	}
	return "must be a name of BESTOW_GRANTERS, or money for the ledger of this product"
}
