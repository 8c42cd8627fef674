// Package ownfiles makes the folders and secret files that bestow keeps for itself, and puts their modes right.
//
// Several processes share them: as root, PostgreSQL runs as another user and has to pass every folder on the way to its
// own. So whichever command comes first, whatever its umask is and whatever mode an earlier one left, a shared folder
// ends as 0755, and what is secret in it as 0700 or 0600.
//
// What it must never do: change a folder that lies above the one that it is given, or the user's home.
package ownfiles
