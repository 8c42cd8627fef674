package main

// The rooms that the moves of people and the ledger stand on.
const (
	once     = "./app/command"
	lists    = "./app/imports"
	vouchers = "./money/vouchers"
	policies = "./money/policies"
)

// The tests of imports that have to find a fault.
const (
	importTests = `^Test(Import(Refused|WrongEvent(AtOnce)?|Abort|TooManyRejected|Twice|DryRun|Once|IntoAGrownEvent|CountsTheDefault)?|TotalOverLimit)$`
	raceTests   = `^Test(ImportOvertaken|ImportAtOnce|ImportPlaces|ImportLostCommit(UnderWay)?|ImportWaitsForAGate|EndImport)$`
	markTests   = `^Test(ListMark|Share)$`
)

// onceMutants are the faults in what makes a request happen once.
var onceMutants = []mutant{
	{"once: a repeated key is done again", "app/command/command.go", "if err != nil || answer.Replayed {\n\t\treturn answer, err", "if err != nil {\n\t\treturn answer, err", once, "."},
	{"once: a key of any person", "app/command/command.go", "WHERE actor = $1 AND key = $2`", "WHERE $1 <> '' AND key = $2`", once, "."},
	{"once: another body is answered", "app/command/command.go", "if !bytes.Equal(before, now) {", "if false && !bytes.Equal(before, now) {", once, "."},
	{"once: no lock of the key", "app/command/command.go", "if !free {", "if false && !free {", once, "."},
	{"once: a lock for all people", "app/command/command.go", "hashtextextended($1 || chr(31) || $2, 0)", "hashtextextended(left($1, 0) || chr(31) || $2, 0)", once, "."},
	{"once: no answer is kept", "app/command/command.go", "return answer, store(ctx, tx, by, fingerprint, answer.Value)", "return answer, nil", once, "."},
	{"once: a replay is not told", "app/command/command.go", "\treturn stored, nil\n", "\treturn Answer[T]{Value: stored.Value}, nil\n", once, "."},
	{"once: the state of before is told", "app/command/command.go", "if err == nil && answer.Replayed {", "if false {", once, "."},
	{"once: a first answer is no answer", "app/command/command.go", "if err == nil && answer.Replayed {", "if err == nil {", once, "."},
	{"once: a stop is told as a replay", "app/command/command.go", "return Answer[T]{Value: value}, err", "return Answer[T]{Value: value, Replayed: true}, err", once, "."},
	{"once: a key in flight was not answered", "app/command/command.go", "\t\tif err := lockKey(ctx, tx, by); err != nil {\n\t\t\treturn err\n\t\t}\n", "", once, "."},
	{"once: a lock is awaited too long", "app/command/command.go", "pg.ValueWithin(ctx, pool, Wait, func", "pg.ValueWithin(ctx, pool, time.Minute, func", once, "."},
	{"once: an upload that broke off is answered", "app/command/command.go", "now, err := fingerprint()\n\tif err != nil {", "now, err := fingerprint()\n\tif false {", once, "."},
}

