package main

// timetable is the room of the jobs that run by themselves.
const timetable = "./jobs"

// The tests of jobs that have to find a fault.
const (
	scheduleTests = `^Test(Schedules|OneAt|Config|NextRetry|Warned|Timeouts|Collect)`
	workedTests   = `^TestThe(Timetable)`
	roleTests     = `^TestAProcess`
	expireTests   = `^TestExpire`
	verifyTests   = `^TestVerify`
)

// jobsMutants are the faults in the timetable and in its workers.
var jobsMutants = []mutant{
	{"timetable: no sweep", "jobs/timetable.go", "every(30*time.Second, sweepArgs{}),", "//", timetable, scheduleTests},
	{"timetable: expiry without end of others", "jobs/timetable.go", "oneEvery(time.Minute, expireArgs{}),", "every(time.Minute, expireArgs{}),", timetable, scheduleTests},
	{"timetable: unique for ever", "jobs/timetable.go", "rivertype.JobStateRunning, rivertype.JobStateScheduled,", "rivertype.JobStateRunning, rivertype.JobStateScheduled, rivertype.JobStateCompleted,", timetable, scheduleTests},
	{"timetable: unique, but beside one that is tried again", "jobs/timetable.go", "schedule{every: d, args: args, one: true}", "schedule{every: d, args: args, one: false}", timetable, scheduleTests},
	{"timetable: not at the start", "jobs/timetable.go", "RunOnStart: s.one", "RunOnStart: false", timetable, roleTests},
	{"timetable: discarded at last", "jobs/timetable.go", "MaxAttempts: math.MaxInt16}", "MaxAttempts: math.MaxInt8}", timetable, scheduleTests},
	{"timetable: in the relay's queue", "jobs/timetable.go", "Queue: Queue, MaxAttempts", "Queue: outbox.Queue, MaxAttempts", timetable, scheduleTests},
	{"worker: the sweep reconciles", "jobs/timetable.go", "with.Sweeper.Sweep))", "with.Sweeper.Reconcile))", timetable, workedTests},
	{"worker: the reconcile sweeps", "jobs/timetable.go", "with.Sweeper.Reconcile))", "with.Sweeper.Sweep))", timetable, workedTests},
	{"worker: nothing is closed", "jobs/timetable.go", "add[closeDoneArgs](w, events.CloseDone)", "add[closeDoneArgs](w, events.Tidy)", timetable, workedTests},
	{"worker: what is braked runs", "jobs/timetable.go", "errors.Join(events.StopBraked(ctx), events.StartDue(ctx))", "events.StartDue(ctx)", timetable, workedTests},
	{"worker: what is due waits", "jobs/timetable.go", "errors.Join(events.StopBraked(ctx), events.StartDue(ctx))", "events.StopBraked(ctx)", timetable, workedTests},
	{"worker: processes are kept", "jobs/timetable.go", "with.App.Processes.Tidy(ctx),\n", "nil,\n", timetable, workedTests},
	{"worker: uploads are kept", "jobs/timetable.go", "with.App.Uploads.Tidy(ctx))", "nil)", timetable, workedTests},
	{"worker: no forecast", "jobs/timetable.go", "_, err := with.Ledger.CountForecast(ctx)\n\t\treturn err", "return nil", timetable, workedTests},
	{"worker: a forecast of 20 seconds", "jobs/timetable.go", "return w.timeout }", "return 0 }", timetable, scheduleTests},
	{"warned: of nothing", "jobs/timetable.go", "if n > 0 {", "if n >= 0 {", timetable, scheduleTests},
	{"warned: the error is lost", "jobs/timetable.go", "found(job.Kind(), n)\n\t\t}\n\t\treturn err", "found(job.Kind(), n)\n\t\t}\n\t\t_ = err\n\t\treturn nil", timetable, scheduleTests},
	{"collect: the first hundred", "jobs/timetable.go", "after = done.Last\n", "break\n", timetable, scheduleTests},
	{"collect: one error stops it", "jobs/timetable.go", "if done.Members == 0 {", "if done.Members == 0 || err != nil {", timetable, scheduleTests},
	{"client: a rescue of what runs", "jobs/client.go", "rescueAfter = 30 * time.Second", "rescueAfter = 10 * time.Second", timetable, scheduleTests},
	{"client: discarded jobs are forgotten", "jobs/client.go", "DiscardedJobRetentionPeriod: -1,", "", timetable, scheduleTests},
	{"client: a wait without a cap", "jobs/client.go", "min(time.Second<<min(len(job.Errors), 4), maxRetryWait)", "time.Second << len(job.Errors)", timetable, scheduleTests},
	{"client: the relay's queue for all", "jobs/client.go", "if c.Queues.Relay {", "if true {", timetable, scheduleTests},
	{"client: the timetable's queue for all", "jobs/client.go", "if c.Queues.Jobs {", "if true {", timetable, scheduleTests},
	{"client: one process may lead", "jobs/client.go", "for _, s := range schedules() { //", "for _, s := range schedules()[:len(cfg.Queues)] { //", timetable, scheduleTests},
	{"expire: off", "jobs/expire.go", "if w.off {", "if false {", timetable, expireTests},
	{"expire: one chunk", "jobs/expire.go", "case done.Due > done.Left:\n\t\t\tcontinue", "case done.Due > done.Left:\n\t\t\treturn nil", timetable, expireTests},
	{"expire: what is left waits a minute", "jobs/expire.go", "return river.JobSnooze(0)", "return nil", timetable, expireTests},
	{"verify: two at once", "jobs/verify.go", "default:\n\t\treturn river.JobSnooze(verifyWait)", "default:\n\t\tif false {\n\t\t\treturn river.JobSnooze(verifyWait)\n\t\t}", timetable, verifyTests},
	{"verify: a report for ever", "jobs/verify.go", "job.Attempt >= verifyAttempts", "job.Attempt > verifyAttempts", timetable, verifyTests},
	{"verify: one that takes too long comes again", "jobs/verify.go", "if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {", "if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) && false {", timetable, verifyTests},
	{"verify: a stop cancels the report", "jobs/verify.go", "errors.Is(ctx.Err(), context.DeadlineExceeded)", "(errors.Is(ctx.Err(), context.DeadlineExceeded) || ctx.Err() != nil)", timetable, verifyTests},
}
