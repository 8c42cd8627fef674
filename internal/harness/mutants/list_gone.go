package main

// The tests of a process that is gone, by the room in which a fault is.
const (
	presenceTests = `^Test(AProcess|ALife|WhatALife|MarkedBetween)`
	goneTests     = `^Test(AKilled|AProcess|Nobody|Places)`
	claimLife     = `^TestAClaim(Ends|Of)`
)

// goneMutants are the faults in how a process that is gone is found, and in what becomes of its work.
var goneMutants = []mutant{
	{"presence: a life that is over goes on", "internal/pg/presence.go", "if over || p.server", "if p.server", "./internal/pg", presenceTests},
	{"presence: a new server, the old life", "internal/pg/presence.go", " || p.server != \"\" && server != p.server", "", "./internal/pg", presenceTests},
	{"presence: sessions of any life", "internal/pg/presence.go", "asked && life != lifeOf(conn)", "asked && life < 0", "./internal/pg", presenceTests},
	{"presence: the lock of before is kept", "internal/pg/presence.go", "SELECT pg_catalog.pg_advisory_unlock_shared(%[1]d", "SELECT pg_catalog.int4pl(%[1]d", "./internal/pg", presenceTests},
	{"gone: at once", "app/processes/gone.go", "const goneAfter = 2 * time.Second", "const goneAfter = time.Duration(0)", "./app/processes", goneTests},
	{"presence: gone while a session is left", "internal/pg/presence.go", "pg_try_advisory_xact_lock(x'62737477'::int, hashtext(process || '/' || number))", "process <> '' AND number > 0", "./internal/pg", presenceTests},
	{"gone: right after a start", "app/processes/gone.go", "pg_postmaster_start_time() < clock_timestamp() - $2::interval", "$2::interval >= '0'", "./app/processes", goneTests},
	{"gone: its jobs stay", "app/processes/gone.go", "WHERE state = 'running' AND attempted_by", "WHERE state = 'retryable' AND attempted_by", "./app/processes", goneTests},
	{"gone: the jobs of all", "app/processes/gone.go", " AND attempted_by[cardinality(attempted_by)] = $1", " AND $1 <> ''", "./app/processes", goneTests},
	{"gone: the claims of all", "app/processes/gone.go", "WHERE claim_token BETWEEN $1 AND $2 AND", "WHERE $1 <= $2 AND", "./app/processes", goneTests},
	{"gone: its claims stay", "app/processes/gone.go", "SET open_until = clock_timestamp(),", "SET open_until = c.open_until,", "./app/processes", goneTests},
	{"gone: it leads on", "app/processes/gone.go", "if err != nil || leader != process {", "if err != nil || leader != \"\" {", "./app/processes", goneTests},
	{"gone: it has left a life, and loses its jobs", "app/processes/gone.go", "err != nil || g.Lives {", "err != nil {", "./app/processes", goneTests},
	{"presence: its row keeps the life before", "internal/pg/presence.go", "if life == 1 {", "if life > 0 {", "./internal/pg", presenceTests},
	{"gone: missed by who was blind", "app/processes/gone.go", "t.missing, t.blind = map[life]time.Time{}, now", "t.blind = now", "./app/processes", `^Test(Who|Lives)`},
	{"gone: lives in any order", "app/processes/gone.go", "gone = $2 - 1", "gone < $2", "./app/processes", `^Test(Who|Lives)`},
	{"its claim: counted though nobody could ask", "app/grants/ledger.go", "if errors.Is(err, pg.ErrLifeOver) {", "if false {", heart, claimLife},
	{"its claim: outlives its life", "app/grants/ledger.go", "pg.InLife(ctx, c.life)", "pg.InLife(ctx, 0)", heart, claimLife},
	{"its claim: without the mark", "app/grants/claim.go", "copy(c.token[:], mark[:])", "_ = mark", heart, claimLife},
	{"its claim: ends with any ledger's life", "app/grants/claim.go", "s.mark(e, life); ends {", "s.mark(e, life); ends || life > 0 {", heart, claimLife},
}
