// Package ownfiles makes the folders and secret files that bestow keeps for itself, and puts their modes right.
//
// Several processes share them: as root, PostgreSQL runs as another user and must pass every folder on the way to its
// own. So a shared folder always gets mode 0755, and its secret files 0700 or 0600. That does not depend on the umask,
// on the command that runs first, or on the mode that an earlier one left.
//
// What it must never do: change a folder that lies above the one that it is given, or the user's home.
package ownfiles
