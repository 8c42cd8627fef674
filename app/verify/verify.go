// Package verify proves that targets, marks, results, counters and ledger agree: invariants in SQL (folder sql),
// compared on one snapshot. It shares no SQL and no package of app with what writes, only
// the rules of the domain, and recounts counters where that is asked for.
//
// Start with Verifier.Verify. list.go has every invariant on one page, docs/verify.md says what each compares.
package verify

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"bestow/domain"
	"bestow/internal/keys"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/text/unicode/norm"
)

// Query says what is to be verified.
type Query struct {
	Event    string     // id or campaign_id, id:7 or campaign:7 where a number is both; "" for all events
	By       string     // who asks; "" is "command line"
	Repaired []Repaired // what was repaired before
	// AuditHead is a head of the audit chain that was kept outside of the database; nil: none is compared.
	AuditHead *Head
}

// Head is a link of the audit chain, as the service writes it to its log.
type Head struct {
	Position int64
	Hash     []byte
}

// Report holds the result of each invariant, all at one moment. Its JSON is the auditor's document.
type Report struct {
	CheckedAt  time.Time   `json:"checked_at"`         // by the database's clock
	By         string      `json:"by"`                 // who asked
	EventID    *int64      `json:"event_id,omitempty"` // nil: all events
	Schema     string      `json:"schema,omitempty"`   // whose tables were read
	OK         bool        `json:"ok"`                 // everything was compared, and nothing differs
	Events     int         `json:"events"`             // how many were looked at
	Totals     Totals      `json:"totals"`
	Invariants []Invariant `json:"invariants"`
	Repaired   []Repaired  `json:"repaired,omitempty"` // before the report was made

	// Of a report on one event.
	Amounts    *Sums          `json:"amounts,omitempty"`
	Reasons    []GivenUp      `json:"reasons,omitempty"` // why members were given up, the most frequent first
	Lists      []ImportedList `json:"lists,omitempty"`   // that were imported and are still there, the oldest first
	DurationMS int64          `json:"duration_ms,omitempty"`

	SHA256 string `json:"sha256"` // what Digest returns, to be kept elsewhere
}

// Totals sums up the events that were looked at, in targets.
type Totals struct {
	Targets   int64  `json:"targets"`
	Published int64  `json:"published"`
	Success   int64  `json:"success"`
	Fail      int64  `json:"fail"`             // given up for good
	Ledger    *int64 `json:"ledger,omitempty"` // saves; nil where the ledger is not ours
}

// Invariant is one thing that must hold, and what was found.
type Invariant struct {
	ID          string   `json:"id"`        // I1 …
	Statement   string   `json:"statement"` // what must hold
	OK          bool     `json:"ok"`        // all of it was compared, and nothing differs
	Checked     bool     `json:"checked"`   // some of it was compared
	Why         string   `json:"why,omitempty"`
	Compared    string   `json:"compared"` // what was compared with what
	Differences int64    `json:"differences"`
	Examples    []string `json:"examples,omitempty"`     // of the differences, at most five
	NotCompared []Gap    `json:"not_compared,omitempty"` // what was not looked at
}

// Gap is something that an invariant is about and that was not compared.
type Gap struct {
	Why      string  `json:"why"`
	Events   int64   `json:"events"`              // of how many events
	EventIDs []int64 `json:"event_ids,omitempty"` // the first of them, at most twenty
}

// Sums adds up one event in its ledger's smallest unit, as Totals does in targets.
type Sums struct {
	Targets int64  `json:"targets"`
	Success int64  `json:"success"`
	Fail    int64  `json:"fail"`             // given up for good
	Ledger  *int64 `json:"ledger,omitempty"` // saves; nil where the ledger of the event is not ours
}

// GivenUp counts the members of an event who were given up for one error code.
type GivenUp struct {
	ErrorCode string `json:"error_code"` // unknown: there was none
	Count     int64  `json:"count"`
	Amount    int64  `json:"amount"`
}

// ImportedList is a member list that was imported into an event.
type ImportedList struct {
	ImportID int64     `json:"import_id"`
	At       time.Time `json:"at"`
	By       string    `json:"by"`
	Accepted int64     `json:"accepted"` // rows that are targets
	Rejected int64     `json:"rejected"`
	Amount   int64     `json:"amount"` // of the accepted rows
	SHA256   string    `json:"sha256"` // of the file's bytes, in hex
}

// Verifier checks the invariants of one database, and repairs its counters.
type Verifier struct{ c Config }

// Config holds what a verifier stands on.
type Config struct {
	Pool     *pgxpool.Pool
	Keys     keys.Store // of the hashes of lists; the zero value: there is no master key
	Unsealer Unsealer   // nil: no master key, so the proof does not compare codes and PINs
	Ledgers  Ledgers    // of others, which are asked what they granted; nil: that is not compared
	Zone     string     // of the ledger's days, by its IANA name; "": Asia/Seoul

	// AskFor is the time from the beginning of a report in which Ledgers are asked; 0: 15 minutes. What is not asked
	// by then is not compared.
	AskFor time.Duration

	// RemoteLedger says that grants go to a ledger that is reached over HTTP. If the one in this database is then
	// empty, the invariants of the ledger are not compared.
	RemoteLedger bool
	// ExpiryOff says that nothing expires by itself (BESTOW_EXPIRY=off): what has run out and is open is no difference
	// then.
	ExpiryOff bool
}

