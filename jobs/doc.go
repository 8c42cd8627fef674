// Package jobs holds the timetable: the jobs that run by themselves, how often, and in which queue. All kinds,
// schedules and workers stand in timetable.go; a worker with rules of its own has a file beside it. They call methods
// of app, outbox and money.
//
// Every job may run twice, even at the same time, and may be killed anywhere. The methods that it calls allow that.
package jobs
