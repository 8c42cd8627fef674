package main

// life is the room of the life of an event, and lifeTests are those of app/life_test.go.
const (
	life      = "./app"
	lifeTests = `^Test(MovesOfEachStatus|JobsFollow|LaneOf|CloseOf|BrakeHolds|RepeatedKeysOfMoves|RetryTakes|Deletion)`
)

// lifeMutants are the faults in the life of an event: its moves, the brake, a redrive, changes before the start, lanes.
var lifeMutants = []mutant{
	{"move: a repeated key undoes a stop", "app/lifecycle.go", "if err != nil || e.Status == domain.Running || e.Status == domain.Completed {", "if true {", life, lifeTests},
	{"move: a repeated start says it moved", "app/lifecycle.go", "if err != nil || e.Status == to {\n\t\treturn e, false, err\n\t}\n\tif err := s.mayStart(ctx, tx, e); err != nil {\n\t\treturn e, false, err\n\t}\n\tif err := eventrow.Move", "if err != nil || e.Status == to {\n\t\treturn e, true, err\n\t}\n\tif err := s.mayStart(ctx, tx, e); err != nil {\n\t\treturn e, false, err\n\t}\n\tif err := eventrow.Move", life, lifeTests},
	{"move: a start leaves jobs pending", "app/lifecycle.go", "\tif err := outbox.Release(ctx, tx, id); err != nil {\n\t\treturn e, false, err\n\t}\n\tat, err", "\tat, err", life, lifeTests},
	{"move: a start under a brake", "app/lifecycle.go", "\tbrake, err := obstacle.Engaged(ctx, tx, e.Type.Code)\n\tif err != nil {\n\t\treturn err\n\t}\n\tlargest", "\tbrake := (*domain.Brake)(nil)\n\tlargest", life, lifeTests},
	{"move: what goes on is closed", "app/lifecycle.go", "if e.Status != domain.Running || !e.Done() {", "if e.Status != domain.Running {", life, lifeTests},
	{"move: an end lets no next one begin", "app/lifecycle.go", "\ts.startNext(ctx)\n\treturn nil\n}\n\nfunc (s *Events) close(", "\treturn nil\n}\n\nfunc (s *Events) close(", life, lifeTests},
	{"move: a stop leaves jobs available", "app/lifecycle.go", "\tif err := outbox.Hold(ctx, tx, id); err != nil {\n\t\treturn e, false, err\n\t}\n", "", life, lifeTests},
	{"move: a stop lets no next one begin", "app/lifecycle.go", "\ts.startNext(ctx)\n\tif err := failpoint.Hit(ctx, failpoint.StopBeforeDrain)", "\tif err := failpoint.Hit(ctx, failpoint.StopBeforeDrain)", life, lifeTests},
	{"move: a repeated stop is answered only", "app/lifecycle.go", "command.Run(ctx, s.pool, by, stop.Anew())", "command.Run(ctx, s.pool, by, stop)", life, lifeTests},
	{"move: a resume makes no jobs", "app/lifecycle.go", "\tif err := outbox.Requeue(ctx, tx, s.river, e.Type, id, s.relayChunks); err != nil {\n\t\treturn e, false, err\n\t}\n", "", life, lifeTests},
	{"brake: stops nothing", "app/brake.go", "stopped, err := s.stopBraked(ctx, b, ofABrake)", "stopped, err := []int64(nil), error(nil)", life, lifeTests},
	{"brake: a release starts nothing", "app/brake.go", "\ts.startNext(ctx)\n\treturn left, nil", "\treturn left, nil", life, lifeTests},
	{"redrive: under a brake", "app/redrive.go", "\tif brake != nil {\n\t\treturn e, brake.Engaged()\n\t}\n", "\t_ = brake\n", life, lifeTests},
	{"redrive: an open one again", "app/redrive.go", "AND status = 'PERMANENTLY_FAILED' AND redrive_done = redrive\n\t      AND ($2", "AND status = 'PERMANENTLY_FAILED'\n\t      AND ($2", life, lifeTests},
	{"redrive: with any code", "app/redrive.go", "AND ($2 = '' OR error_code = $2) AND (NOT $5", "AND ($2 = '' OR error_code = $2 OR true) AND (NOT $5", life, lifeTests},
	{"redrive: after the expiry", "app/redrive.go", "AND (NOT $5 OR error_code = 'mismatch') AND member_id > $3", "AND ($5 OR true) AND member_id > $3", life, lifeTests},
	{"redrive: no jobs", "app/redrive.go", "\tif err := outbox.Redriven(ctx, tx, rd.river, chunks); err != nil {\n\t\treturn 0, \"\", err\n\t}\n", "\t_ = chunks\n", life, lifeTests},
	{"redrive: of a stopped event", "app/redrive.go", "if err != nil || e.Status == domain.Running || e.Status == domain.Completed {", "if err != nil || e.Status != domain.Pending {", life, lifeTests},
	{"edit: of what has begun", "app/edit.go", "(e.Status != domain.Pending || e.Summary.StartedAt != nil)", "false", life, lifeTests},
	{"delete: targets stay", "app/edit.go", "\tif err := deleteTargets(ctx, tx, e); err != nil {\n\t\treturn err\n\t}\n", "", life, lifeTests},
	{"delete: jobs stay", "app/edit.go", "\tif err := outbox.Discard(ctx, tx, id); err != nil {\n\t\treturn err\n\t}\n", "\t_ = outbox.Discard\n", life, lifeTests},
	{"delete: no record", "app/edit.go", "\tif err := recordDeletion(ctx, tx, e, by.Actor); err != nil {\n\t\treturn err\n\t}\n", "", life, lifeTests},
	{"lane: any order", "app/lifecycle_sql.go", "AND NOT e.reservation_missed ORDER BY `+eventrow.Turn)", "AND NOT e.reservation_missed ORDER BY e.id, `+eventrow.Turn)", life, lifeTests},
}
