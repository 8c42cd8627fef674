package main

// The rooms of the desk.
const (
	resumed = "./app/uploads"
	reveals = "./app/pins"
)

// partTests are those of app/grants that meet a ledger which answers for a part.
const partTests = `^Test(ALedgerThat|AMessage|AChunkThat)`

// deskMutants are the faults in uploads that come in pieces, in what shows a PIN, and in how many answers a ledger gives.
var deskMutants = []mutant{
	{"uploads: a piece anywhere", "app/uploads/uploads_sql.go", "AND received = $3 AND", "AND $3::bigint >= 0 AND", resumed, "."},
	{"uploads: past its size", "app/uploads/uploads_sql.go", "AND received + $4 <= size ", "", resumed, "."},
	{"uploads: a piece of any person", "app/uploads/uploads_sql.go", "WHERE id = $1 AND owner = $2 AND received", "WHERE id = $1 AND $2 <> '' AND received", resumed, "."},
	{"uploads: any person's is found", "app/uploads/uploads_sql.go", "FROM uploads WHERE id = $1 AND owner = $2 AND", "FROM uploads WHERE id = $1 AND $2 <> '' AND", resumed, "."},
	{"uploads: any person's is read", "app/uploads/uploads_sql.go", "\t\tWHERE id = $1 AND owner = $2 AND expires_at", "\t\tWHERE id = $1 AND $2 <> '' AND expires_at", resumed, "."},
	{"uploads: any person's is deleted", "app/uploads/uploads_sql.go", "DELETE FROM uploads WHERE id = $1 AND owner = $2", "DELETE FROM uploads WHERE id = $1 AND $2 <> ''", resumed, "."},
	{"uploads: any number", "app/uploads/uploads.go", "if open >= MaxOpen {", "if open >= MaxOpen && false {", resumed, "."},
	{"uploads: any number at once", "app/uploads/uploads.go", "if err := lockBegin(ctx, tx); err != nil {", "if err := error(nil); err != nil {", resumed, "."},
	{"uploads: of any length", "app/uploads/uploads.go", "if u.Size > MaxSize {", "if false {", resumed, "."},
	{"uploads: a part is read", "app/uploads/stored.go", "if !u.Whole() {", "if false {", resumed, "."},
	{"uploads: an interrupt is not heard", "app/uploads/stored.go", "u.SHA256, interrupt, nil", "u.SHA256, func() { _ = interrupt }, nil", resumed, "."},
	{"uploads: an expired one goes on", "app/uploads/uploads_sql.go", "AND received + $4 <= size AND expires_at > now()", "AND received + $4 <= size", resumed, "."},
	{"uploads: a piece does not prolong", "app/uploads/uploads_sql.go", "received = received + $4, expires_at = now() + $5::interval", "received = received + $4, expires_at = expires_at + 0 * $5::interval", resumed, "."},
	{"uploads: reading does not prolong", "app/uploads/uploads_sql.go", "SET expires_at = now() + $3::interval", "SET expires_at = expires_at + 0 * $3::interval", resumed, "."},
	{"uploads: what lives is tidied", "app/uploads/uploads_sql.go", "DELETE FROM uploads WHERE expires_at <= now()\n\t\tAND id = (SELECT id FROM uploads WHERE expires_at <= now() ORDER", "DELETE FROM uploads WHERE id = (SELECT id FROM uploads ORDER", resumed, "."},
	{"uploads: HEAD outlives its client", "http/lists/tus.go", "if x.body != nil {\n\t\tctx = ", "if true {\n\t\tctx = ", "./http", "^TestHeadEndsWithItsClient$"},
	{"uploads: a key twice", "http/lists/tus.go", "case twice:", "case twice && false:", "./http", "^TestRefusedUploads$"},
	{"pins: without a reason", "app/pins/reveal.go", "if reason == \"\" {", "if false {", reveals, "Reveal"},
	{"pins: any number", "app/pins/reveal.go", "wait > 0 {", "wait > time.Hour {", reveals, "Reveal"},
	{"answers: more than grants", "app/grants/ledger.go", "if len(outcomes) > len(b.grants) || err", "if err", heart, partTests},
	{"answers: fewer", "app/grants/ledger.go", "err == nil && len(outcomes) < len(b.grants)", "false", heart, partTests},
}
