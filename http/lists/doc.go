// Package lists serves the routes of member lists: the upload of one, whole or in pieces, the imports of an event, and
// the download of rejected rows. Both directions are streams: their memory does not grow with the rows.
//
// Start with import.go. web/upload.go reads the body of a client that may be slow or gone. resume.go has the routes of
// uploads that come in pieces by the tus protocol, and tus.go lets tusd work them.
//
// What it must never do: read rows. [bestow/app/imports] does.
package lists
