package main

import "bestow/internal/failpoint"

// diesAt are the places at which a process can be killed under this load, by what its name begins with. A test asserts
// that each place of the code stands here, or has a reason why not.
var diesAt = map[string][]string{
	"api": {
		failpoint.CreateBeforeCommit, failpoint.CreateAfterCommit, failpoint.ImportStageMade, failpoint.ImportStaged,
		failpoint.ImportIDsReserved, failpoint.ImportTargets, failpoint.ImportChunks, failpoint.ImportJobs,
		failpoint.ImportBeforeCommit, failpoint.ImportAfterCommit, failpoint.EditBeforeCommit, failpoint.EditAfterCommit,
		failpoint.StartBeforeCommit, failpoint.StartAfterCommit, failpoint.StopBeforeCommit, failpoint.StopAfterCommit,
		failpoint.StopBeforeDrain, failpoint.ResumeBeforeCommit, failpoint.ResumeAfterCommit, failpoint.RedriveBeforeCommit,
		failpoint.RedriveAfterCommit, failpoint.ForwardBeforeCommit, failpoint.RetryAfterCommit,
	},
	"relay": {
		failpoint.RelayRead, failpoint.RelayBetween, failpoint.RelayAfterAck, failpoint.RelayBeforeCommit, failpoint.RelayAfterCommit,
		failpoint.RelayHandedOn, failpoint.RelayAskedAgain,
	},
	"handler": {
		failpoint.ClaimBeforeCommit, failpoint.ClaimAfterCommit, failpoint.LapsedAfterCommit, failpoint.LookedUp,
		failpoint.GiveBackAfterCommit, failpoint.MoneyKeyStored, failpoint.MoneyLooked, failpoint.MoneyPointsWritten,
		failpoint.MoneyVouchersWritten, failpoint.MoneyBeforeCommit, failpoint.MoneyPointsCommitted,
		failpoint.MoneyVouchersCommitted, failpoint.MoneyAfterGrant, failpoint.SettleKeyStored,
		failpoint.SettleFirstInserted, failpoint.SettleFirstClosed, failpoint.SettleLocked, failpoint.SettleInserted,
		failpoint.SettleUpdated, failpoint.SettleClosed, failpoint.SettleRetryMade, failpoint.SettleBeforeCommit,
		failpoint.SettleAfterCommit, failpoint.CloseBeforeCommit, failpoint.CloseAfterCommit, failpoint.HandledBeforeAck,
		failpoint.ParkBeforeCommit, failpoint.ParkAfterCommit, failpoint.IsolatedMarked, failpoint.IsolatedSettled,
		failpoint.SettleAgainMade, failpoint.SettleRedriveMade,
	},
	"jobs": {
		failpoint.StartDueBetween, failpoint.SweepBeforeCommit, failpoint.MomentAfterCommit, failpoint.ReconcileAfter,
		failpoint.CloseDoneBetween, failpoint.CloseBeforeCommit, failpoint.CloseAfterCommit,
	},
}

// places is how many different ones there are.
func places() int {
	all := map[string]bool{}
	for _, points := range diesAt {
		for _, point := range points {
			all[point] = true
		}
	}
	return len(all)
}

// ledgers are the ways in which the ledger in a handler misbehaves, as rules of failpoints.
var ledgers = []struct{ name, rules string }{
	{"slow", failpoint.MoneyBeforeCommit + "=delay:700ms%2"},
	{"silent", failpoint.MoneyBeforeCommit + "=delay:15s%6"},
	{"failing", failpoint.MoneyBeforeCommit + "=error%3"},
	{"applies, and is silent", failpoint.MoneyPointsCommitted + "=delay:15s%5;" + failpoint.MoneyVouchersCommitted + "=delay:15s%5"},
	{"applies, and says that it failed", failpoint.MoneyPointsCommitted + "=error%3;" + failpoint.MoneyVouchersCommitted + "=error%3"},
}
