// Command mutants plants one fault after another in the rules of a grant and the ledger (list.go), in the life of an
// event (list_life.go), in idempotency keys, imports, vouchers and policies (list_rooms.go), in the outbox
// (list_outbox.go) and in the timetable (list_jobs.go), and runs the tests of the room in which it is planted: each
// fault has to turn one of them red.
//
//	go run ./internal/harness/mutants                 # all of them; an hour on two idle cores
//	go run ./internal/harness/mutants -only settle    # those whose names begin so
//
// Nothing of the tree is changed: the compiler reads the faulty file in place of the real one (go test -overlay). A
// fault that no test finds is a survivor, and the command fails. A fault that does not compile proves nothing, and
// fails it too.
package main
