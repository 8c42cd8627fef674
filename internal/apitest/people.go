package apitest

import (
	"testing"
	"time"

	"bestow/app/command"
	"bestow/app/people"
	"bestow/domain"
	"bestow/internal/desktest"

	"github.com/pquerna/otp/totp"
	"github.com/stretchr/testify/require"
)

// Password is the password of a person whom Enrol makes.
const Password = "correct horse battery"

// Phone shows the codes of a person.
type Phone struct{ Secret string }

// Code returns the code of this half minute, by the database's clock.
func (p Phone) Code(d *desktest.Desk) string {
	d.Helper()
	var now time.Time
	require.NoError(d, d.Pool.QueryRow(d.Context(), `SELECT now()`).Scan(&now))
	return p.CodeAt(d, now)
}

// CodeAt returns the code of a moment.
func (p Phone) CodeAt(tb testing.TB, at time.Time) string {
	tb.Helper()
	code, err := totp.GenerateCode(p.Secret, at)
	require.NoError(tb, err)
	return code
}

// Enrol makes a person with Password and a phone, who has used no code since.
func Enrol(d *desktest.Desk, name string, role domain.Role) Phone {
	d.Helper()
	made, err := d.App.People.Invite(d.Context(), command.Caller{Actor: domain.AdminName},
		people.NewInvite{Name: name, Role: role})
	require.NoError(d, err)
	opened, err := d.App.People.Open(d.Context(), made.Token, "192.0.2.1")
	require.NoError(d, err)
	p := Phone{opened.Secret}
	_, _, err = d.App.People.Enrol(d.Context(), made.Token, people.Credentials{
		Password: Password, Code: p.Code(d), Address: "192.0.2.1",
	})
	require.NoError(d, err)
	d.SQL(`UPDATE passwords SET last_step = 0`)
	return p
}
