package failpoint

// The points, in the order of the road, each with the state that is left if the process dies there. Nothing else lists
// them: with the build tag, All reads this file.
const (
	// An event is made, filled, changed and deleted.
	CreateBeforeCommit  = "create.before_commit"    // nothing
	CreateAfterCommit   = "create.after_commit"     // the event, and the answer for its key; the caller has heard nothing
	ImportStageMade     = "import.stage_made"       // an empty stage without an owner
	ImportStaged        = "import.staged"           // the whole upload, in the stage alone
	ImportIDsReserved   = "import.ids_reserved"     // ids that no target will ever have
	ImportTargets       = "import.targets_written"  // nothing but the stage: all below is one transaction
	ImportChunks        = "import.chunks_written"   // the same
	ImportJobs          = "import.jobs_written"     // the same
	ImportBeforeCommit  = "import.before_commit"    // the same, under the gate, with a partition that was just attached
	ImportAfterCommit   = "import.after_commit"     // all of the import, and its stage
	EditBeforeCommit    = "edit.before_commit"      // the old definition
	EditAfterCommit     = "edit.after_commit"       // the new one, which the caller has not heard of
	DeleteBeforeCommit  = "delete.before_commit"    // the whole event
	DeleteAfterCommit   = "delete.after_commit"     // no event, but its empty partition
	TidyBetween         = "tidy.between_partitions" // some partitions without an event are dropped, others are not
	StartBeforeCommit   = "start.before_commit"     // PENDING, its jobs too
	StartAfterCommit    = "start.after_commit"      // RUNNING, which the caller has not heard of
	StartDueBetween     = "start_due.between"       // one lane has begun, what else is due has not
	StopBeforeCommit    = "stop.before_commit"      // RUNNING
	StopAfterCommit     = "stop.after_commit"       // STOPPED, its lane free, and no event started in it
	StopBeforeDrain     = "stop.before_drain"       // STOPPED, the lane's next one RUNNING, claims still open
	BrakeBeforeCommit   = "brake.before_commit"     // no brake
	BrakeAfterCommit    = "brake.after_commit"      // the brake engaged: nothing is claimed; running events not stopped
	StopAllBetween      = "stop_all.between"        // the same, some events stopped, others RUNNING
	BrakeBeforeAnswer   = "brake.before_answer"     // all of them stopped, no answer kept
	BrakeAfterAnswer    = "brake.after_answer"      // the same, the answer kept, which the caller has not heard of
	ReleaseBeforeCommit = "release.before_commit"   // the brake engaged
	ReleaseAfterCommit  = "release.after_commit"    // the brake released, nothing started that was due
	ResumeBeforeCommit  = "resume.before_commit"    // STOPPED, its jobs held
	ResumeAfterCommit   = "resume.after_commit"     // RUNNING, which the caller has not heard of
	RedriveBeforeCommit = "redrive.before_commit"   // given up, as before
	RedriveAfterCommit  = "redrive.after_commit"    // a batch is asked for again, the others are not, no answer is kept
	ForwardBeforeCommit = "forward.before_commit"   // all batches are asked for, waiting retries still wait
	RetryAfterCommit    = "retry.after_commit"      // everything is asked for, which the caller has not heard of
	RepairBeforeCommit  = "repair.before_commit"    // the counters as they were
	RepairBetween       = "repair.between_events"   // one event's counters are right, those of others are not
	ReplayBeforeCommit  = "replay.before_commit"    // the message parked, and no job
	TypeBeforeCommit    = "type.before_commit"      // no such event type
	TypeAfterCommit     = "type.after_commit"       // the type CREATING, and its job; the caller has heard nothing
	ReplayAfterCommit   = "replay.after_commit"     // the job that publishes it, which the caller has not heard of

	// An event type is made by its job.
	TypeTablesBeforeCommit = "type.tables_before_commit" // CREATING, without tables
	TypeTablesMade         = "type.tables_made"          // TABLES, without topics
	TypeTopicsMade         = "type.topics_made"          // TABLES, with topics that nothing reads
	TypeReady              = "type.ready"                // READY, the job still to be worked

	// From a job to Kafka.
	RelayRead           = "relay.read"             // a running job, nothing published
	RelayBetween        = "relay.between_messages" // some chunks of the job in Kafka, others not
	RelayAfterAck       = "relay.after_ack"        // all in Kafka, nothing marked
	RelayHandedOn       = "relay.handed_on"        // the same, when a part of the job was left to another
	RelayAskedAgain     = "relay.asked_again"      // the same, of an event that was stopped meanwhile
	RelayBeforeCommit   = "relay.before_commit"    // the same
	RelayAfterCommit    = "relay.after_commit"     // marked; if it was the last mark, the event is not completed
	CopyRead            = "copy.read"              // a replay's running job, nothing published
	CopyAfterAck        = "copy.after_ack"         // the copy in Kafka, the job still to be worked
	SweepBeforeCommit   = "sweep.before_commit"    // stranded chunks without a job
	MomentAfterCommit   = "moment.after_commit"    // how far a topic reaches is noted, and nothing made of it
	ReconcileBeforeJobs = "reconcile.before_jobs"  // lost chunks, their jobs not committed
	ReconcileAfter      = "reconcile.after_commit" // lost chunks of one type have jobs, those of others have not

	// From a message to a result.
	ClaimBeforeCommit      = "claim.before_commit"         // no claim
	ClaimAfterCommit       = "claim.after_commit"          // a claim, nothing asked for
	LapsedAfterCommit      = "lapsed.after_commit"         // a claim of a stopped event that ran out, nothing looked up
	LookedUp               = "lookup.after_answer"         // the ledger has said what was granted, nothing settled
	PartAfterCommit        = "part.after_commit"           // settled what was answered; the claim as it was, for the others
	GiveBackAfterCommit    = "giveback.after_commit"       // the ledger failed, the claim given back, nothing acknowledged
	MoneyKeyStored         = "money.key_stored"            // a key under which nothing is sealed
	MoneyLooked            = "money.looked"                // the slow way knows what is missing, nothing is written
	MoneyPointsWritten     = "money.points_written"        // nothing: the deadline is still to be looked at
	MoneyVouchersWritten   = "money.vouchers_written"      // nothing, and the codes that were made are lost
	MoneyBeforeCommit      = "money.before_commit"         // nothing: PostgreSQL ends the session at the deadline
	MoneyPointsCommitted   = "money.points_after_commit"   // points granted, and not answered
	MoneyVouchersCommitted = "money.vouchers_after_commit" // vouchers issued, their codes not answered
	MoneyAccountLocked     = "money.account_locked"        // nothing: the member is locked until the session ends
	MoneyLotsRead          = "money.lots_read"             // nothing: the movement knows its lots
	MoneyMovementWritten   = "money.movement_written"      // nothing: the deadline is still to be looked at
	MoneyCancelWritten     = "money.cancel_written"        // nothing: the deadline is still to be looked at
	MoneyExpireListed      = "money.expire_listed"         // nothing listed, and the sweep where it was
	MoneyExpireChunk       = "money.expire_chunk"          // the chunk unchanged: its lots open, its entries listed
	MoneyAfterGrant        = "money.after_grant"           // granted, heard, not settled
	IsolatedMarked         = "isolated.after_mark"         // a member marked as asked for by itself, and not asked for
	IsolatedSettled        = "isolated.after_settle"       // one member of the claim settled, the others not
	SettleKeyStored        = "settle.key_stored"           // granted; the event's PIN key is stored with the results
	SettleFirstInserted    = "settle.first_inserted"       // granted; in the fast way, the chunk still under its claim
	SettleFirstClosed      = "settle.first_closed"         // the same, nothing counted
	SettleLocked           = "settle.locked"               // granted; in the slow way, before anything is decided
	SettleInserted         = "settle.inserted"             // the same, new rows written
	SettleUpdated          = "settle.updated"              // the same, old rows written
	SettleClosed           = "settle.chunk_updated"        // the same, the claim closed
	SettleRetryMade        = "settle.retry_made"           // the same, refused ones with their retry
	SettleAgainMade        = "settle.again_made"           // the same, unknown ones with their next asking
	SettleRedriveMade      = "settle.redrive_made"         // the same, unknown redrives with theirs
	FaultWritten           = "fault.written"               // RUNNING, though going on would do harm
	FaultAfterCommit       = "fault.after_commit"          // FAILED for its keys, the message not acknowledged
	SettleBeforeCommit     = "settle.before_commit"        // granted, the chunk under its claim
	SettleAfterCommit      = "settle.after_commit"         // settled and counted, the event not completed
	CloseBeforeCommit      = "close.before_commit"         // all final, and RUNNING
	CloseAfterCommit       = "close.after_commit"          // COMPLETED, and no event started in its lane
	CloseDoneBetween       = "close_done.between"          // one of the done events completed, others not
	HandledBeforeAck       = "handled.before_ack"          // all done, and the message comes again
	ParkBeforeCommit       = "park.before_commit"          // a message that no handler can use, kept only in Kafka
	ParkBackBeforeCommit   = "park.back_before_commit"     // a copy that is still bad, its replay not ended
	ParkAfterCommit        = "park.after_commit"           // parked, and it comes again
)
