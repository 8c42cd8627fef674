// Package campaign has the commands that ask the service at BESTOW_URL with BESTOW_KEY: those about events, member
// lists, results, lanes, event types, brakes and parked messages. There is one file for each command.
//
// What it must never do: read the database. A person has the rights of the key.
package campaign
