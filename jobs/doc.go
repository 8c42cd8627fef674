// Package jobs is the timetable: what runs by itself, how often, in which queue. Each job is one file, args beside worker,
// and calls methods of app, outbox or money; all kinds and all schedules stand in client.go.
//
// Every job may run twice, at once too, and may be killed anywhere: what it calls says so.
package jobs
