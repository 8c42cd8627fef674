// Package upkeep has the commands of those who keep an installation: migrate, verify, doctor, installation, ledger,
// secrets. They read DATABASE_URL themselves, since they must work when the service does not. There is one file for
// each command.
//
// What they must never do: trust what a process says of itself where a row of the database can be read.
package upkeep
