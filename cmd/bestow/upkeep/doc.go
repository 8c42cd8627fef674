// Package upkeep has the commands of those who keep an installation: migrate, verify, doctor, installation, ledger,
// secrets. They read DATABASE_URL themselves, since they must work when the service does not.
//
// What they must never do: ask a process where the database has the answer.
package upkeep
