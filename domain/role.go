package domain

import (
	"slices"
	"strings"
)

// Role says what a principal, a person or a service, may do. It is wire format.
type Role string

// The roles. Each of the first three may do what the one before it may. An Admin may do what an Operator may, and is
// not thereby an Approver.
const (
	Viewer   Role = "viewer"   // reads; member ids are masked
	Operator Role = "operator" // makes, imports, starts, stops, brakes, redrives
	Approver Role = "approver" // releases brakes
	Admin    Role = "admin"    // gives out keys, sets the limits of event types
)

// Roles lists all of them.
func Roles() []Role { return []Role{Viewer, Operator, Approver, Admin} }

// Right is what a request asks of its caller's role.
type Right string

// The rights.
const (
	Read       Right = "read"       // see everything but whole member ids
	ReadWhole  Right = "read_whole" // see whole member ids, and rows as they were uploaded
	Operate    Right = "operate"    // change events
	Release    Right = "release"    // let go on what a brake holds
	Reveal     Right = "reveal"     // see the PIN of a voucher
	Administer Right = "administer" // keys, event types, River's own pages
)

// May reports whether the role has the right. Until a start needs an approval, an Admin may release a brake: an
// installation begins with one key, of an Admin.
func (r Role) May(right Right) bool {
	switch right {
	case Read:
		return slices.Contains(Roles(), r)
	case ReadWhole, Operate:
		return r == Operator || r == Approver || r == Admin
	case Release, Reveal:
		return r == Approver || r == Admin
	case Administer:
		return r == Admin
	}
	return false
}

// Check says why it is no role, "" if it is one.
func (r Role) Check() string {
	if !r.May(Read) {
		return "must be viewer, operator, approver or admin"
	}
	return ""
}

// RolesThatMay lists the roles that have the right.
func RolesThatMay(right Right) []Role {
	return slices.DeleteFunc(Roles(), func(r Role) bool { return !r.May(right) })
}

// AdminName is the name of the principal that has the key in BESTOW_ADMIN_KEY.
const AdminName = "admin"

// MaxPrincipal is the most characters of a principal's name.
const MaxPrincipal = 50

// CheckPrincipal says why the name cannot be a principal's; "" if it can. The caller has brought it to NFC.
func CheckPrincipal(name string) string {
	switch {
	case name == "":
		return "is missing"
	case strings.EqualFold(name, AdminName):
		return "belongs to BESTOW_ADMIN_KEY"
	case strings.Contains(name, ":"): // as host:USER in the audit
		return "must not have a colon"
	}
	return CheckText(name, MaxPrincipal)
}

// CheckNewPrincipal refuses a name that mixes scripts, or has characters that look like others, for a principal that is
// made now: in the audit it may be taken for another one. A principal that is there keeps such a name. Error: Invalid.
func CheckNewPrincipal(name string) error {
	var f Faults
	f.Add("name", Lookalike(name))
	return f.Refusal("the name may be taken for another one")
}

// Principal is who asks: a person or a service, by one of its keys or by a session. The zero value is nobody, and may
// do nothing.
type Principal struct {
	Name      string // unique; stands in created_by and in the audit
	Role      Role
	KeyID     int64 // 0: the key of BESTOW_ADMIN_KEY, or no key
	SessionID int64 // 0: no session
}