// listMutants are the faults in the import of a list (T1).
var listMutants = []mutant{
	{"import: into an event that has begun", "app/imports/import.go", "if im.event.Status != domain.Pending {", "if false {", lists, importTests},
	{"import: two at once", "app/imports/import.go", "if !free {", "if false && !free {", lists, raceTests},
	{"import: after a start", "app/imports/import_sql.go", "AND event_status = 'PENDING' AND partition_count", "AND partition_count", lists, raceTests},
	{"import: with other partitions", "app/imports/import_sql.go", "AND partition_count = $5\n", "AND $5::int > 0\n", lists, raceTests},
	{"import: with another amount", "app/imports/import_sql.go", "AND coalesce(default_amount, 0) = $6", "AND $6::bigint >= 0", lists, raceTests},
	{"import: with another reason", "app/imports/import_sql.go", "AND coalesce(default_reason, '') = $7`", "AND $7::text IS NOT NULL`", lists, raceTests},
	{"import: without the gate", "app/imports/join.go", "return pg.Lock(ctx, tx, pg.Gate, im.event.ID)", "_ = pg.Gate\n\t\treturn nil", lists, raceTests},
	{"import: the count is set, not added", "app/imports/import_sql.go", "total_count = total_count + $2", "total_count = $2", lists, importTests},
	{"import: the amount is set, not added", "app/imports/import_sql.go", "total_amount = total_amount + $3", "total_amount = $3", lists, importTests},
	{"import: no jobs", "app/imports/join.go", "domain.Runs(content.Bounds(im.load.chunks), im.sizes.RelayChunks))", "nil)", lists, importTests},
	{"import: a partition twice", "app/imports/import.go", "return im.own == nil && im.read.staged", "return im.read.staged", lists, importTests},
	{"import: a dry run keeps the import", "app/imports/import.go", "if !im.upload.DryRun {", "if true {", lists, importTests},
	{"import: an abort keeps the others", "app/imports/rejected.go", "case n > 0 && im.upload.OnReject == Abort:", "case false:", lists, importTests},
	{"import: any number of rejected rows", "app/imports/rejected.go", "case n >= im.sizes.MaxRejected:", "case false:", lists, importTests},
	{"import: no row is an import too", "app/imports/rejected.go", "case im.load.accepted == 0:", "case false:", lists, importTests},
	{"import: over the limits of the type", "app/imports/rejected.go", "return im.judgeTotals()", "return nil", lists, importTests},
	{"import: rejected rows are not kept", "app/imports/join.go", "if im.rejected() > 0 {", "if false {", lists, importTests},
	{"import: a member twice in a file", "app/imports/load.go", "case bytes.Equal(v[orderedKey], l.key):", "case bytes.Equal(v[orderedKey], l.key) && false:", lists, importTests},
	{"import: a member that is there already", "app/imports/load.go", "case l.probes && v[orderedExists][0] != 0:", "case false:", lists, importTests},
	{"import: defaults are not counted", "app/imports/load.go", "l.defaulted++", "_ = l.defaulted", lists, importTests},
	{"import: a sum that passes int64", "app/imports/load.go", "if amount > math.MaxInt64-l.event.TotalAmount-l.amount {", "if false {", lists, importTests},
	{"import: the last amount is the largest", "app/memberlist/facts.go", "min(a.least, amount), max(a.most, amount)", "min(a.least, amount), amount", lists, importTests},
	{"import: a place is never given back", "internal/places/places.go", "leave = func() { p.leave(owner) }", "leave = func() {}", lists, raceTests},
	{"import: a lost commit is a failure", "app/imports/import.go", "if err != nil && whole {", "if err != nil && whole && false {", lists, raceTests},
	{"import: a commit under way is lost", "app/imports/import.go", "\t\tif err := pg.Lock(ctx, tx, pg.Import, eventID); err != nil {\n\t\t\treturn err\n\t\t}\n\t\t_, err :=", "\t\t_, err :=", lists, raceTests},
	{"import: an end of before ends the next", "app/imports/end_sql.go", "AND ended_at >= $2`", "AND $2::timestamptz IS NOT NULL`", lists, raceTests},
	{"import: who ended it is not told", "app/imports/end.go", "if readErr != nil || by == \"\" {", "if readErr != nil || by != \"\" {", lists, raceTests},
	{"mark: lists do not add up", "app/imports/listmark.go", "m.sum += xxhash.Sum64(pair[:])", "m.sum ^= xxhash.Sum64(pair[:])", lists, markTests},
	{"mark: any amount", "app/imports/listmark.go", "binary.BigEndian.PutUint64(pair[8:], uint64(amount))", "_ = amount", lists, markTests},
	{"mark: the first members, not the smallest", "app/imports/listmark.go", "if n == sampleSize && h >= m.sample[n-1] {", "if n == sampleSize {", lists, markTests},
	{"mark: members of one list are shared", "app/imports/listmark.go", "if inA && inB {", "if inA || inB {", lists, markTests},
}

