// Package people handles the routes of sessions and of invites.
//
// Start with handlers.go. wire.go has the bodies, session.go and invite.go the routes,
// page.go the page behind a link, company.go the way over the company's identity provider.
//
// What it must never do: log a password, a code or a token, or show a session's token but in the cookie that sets it.
package people
