// Package jobs is the timetable: what runs by itself, how often, in which queue. All kinds, schedules and workers stand
// in timetable.go; a worker with rules of its own has a file beside it. They call methods of app, outbox and money.
//
// Every job may run twice, at once too, and may be killed anywhere: what it calls says so.
package jobs
