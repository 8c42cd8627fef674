// Package page is what all pages of the console have: the frame around them, what is read for it, the parts that many
// pages show, and how forms are read and answered. It knows no page of its own but the one of a refusal.
package page