// voucherMutants are the faults in the vouchers of the ledger.
var voucherMutants = []mutant{
	{"voucher: cancelled without its lock", "money/vouchers/cancel.go", "AND voucher_id = t.id FOR UPDATE) v`", "AND voucher_id = t.id) v`", vouchers, "."},
	{"voucher: a key without its lock", "money/vouchers/cancel.go", "err := frame.LockVoucherKeys(ctx, tx, keys)\n", "var err error\n", vouchers, "."},
	{"voucher: a redeemed one is cancelled", "money/vouchers/cancel.go", "switch b.states[target] {", "state := b.states[target]\n\tif state == money.VoucherRedeemed {\n\t\tstate = money.VoucherIssued\n\t}\n\tswitch state {", vouchers, "."},
	{"voucher: an expired one is not cancelled", "money/vouchers/cancel.go", "case money.VoucherIssued, money.VoucherExpired:", "case money.VoucherIssued:", vouchers, "."},
	{"voucher: cancelled twice in a batch", "money/vouchers/cancel.go", "\t\tb.states[target] = money.VoucherCancelled\n", "", vouchers, "."},
	{"voucher: a replay of another voucher", "money/vouchers/cancel.go", "return stands.kind == kindCancelled && stands.of == target", "return stands.kind == kindCancelled", vouchers, "."},
	{"voucher: a grant's key is a replay", "money/vouchers/cancel.go", "return stands.kind == kindCancelled && stands.of == target", "return stands.of == target", vouchers, "."},
	{"voucher: an id of points", "money/vouchers/cancel.go", "if err != nil || kind != money.Vouchers {", "if _ = kind; err != nil {", vouchers, "."},
	{"voucher: nothing is written", "money/vouchers/cancel.go", "if len(b.written) == 0 {", "if true {", vouchers, "."},
	{"voucher: the last of a page again", "money/vouchers/list.go", "AND v.voucher_id < $2", "AND v.voucher_id <= $2", vouchers, "."},
	{"voucher: an expired one is shown as issued", "money/vouchers/list.go", "WHEN v.expiry_at <= now() THEN 'EXPIRED'", "WHEN false THEN 'EXPIRED'", vouchers, "."},
	{"voucher: its first event is its state", "money/vouchers/list.go", "ORDER BY voucher_event_id DESC LIMIT 1) last", "ORDER BY voucher_event_id LIMIT 1) last", vouchers, "."},
	{"voucher: a page of any size", "money/vouchers/list.go", "if q.Limit < 1 || q.Limit > money.MaxPage {", "if q.Limit < 1 {", vouchers, "."},
	{"voucher: a cursor of points", "money/vouchers/list.go", "if err != nil || kind != money.Vouchers {", "if _ = kind; err != nil {", vouchers, "."},
}

// policyMutants are the faults in the accrual policies of the ledger.
var policyMutants = []mutant{
	{"policy: other terms are a replay", "money/policies/store.go", "if replayed && !p.Equal(&terms) {", "if replayed && false {", policies, "."},
	{"policy: two makers collide", "money/policies/store.go", " ON CONFLICT (code) DO NOTHING`", "`", policies, "."},
	{"policy: made without a check", "money/policies/store.go", "err := money.CheckNewPolicy(code, &terms, today); err != nil {", "err := money.CheckNewPolicy(code, &terms, today); false {", policies, "."},
	{"policy: changed without its lock", "money/policies/store.go", "WHERE code = $1 FOR UPDATE`", "WHERE code = $1`", policies, "."},
	{"policy: changed in any state", "money/policies/store.go", "!slices.Contains(revisions, was.Revision):", "slices.Contains(revisions, -1):", policies, "."},
	{"policy: an applied change is refused", "money/policies/store.go", "case was.Equal(&terms):", "case false:", policies, "."},
	{"policy: changed without a check", "money/policies/store.go", "err := money.CheckTerms(&terms, &was.PolicyTerms, today); err != nil {", "err := money.CheckTerms(&terms, &was.PolicyTerms, today); false {", policies, "."},
	{"policy: a revision stays", "money/policies/store.go", "revision = revision + 1", "revision = revision", policies, "."},
	{"policy: the last of a page again", "money/policies/store.go", "WHERE code > $1 AND", "WHERE code >= $1 AND", policies, "."},
	{"policy: a list of any status", "money/policies/store.go", "($2 = '' OR status = $2)", "($2 = '' OR status <> '')", policies, "."},
	{"policy: a debt takes no room", "money/policies/terms.go", "return amount <= room || amount-room <= h.owed", "return amount <= room", policies, "."},
	{"policy: the last point of a debt", "money/policies/terms.go", "amount-room <= h.owed", "amount-room < h.owed", policies, "."},
	{"policy: a batch of any size", "money/policies/terms.go", "if len(items) > maxCapped {", "if false {", policies, "."},
	{"policy: a batch forgets what it saved", "money/policies/terms.go", "\th.open += i.Amount\n", "", policies, "."},
	{"policy: what has expired is held", "money/policies/terms.go", " AND (expiry_at IS NULL OR expiry_at > now())) lots", ") lots", policies, "."},
	{"policy: holdings without the lock", "money/policies/terms.go", "if _, err := frame.LockAccounts(ctx, tx, capped); err != nil {\n\t\treturn t, err\n\t}\n", "_ = frame.LockAccounts\n", policies, "."},
	{"policy: an item's own expiry is lost", "money/policies/terms.go", "if item.ExpiryAt != nil {\n\t\treturn item, nil\n\t}\n", "", policies, "."},
	{"policy: saved after its last day", "money/policies/terms.go", "item.Expired(now) {", "item.Expired(now) && false {", policies, "."},
	{"policy: an item's own type is lost", "money/policies/terms.go", "if item.TypeCode == \"\" {", "if p.TypeCode != \"\" {", policies, "."},
	{"policy: no least and most of a save", "money/policies/terms.go", "if r := p.Refuse(i); r != nil", "if r := (*money.Refusal)(nil); r != nil", policies, "."},
}
