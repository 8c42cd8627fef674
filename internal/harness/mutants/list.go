package main

import "slices"

// mutants are all faults that the command plants.
var mutants = slices.Concat(grantMutants, lifeMutants, onceMutants, listMutants, voucherMutants, policyMutants, outboxMutants,
	jobsMutants, deskMutants, rightsMutants, goneMutants)

// The rooms in which faults are planted, with the tests that have to find them.
const (
	rules  = "./domain"
	heart  = "./app/grants"
	grants = "./money/grants"
	points = "./money/points"
)

// grantTests are those of app/grants/grants_test.go.
const grantTests = `^Test(WhatASettlingWrites|AMessage|AClaim|NothingIsClaimed|ALedgerThat|AChunkThat)`

// grantMutants are the faults in the rules, in the path of a grant and in the ledger, by the transaction in which they are.
var grantMutants = []mutant{
	// What is still to be asked for, and what a row becomes: rules.
	{"admit: a settled row", "domain/result.go", "return !r.Status.Final() && r.RetryCount == g.Try", "return r.RetryCount == g.Try", rules, "."},
	{"admit: an older try", "domain/result.go", "return !r.Status.Final() && r.RetryCount == g.Try", "return !r.Status.Final() && r.RetryCount >= g.Try", rules, "."},
	{"admit: a retry without a row", "domain/result.go", "return g.Try == 0", "return true", rules, "."},
	{"admit: a redrive that was told", "domain/result.go", "r.Redrive == g.Redrive && r.RedriveDone < r.Redrive", "r.Redrive == g.Redrive", rules, "."},
	{"rule: a success that changes", "domain/result.go", "if r.Status == Succeeded {\n\t\treturn r\n\t}\n\tr.Status, r.TxID", "r.Status, r.TxID", rules, "."},
	{"rule: a refusal without a claim", "domain/result.go", "if !own {\n\t\treturn r\n\t}\n", "", rules, "."},
	{"rule: a refusal of an older try", "domain/result.go", "if r.Status.Final() || r.RetryCount != g.Try {", "if r.Status.Final() {", rules, "."},
	{"rule: one retry too few", "domain/result.go", "r.RetryCount > limit {", "r.RetryCount >= limit {", rules, "."},
	{"rule: unknown answers a redrive", "domain/result.go", "if o.Verdict != Unknown {\n", "{\n", rules, "."},
	{"rule: contradicted for ever", "domain/result.go", "if r.Status == Refused && r.ErrorCode == Mismatch {", "if false {", rules, "."},
	{"count: retried at the first try", "domain/result.go", "if r.RetryCount > 0 {\n\t\t\tc.RetrySuccess = 1", "if true {\n\t\t\tc.RetrySuccess = 1", rules, "."},
	{"done: not all published", "domain/event.go", " && e.Summary.Published == e.TotalCount", "", rules, "."},
	{"moves: a completed event resumes", "domain/event.go", "return []Status{Stopped, Failed}, Running", "return []Status{Stopped, Failed, Completed}, Running", rules, "."},
	{"wait: retries that do not slow down", "domain/result.go", "wait *= 2", "wait *= 1", rules, "."},
	{"chunk: two partitions", "domain/chunk.go", "c.cur.PartitionKey == partitionKey && ", "", rules, "."},
	{"chunk: one target too many", "domain/chunk.go", "c.cur.Size() < c.MaxTargets", "c.cur.Size() <= c.MaxTargets", rules, "."},

	// T4: who is admitted, and the claim.
	{"claim: while another is open", "app/grants/claim.go", "if state.open {\n\t\t\treturn admission{}, outbox.ErrBusy\n\t\t}\n\t\tc := newClaim", "c := newClaim", heart, grantTests},
	{"claim: while the ledger is away", "app/grants/claim.go", "if err := s.granter.Away(e); err != nil {", "if err := s.granter.Away(e); false {", heart, grantTests},
	{"claim: of a stopped event", "app/grants/claim.go", "if braked || e.Status == domain.Stopped || e.Status == domain.Failed {", "if braked {", heart, grantTests},
	{"claim: under a brake", "app/grants/claim.go", "if braked || e.Status == domain.Stopped || e.Status == domain.Failed {", "_ = braked\n\t\tif e.Status == domain.Stopped || e.Status == domain.Failed {", heart, grantTests},
	{"claim: of another type", "app/grants/claim.go", "if e.Type.Code != m.EventType {", "if false {", heart, grantTests},
	{"claim: another member", "app/grants/batch.go", "case !ok || t.MemberID != g.MemberID:", "case !ok:", heart, grantTests},
	{"claim: another amount", "app/grants/batch.go", "case t.Amount != g.Amount:", "case false:", heart, grantTests},
	{"claim: no first row is read", "app/grants/batch.go", "if !state.first {\n\t\tif results,", "if false {\n\t\tif results,", heart, grantTests},
	{"claim: attempts that do not rise", "app/grants/grants_sql.go", "attempts = attempts + 1,", "attempts = attempts,", heart, grantTests},
	{"rest: an open claim is passed over", "app/grants/lapsed.go", "if state.open {\n\t\treturn admission{}, outbox.ErrBusy\n\t}\n\tb := batch", "b := batch", heart, grantTests},
	{"rest: nothing is looked up", "app/grants/lapsed.go", "if len(b.grants) == 0 {", "if true {", heart, grantTests},

	// T5: the ledger is asked.
	{"ask: fewer answers than grants", "app/grants/ledger.go", "if len(outcomes) > len(b.grants) || err == nil && len(outcomes) < len(b.grants) {", "if false {", heart, grantTests},
	{"ask: a lapsed claim asks", "app/grants/grants.go", "s.settleLapsed(ctx, *a.lapsed, a.batch)", "s.workWhole(ctx, claim{chunk: m.Chunk, began: time.Now()}, a.batch)", heart, grantTests},
	{"ask: a doubtful claim is closed", "app/grants/ledger.go", "return uncountClaim", "return returnClaim", heart, grantTests},
	{"ask: a refused claim stays open", "app/grants/ledger.go", "return returnClaim", "return uncountClaim", heart, grantTests},
	{"part: it closes the claim", "app/grants/ledger.go", "end.goesOn = true", "_ = end", heart, grantTests},
	{"part: a doubtful claim is closed", "app/grants/ledger.go", "slices.ContainsFunc(outcomes, isUnknown)", "slices.ContainsFunc(outcomes[:0], isUnknown)", heart, grantTests},
	{"isolate: never", "app/grants/isolate.go", "(c.attempts > isolateAfter || len(b.isolated) > 0)", "false", heart, grantTests},
	{"isolate: a marked member is asked", "app/grants/isolate.go", "if b.isolated[b.grants[0].MemberID] {", "if false {", heart, grantTests},
	{"isolate: the first member ends the claim", "app/grants/isolate.go", "i < len(b.grants)-1", "false", heart, grantTests},

	// T6: the settling.
	{"settle: own claim ignored", "app/grants/settle.go", "own := state.token == end.token", "own := true", heart, grantTests},
	{"settle: plainly with refusals", "app/grants/settle.go", "if c.first && allGranted(outcomes) {", "if c.first {", heart, grantTests},
	{"settle: a lost claim is closed", "app/grants/grants_sql.go", "AND claim_token = $6`\n\ttag, err", "AND $6::uuid IS NOT NULL`\n\ttag, err", heart, grantTests},
	{"settle: unknown closes the claim", "app/grants/grants_sql.go", "closed := own && !ch.unknown && !ch.redrive && !end.goesOn", "closed := own && !end.goesOn", heart, grantTests},
	{"settle: attempts stay", "app/grants/grants_sql.go", "attempts = CASE WHEN $6 THEN 0 ELSE", "attempts = CASE WHEN $6 THEN attempts ELSE", heart, grantTests},
	{"settle: counters are set, not added", "app/grants/grants_sql.go", "fail_count = fail_count + $3", "fail_count = $3", heart, grantTests},
	{"settle: no retry is made", "app/grants/settle.go", "case !slices.Contains(ch.retries, after.RetryCount):", "case false:", heart, grantTests},
	{"settle: unknown is not asked again", "app/grants/settle.go", "ch.unknown = ch.unknown || g.Redrive == 0", "ch.unknown = false", heart, grantTests},
	{"settle: a redrive is not asked again", "app/grants/settle.go", "ch.redrive = ch.redrive || g.Redrive > 0", "ch.redrive = false", heart, grantTests},
	{"settle: a mismatch passes", "app/grants/settle.go", "if changes.mismatch {", "if false {", heart, grantTests},
	{"settle: no event closes", "app/grants/grants.go", "if done {\n\t\tif err := s.close", "if done && false {\n\t\tif err := s.close", heart, grantTests},

	// The ledger.
	{"ledger: a replay of another amount", "money/grants/grant.go", " && e.amount == i.Amount", "", grants, "."},
	{"ledger: a replay of another member", "money/grants/grant.go", "e.memberID == i.MemberID && ", "", grants, "."},
	{"ledger: applied after its deadline", "money/frame/frame.go", "if !inTime {", "if false {", grants, "."},
	{"ledger: granted though it has expired", "money/grants/grant.go", "if err == nil && slices.ContainsFunc", "if false && slices.ContainsFunc", grants, "."},
	{"use: more than there is", "money/points/use.go", "balance < s.Amount {", "balance+1 < s.Amount {", points, "."},
	{"use: debts are not collected", "money/points/use.go", "if err := l.collect(ctx, tx, purse, opened.owed); err != nil {", "if err := l.collect(ctx, tx, purse, 0); err != nil {", points, "."},
	{"use: a replay of another amount", "money/points/use.go", " || old.point != -s.Amount", "", points, "."},
	{"cancel: claims take nothing back", "money/points/cancel_use.go", "taken := min(left, c.open)", "taken := min(0, c.open)", points, "."},
	{"cancel: an expired lot is open again", "money/points/cancel_use.go", "if !g.expired {\n\t\t\td.changes = append", "{\n\t\t\td.changes = append", points, "."},
	{"cancel: more than was used", "money/points/cancel_use.go", "point := min(amount, g.taken-g.returned)", "point := min(amount, g.taken)", points, "."},
	{"debt: the newest is paid first", "money/points/debt.go", "ORDER BY c.cancel_point_member_id`", "ORDER BY c.cancel_point_member_id DESC`", points, "."},
}
