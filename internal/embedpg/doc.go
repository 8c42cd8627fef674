// Package embedpg runs a PostgreSQL of our own, so that `bestow demo`, `bestow bench` and the tests need nothing set
// up.
//
// Start finds the binaries (those of the machine first, else it fetches PostgreSQL 18 once and keeps it), makes the
// data folder if there is none, starts postgres on 127.0.0.1 with a password of its own, and returns when it takes
// connections. The files in Options.Dir:
//
//	lock          flock: one instance per folder
//	data          the cluster; data.new-* is one that initdb was still making
//	password      of the superuser, 0600
//	postgres.log  what postgres said, the last start at the end
//
// Dir has mode 0755, so that postgres' account can pass it. Its secret files have 0700 or 0600. Wrong modes are
// corrected.
//
// Fetched binaries are kept apart, in Options.Cache, for all instances.
//
// After any kill the next Start works. If we die, the kernel (on macOS a watching shell) tells postgres to stop. If an
// orphan is still there, Start stops it first. A stale postmaster.pid is removed only when no postgres works in the
// data folder.
//
// What it must never do: run in production (BESTOW_ENV=production refuses it), listen on anything but 127.0.0.1, take
// a connection without the password, touch a data folder whose lock it does not hold, switch fsync off unless asked,
// or hand our environment (it holds secrets) to postgres.
package embedpg
