package people

import (
	"time"

	"bestow/app/people"
)

// SignIn is the body of POST /session.
type SignIn struct {
	Name     string `json:"name" maxLength:"50" example:"kim"`
	Password string `json:"password" maxLength:"200"`
	Code     string `json:"code" maxLength:"20" doc:"six digits, as the phone shows them now; each is good once" example:"123456"`
}

// Refresh is the body of POST /session/fresh.
type Refresh struct {
	Password string `json:"password" maxLength:"200"`
	Code     string `json:"code" maxLength:"20" doc:"six digits, as the phone shows them now; each is good once" example:"123456"`
}

// Me says who asks.
type Me struct {
	Name    string   `json:"name"`
	Role    string   `json:"role" enum:"viewer,operator,approver,admin"`
	Session *Session `json:"session,omitempty" doc:"absent for an API key"`
}

// Session is a person's session: not its token.
type Session struct {
	ID         int64     `json:"id"`
	Name       string    `json:"name"`
	Role       string    `json:"role" enum:"viewer,operator,approver,admin"`
	Address    string    `json:"address" doc:"where it began"`
	CreatedAt  time.Time `json:"created_at"`
	SeenAt     time.Time `json:"seen_at" doc:"to the minute"`
	FreshUntil time.Time `json:"fresh_until" doc:"what is dangerous asks for POST /session/fresh after it"`
	EndsAt     time.Time `json:"ends_at" doc:"if no request comes"`
	ExpiresAt  time.Time `json:"expires_at" doc:"at the latest"`
}

// Sessions lists sessions.
type Sessions struct {
	Items []Session `json:"items"`
}

// Person is a person or a service.
type Person struct {
	ID         int64      `json:"id"`
	Name       string     `json:"name"`
	Kind       string     `json:"kind" enum:"person,service"`
	Role       string     `json:"role" enum:"viewer,operator,approver,admin"`
	CreatedBy  string     `json:"created_by"`
	CreatedAt  time.Time  `json:"created_at"`
	Disabled   bool       `json:"disabled"`
	DisabledAt *time.Time `json:"disabled_at"`
	Password   bool       `json:"password" doc:"signs in with a password and a phone"`
	Company    bool       `json:"company" doc:"has signed in with the company's identity provider"`
	Keys       int        `json:"keys" doc:"that are neither revoked nor expired"`
	SeenAt     *time.Time `json:"seen_at" doc:"the last use of a session or a key, to the minute"`
}

// People is a page of people and services.
type People struct {
	Items      []Person `json:"items"`
	NextCursor *string  `json:"next_cursor"`
}

// PersonPatch is the body of PATCH /people/{id}.
type PersonPatch struct {
	Role     *string `json:"role,omitempty" enum:"viewer,operator,approver,admin"`
	Disabled *bool   `json:"disabled,omitempty" doc:"true takes the access away, false gives it back"`
}

// NewInvite is the body of POST /invites.
type NewInvite struct {
	Name string `json:"name" minLength:"1" maxLength:"50" doc:"of the person; it stands in created_by and in the audit" example:"kim"`
	Role string `json:"role" enum:"viewer,operator,approver,admin"`
}

// Invite is the answer to POST /invites.
type Invite struct {
	ID        int64     `json:"id"`
	Name      string    `json:"name"`
	Role      string    `json:"role" enum:"viewer,operator,approver,admin"`
	Token     string    `json:"token" doc:"good once, until expires_at; it is shown this once"`
	ExpiresAt time.Time `json:"expires_at"`
}

// InviteToken is the body of POST /invites/open.
type InviteToken struct {
	Token string `json:"token" maxLength:"100"`
}

// Enrolment is the answer to POST /invites/open.
type Enrolment struct {
	Name      string    `json:"name"`
	Role      string    `json:"role" enum:"viewer,operator,approver,admin"`
	Secret    string    `json:"secret" doc:"of the codes, to be typed into the phone"`
	URI       string    `json:"uri" doc:"otpauth, to be shown to the phone as a QR code"`
	ExpiresAt time.Time `json:"expires_at"`
}

// NewPassword is the body of POST /invites/accept.
type NewPassword struct {
	Token    string `json:"token" maxLength:"100"`
	Password string `json:"password" minLength:"12" maxLength:"200"`
	Code     string `json:"code" maxLength:"20" doc:"the first code that the phone shows" example:"123456"`
}

func wireSession(s people.Session) Session {
	return Session{
		ID: s.ID, Name: s.Name, Role: string(s.Role), Address: s.Address, CreatedAt: s.CreatedAt.UTC(),
		SeenAt: s.SeenAt.UTC(), FreshUntil: s.FreshUntil().UTC(), EndsAt: s.EndsAt().UTC(), ExpiresAt: s.ExpiresAt.UTC(),
	}
}

func wireMe(s people.Session) Me {
	wire := wireSession(s)
	return Me{Name: s.Name, Role: string(s.Role), Session: &wire}
}
