package main

// config says how large a world is explored, what may go wrong in it, and which rules are broken on purpose.
type config struct {
	chunks       int     // chunks of the event: 1 or 2, of two members each
	open         int     // members of a chunk that have no result yet: 2, or 1 to allow more accidents
	retries      int     // domain.RetryPolicy.Limit, 0 or 1
	relays       int     // relay workers at once: 1 or 2
	may          budget  // how often each accident may happen
	answers      answers // what the ledger may say
	isolateAfter int     // app's isolateAfter; 0: chunks are never worked one member at a time; needs open = 1
	contradicts  bool    // the ledger contradicts itself about member a, for ever
	parts        bool    // the ledger may answer for one member of two, to a grant and to a look-up; needs open = 2
	countTries   bool    // remember which tries the ledger refused, to check retry_count against it; not with redrives
	max          int     // states at which a run is given up
	broken       fault   // rules that are left out
}

// budget is the number of times that each accident, or a person's word, may still happen.
type budget struct {
	stops, lostAcks, handlerKills, relayKills, relayPauses, lostMessages, redrives, brakes uint8
}

// answers is the set of what the ledger may say: a bit for each answer.
type answers uint16

func (a answers) has(v answer) bool { return a>>v&1 == 1 }

// setOf makes a set of answers.
func setOf(list ...answer) (set answers) {
	for _, v := range list {
		set |= 1 << v
	}
	return set
}

// answer holds what a handler knows of one member after it asked.
type answer uint8

const (
	none         answer = iota
	granted             // granted now, or before
	refused             // refused for now
	refusedGood         // refused for good
	unknown             // no answer, and it was not applied
	unknownDone         // no answer, and it was applied
	unknownLate         // no answer, and the request is still on its way
	contradicted        // the ledger says what cannot be
	notReached          // it answered for the other member alone: this one was not asked for, and will not be
	cutOff              // the same, but this one was asked for, and it is not known what became of that
)

var answerNames = [...]string{
	"nothing", "granted", "refused", "refused for good", "unknown", "unknown, but applied",
	"unknown, still on its way", "contradicted", "not reached", "cut off",
}

func (a answer) String() string { return answerNames[a] }

// ofRest reports whether a says that the member is one of the rest, for which the ledger did not answer.
func (a answer) ofRest() bool { return a == notReached || a == cutOff }

// fault is a set of rules that are left out, to see that the model misses them.
type fault uint64

// The faults, by transaction. Each is the absence of one clause of the code.
const (
	claimsCounted       fault = 1 << iota // T4: claims are counted; there is no token, and two may be open
	claimOverOpen                         // T4: an open claim is taken over, its lease not awaited
	triesIgnored                          // T4, T6: a grant is taken at whatever try the row stands
	askAfterLease                         // T5: a handler that was paused past its lease still asks
	noDeadline                            // T5: the ledger applies a request however late it comes
	settleAnyToken                        // T6: a refusal counts, though the claim was taken over
	unknownCloses                         // T6: an unknown outcome closes the claim at once
	redriveOnce                           // T6, T9: redrive_done is not kept: it is not known which redrive was answered
	contradictedForEver                   // T6: a second contradiction about a member does not give it up
	markStays                             // isolation: giving a claim back leaves the member's mark
	releaseThenUnmark                     // isolation: the claim is given back first, the mark taken off later
	markAnyRow                            // isolation: the mark is set without a look at the row
	redriveKeepsMark                      // isolation: an unknown redrive leaves the member's mark
	redriveAsleep                         // T3: redrive jobs do not publish at COMPLETED
	closeUnpublished                      // T7: published targets are not counted
	answerAtOnce                          // T8: the stop does not wait for open claims
	answerUnsettled                       // T8: the stop waits for claims of unsettled chunks only
	noSweep                               // net: nothing looks for chunks that were never published
	sweepUnsettled                        // net: the sweep passes over chunks that are settled
	noReconcile                           // net: nothing looks for messages that Kafka lost
	reconcileNoRedrive                    // net: the reconcile passes over redrives
	reconcileRunning                      // net: the reconcile looks for redrives of running events only
	markUnaware                           // T3: the mark ignores a stop since the rows were read
	retryPublishes                        // T3: any job's mark notes its chunk as published
	releaseForgets                        // T5: giving a claim back closes what it inherited, a claim that ran out
	errorCloses                           // T5: a call whose outcome is unknown gives the claim back
	errorCounts                           // T5: a call that failed stays counted as a claim that did not come back
	requeueRefused                        // T2: any job of the chunk is enough for its refused members
	answersCount                          // T6: the count of claims falls only when a row becomes final
	brakeUnread                           // T4: nothing looks at the brake
	brakeUnawaited                        // T15: claims that are being taken are not awaited
	brakeNoLock                           // T15: starts and resumes that are under way are not awaited
	brakeRunning                          // T15: the answer waits for claims of events that it stopped only
	startUnbraked                         // T2: starts and resumes do not look at the brake
	partCloses                            // T6: settling a part of what was asked for closes the claim
	partAcks                              // T6: a message is acknowledged of which a part was settled
	partUnknownReturns                    // T5: an unknown outcome in the part does not keep the claim open
	lookupCloses                          // T6: a look-up that found out about a part closes the claim that ran out
	lookupRemembers                       // T6: who was not in the ledger under one claim is not looked up under the next
)

// faultNames are the names on the command line.
var faultNames = []struct {
	fault fault
	name  string
}{
	{claimsCounted, "claims-counted"},
	{claimOverOpen, "claim-over-open"},
	{triesIgnored, "tries-ignored"},
	{askAfterLease, "ask-after-lease"},
	{noDeadline, "no-deadline"},
	{settleAnyToken, "settle-any-token"},
	{unknownCloses, "unknown-closes"},
	{redriveOnce, "redrive-once"},
	{contradictedForEver, "contradicted-for-ever"},
	{markStays, "mark-stays"},
	{releaseThenUnmark, "release-then-unmark"},
	{markAnyRow, "mark-any-row"},
	{redriveKeepsMark, "redrive-keeps-mark"},
	{redriveAsleep, "redrive-asleep"},
	{closeUnpublished, "close-unpublished"},
	{answerAtOnce, "answer-at-once"},
	{answerUnsettled, "answer-unsettled"},
	{noSweep, "no-sweep"},
	{sweepUnsettled, "sweep-unsettled"},
	{noReconcile, "no-reconcile"},
	{reconcileNoRedrive, "reconcile-no-redrive"},
	{reconcileRunning, "reconcile-running"},
	{markUnaware, "mark-unaware"},
	{retryPublishes, "retry-publishes"},
	{releaseForgets, "release-forgets"},
	{errorCloses, "error-closes"},
	{errorCounts, "error-counts"},
	{requeueRefused, "requeue-refused"},
	{answersCount, "answers-count"},
	{brakeUnread, "brake-unread"},
	{brakeUnawaited, "brake-unawaited"},
	{brakeNoLock, "brake-no-lock"},
	{brakeRunning, "brake-running"},
	{startUnbraked, "start-unbraked"},
	{partCloses, "part-closes"},
	{partAcks, "part-acks"},
	{partUnknownReturns, "part-unknown-returns"},
	{lookupCloses, "lookup-closes"},
	{lookupRemembers, "lookup-remembers"},
}

// lacks reports whether the rule is left out.
func (c config) lacks(f fault) bool { return c.broken&f != 0 }
