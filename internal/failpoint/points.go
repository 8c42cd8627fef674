package failpoint

// The points, in the order of the road.
const (
	CreateAfterCommit  = "create.after_commit"
	ImportStaged       = "import.staged"
	ImportTargets      = "import.targets_written"
	ImportChunks       = "import.chunks_written"
	ImportJobs         = "import.jobs_written"
	ImportBeforeCommit = "import.before_commit"
	ImportAfterCommit  = "import.after_commit"
	RelayRead          = "relay.read"
	RelayAfterAck      = "relay.after_ack"
	RelayBeforeCommit  = "relay.before_commit"
	RelayAfterCommit   = "relay.after_commit"
	ClaimBeforeCommit  = "claim.before_commit"
	ClaimAfterCommit   = "claim.after_commit"
	MoneyBeforeCommit  = "money.before_commit"
	MoneyAfterGrant    = "money.after_grant"
	SettleBeforeCommit = "settle.before_commit"
	SettleAfterCommit  = "settle.after_commit"
	CloseBeforeCommit  = "close.before_commit"
)
