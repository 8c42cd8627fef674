// Command model explores every state that one event can come into through T2 to T9 and T15, and finds whether an
// invariant breaks: a grant lost, counted twice, or begun after a stop or a brake had answered.
//
//	go run ./internal/harness/model -stops 1 -handler-kills 1 -answers granted,refused-good,unknown-done
//	go run ./internal/harness/model -stops 1 -redrives 1 -without answer-unsettled
//
// The first prints how many states there are and that every invariant holds. The second leaves a clause out, and prints
// the shortest way to what breaks. -h lists all flags; -q tells no ways.
//
// # How to change T2 to T9 and T15
//
// The model first. Change the clause here, run the tests, and change the code when they are green. A new clause gets a
// name in faultNames and a line in TestAClauseLeftOutIsFound: a clause without which nothing breaks is not needed, or
// the model does not see what it is for. And who finds the code doing otherwise than the model changes one of the two.
//
// # What it models
//
// An event of one or two chunks of two members, two handlers, one or two relays, a ledger, and Kafka as a set of
// messages that may come in any order, again, or never. A step is a transaction, a call of the ledger, or something
// that happens to a process; between two steps anything else may happen. Accidents are counted down from a budget, so
// that there is an end.
//
//	relay.go      T3: fetch, read, publish, mark; killed, or paused until River gives the job away
//	claim.go      T4: who is admitted, the claim and its token, a message of a stopped event
//	ask.go        T5: the ledger's answers, the deadline, giving a claim back, leases that end
//	settle.go     T6: what rows become, jobs that are asked for, the claim's end
//	part.go       a ledger that answers for a part of a claim, or of a look-up
//	isolate.go    a chunk that kills who asks for it
//	lifecycle.go  T2 resume, T7 close, T8 stop, T9 redrive, sweep and reconcile
//	brake.go      T15, its release, and the start or resume that it meets
//	invariants.go all that must hold, on one page
//	config.go     the clauses that can be left out, on one page
//
// Who is admitted, what may overwrite what, and what that adds to the counters is not modelled: domain.Result.Admits
// and Settle, domain.Change and domain.Event.Done are called. The SQL and the rest of app and outbox are modelled by
// hand, so what is shown holds for the rules; that the code follows them is for its own tests.
//
// Members of a chunk, chunks, handlers and relays are interchangeable, and states that differ in their names only are
// one. L1, L2 and the second S3 ask more than that nothing bad happens: from every state the end can be reached without
// luck.
//
// # What it does not model
//
// T1 and events beside this one: the import, lanes, StartDue. For a brake, the start of this event stands for that of
// any other. Where there are brakes the event begins PENDING, a start or a resume is two steps, and so is T4: the
// brake's row is not under the gate. The rest of T15, its locks and its stop, is one step: nothing that saw no row is
// under way by then. A brake whose process dies is one that comes no further before it is released. A relay job of a
// braked event sleeps (T3): without that nothing breaks, since T4 drops its message and the reconcile brings it back,
// but it takes longer.
//
// Time but for leases: backoff, a retry brought forward, the patience of the reconcile. A relay job has one chunk, so
// no batch is published in part. The members that T4 parks because no row knows them. Isolation of more than one member
// of a chunk. The two transactions of a lookup at STOPPED are one step up to its answer; settling and acknowledging are
// one step, or the ack is lost. A reconcile comes when no message of the chunk is left, which stands for offsets that
// the group has passed. Jobs of a chunk that say the same are one, and so are messages. A process that was paused past
// its lease is as good as dead: no other process can tell the difference.
//
// Why a claim ends before its lease: by time, or because its process is gone (processes.Takeover). Both are the one
// step "open_until passes", which may come at any moment. After it the ledger applies nothing that was asked for under
// the claim, and a handler that lives asks no more: by its deadline and its lease, or because no session of the
// process is left and a new one is of another life (pg.Presence). That River gives the job of such a process away is
// the rescue, or the pause of a relay that lives.
//
// The breaker of a ledger, and whether it is the right one. T4 asks for both after it has read the event. If the ledger
// is away T4 writes nothing and leaves the message where it is, which is a message that no handler has taken yet, so it
// adds no state.
//
// That T4 refuses a chunk whose rows are not what was imported is not modelled either, since members have no content
// here. It adds no step: the refusal writes nothing and leaves the message where it is, which is a message that no
// handler has taken yet. The fault that follows in a transaction of its own is T8 without an answer, at any moment:
// every stop of the model is that, and a claim that ran out before it is looked up at rest as ever. In a COMPLETED
// event the refusal is an isolated member's lookup and answer: granted if the ledger has it, refused for good if not.
//
// # How large
//
// The tests explore 21 small configurations and 39 left-out clauses in about 25 s of two cores. By flags, on one core
// of a virtual machine with two, with every invariant holding:
//
//	-stops 1 -handler-kills 2 -redrives 1 -isolate-after 1 -answers granted,refused-good,unknown                 2192081 states  13 s
//	-stops 2 -lost-acks 1 -handler-kills 2 -lost-messages 1 -answers granted,refused-good,unknown-done           1037550 states   8 s
//	-stops 2 -handler-kills 1 -redrives 1 -answers granted,refused-good,unknown-done,unknown-late                1501345 states   9 s
//	-retries 1 -stops 1 -handler-kills 1 -lost-acks 1 -relay-kills 1 -answers granted,refused,refused-good,unknown-done
//	                                                                                                             2661357 states  16 s
//	-brakes 2 -stops 1 -handler-kills 1 -answers granted,refused-good,unknown-done                               1349677 states  20 s
//	-open 2 -parts -stops 1 -handler-kills 1 -answers granted,refused-good,unknown-done
//	                                                                                                             1032950 states  12 s
//	-brakes 1 -redrives 1 -stops 1 -lost-messages 1 -handler-kills 1                                             2210678 states  30 s
//
// A million states take about 250 MB. There is room for ten different messages; a run that needs more says so.
package main