// New returns the verifier of c, or an error that says what c lacks.
func New(c Config) (*Verifier, error) {
	if c.Pool == nil {
		return nil, errors.New("a verifier needs a pool")
	}
	c.Zone = cmp.Or(c.Zone, defaultZone)
	return &Verifier{c}, nil
}

// Verify checks every invariant, on one snapshot of the database, so that it may be asked while events run: what must
// hold only at rest is then checked as far as it always holds, as the invariant's SQL says. It changes nothing but the
// statistics of tables that have grown since they were analyzed. Errors: domain.NotFound,
// domain.Invalid for a name of two events.
func (s *Verifier) Verify(ctx context.Context, q Query) (Report, error) {
	event, err := s.findAnalyzed(ctx, q.Event)
	if err != nil {
		return Report{}, err
	}
	v := verification{
		began: time.Now(), event: event, by: cmp.Or(q.By, "command line"), remote: s.c.RemoteLedger, zone: s.c.Zone,
		expiryOff: s.c.ExpiryOff, unsealer: s.c.Unsealer, ledgers: asking(s.c.Ledgers, s.c.AskFor), pool: s.c.Pool,
		keys: s.c.Keys, list: invariants(), repaired: q.Repaired,
		auditHead: q.AuditHead,
	}
	if err := s.onSnapshot(ctx, &v); err != nil {
		return Report{}, fmt.Errorf("verify: %w", err)
	}
	return v.report()
}

// findEvent returns the id of the event that is named by its id or its campaign_id, with id: or campaign: before it
// where a number could be both; nil for "". Errors: domain.NotFound, domain.Invalid for a name of two events.
func findEvent(ctx context.Context, tx pgx.Tx, name string) (*int64, error) {
	if name == "" {
		return nil, nil //nolint:nilnil // nil is "all events"
	}
	digits, byID := strings.CutPrefix(name, "id:")
	campaign, byCampaign := strings.CutPrefix(name, "campaign:")
	number, isID := domain.ParseID(digits)
	const query = `SELECT id FROM public.campaign_events WHERE $1 AND id = $2 OR $3 AND campaign_id IN ($4, $5) ORDER BY id`
	rows, err := tx.Query(ctx, query, isID && !byCampaign, number, !byID, campaign, norm.NFC.String(campaign))
	if err != nil {
		return nil, fmt.Errorf("find event: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	switch {
	case err != nil:
		return nil, fmt.Errorf("find event: %w", err)
	case len(ids) == 0:
		return nil, domain.NoEventError(strconv.Quote(name))
	case len(ids) > 1:
		return nil, domain.InvalidError(fmt.Sprintf("%s is the id of one event and the campaign_id of another", name),
			fmt.Sprintf("say id:%s or campaign:%s", name, name))
	}
	return &ids[0], nil
}

// defaultZone is that of BESTOW_TIME_ZONE.
const defaultZone = "Asia/Seoul"

// report makes the document of what was found.
func (v *verification) report() (Report, error) {
	r := Report{
		CheckedAt: v.at.UTC(), By: v.by, EventID: v.event, Schema: v.schema, OK: true, Events: v.events,
		Totals:   v.totals(),
		Repaired: v.repaired,
	}
	for i, inv := range v.list {
		line := v.line(inv, v.found[i])
		r.OK = r.OK && line.OK
		r.Invariants = append(r.Invariants, line)
	}
	if v.granting != nil {
		amounts := v.amountsOf(*v.granting)
		r.Amounts, r.Reasons, r.Lists = &amounts, v.granting.reasons, v.granting.lists
		r.DurationMS = max(1, time.Since(v.began).Milliseconds())
	}
	var err error
	r.SHA256, err = r.Digest()
	return r, err
}

// whyNot says why an invariant is not compared at all; "" if it is.
func (v *verification) whyNot(inv invariant) string {
	switch {
	case len(v.taken) > 0 && inv.id != schemaInvariant:
		return takenWhy
	case inv.ledger:
		return v.foreign
	}
	return ""
}

// line returns what the report says of an invariant. What was not compared does not hold: it is not known.
func (v *verification) line(inv invariant, f finding) Invariant {
	line := Invariant{ID: inv.id, Statement: inv.statement, NotCompared: f.gaps}
	if why := v.whyNot(inv); why != "" {
		line.Why, line.Compared = why, "not compared: "+why
		line.NotCompared = []Gap{{Why: why, Events: int64(v.events)}}
		return line
	}
	line.Checked, line.Differences, line.Examples = true, f.differences, f.examples
	line.Compared = f.measures.fill(inv.compared)
	line.OK = f.differences == 0 && len(f.gaps) == 0
	return line
}

// Differs reports whether an invariant does not hold.
func (r Report) Differs() bool {
	return slices.ContainsFunc(r.Invariants, func(i Invariant) bool { return i.Differences > 0 })
}

// Document returns the report as JSON. The auditor hashes these bytes.
func (r Report) Document() ([]byte, error) {
	body, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("write report: %w", err)
	}
	return body, nil
}

// Masked returns a report's document without the examples of differences, which name members. Its sha256 stays that of
// the whole document.
func Masked(document []byte) ([]byte, error) {
	var r Report
	if err := json.Unmarshal(document, &r); err != nil {
		return nil, fmt.Errorf("read report: %w", err)
	}
	for i := range r.Invariants {
		r.Invariants[i].Examples = nil
	}
	return r.Document()
}

// Digest is the SHA-256, in hex, of the report's JSON without its sha256: a person who kept it can tell that the report
// is still the same.
func (r Report) Digest() (string, error) {
	r.SHA256 = ""
	body, err := r.Document()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:]), nil
}
