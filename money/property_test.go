package money_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"bestow/internal/pgtest"
	"bestow/money"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
	"pgregory.net/rapid"
)

// testClock is a function now() that stands before PostgreSQL's own in the search path of the test's sessions.
const testClock = `CREATE SCHEMA testclock; CREATE TABLE testclock.hand (at timestamptz NOT NULL); INSERT INTO testclock.hand VALUES (now());
	CREATE FUNCTION testclock.now() RETURNS timestamptz LANGUAGE sql STABLE AS 'SELECT at FROM testclock.hand';
	UPDATE money.point_sweep SET began_at = '2000-01-01';
	INSERT INTO money.point_master (code, name, max_hold, max_point, type_code, validity_kind, validity_days, regrant_days)
	VALUES ('capped', 'Capped', 150, 100, 'CAP', 'days', 2, 5)`

// clocked is a ledger whose clock is the test's.
func clocked(t *testing.T, order money.SpendOrder) bundle {
	t.Helper()
	b := setup(t)
	_, err := b.Pool.Exec(t.Context(), testClock)
	require.NoError(t, err)
	config := b.Pool.Config()
	config.ConnConfig.RuntimeParams["search_path"] = "testclock, pg_catalog, money"
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	b.config.Pool, b.config.SpendOrder = pool, order
	b.Ledger = newLedger(t, b.config)
	return b
}

// proofs are the statements of verify that hold after each movement.
func proofs(t *testing.T) map[string]string {
	t.Helper()
	statements := map[string]string{}
	for _, id := range []string{"I12", "I13", "I16", "I17", "I19", "I20", "I21", "I22"} {
		files, err := filepath.Glob("../app/verify/" + id + "_*.sql")
		require.NoError(t, err)
		require.Len(t, files, 1, id)
		body, err := os.ReadFile(files[0])
		require.NoError(t, err)
		statements[id] = string(body)
	}
	return statements
}

// TestLedgerProperties goes random steps on the real tables beside a model of lots, claims and debts in Go, and compares after
// each. BESTOW_TEST_LEDGER_STEPS=100000 makes it as many steps, in runs of a thousand; -rapid.checks has to be 100 or more.
func TestLedgerProperties(t *testing.T) {
	t.Parallel()
	for _, order := range []money.SpendOrder{money.SpendSaved, money.SpendExpiring} {
		t.Run(string(order), func(t *testing.T) {
			t.Parallel()
			steps := pgtest.Times(t, "BESTOW_TEST_LEDGER_STEPS", 600) / 2
			length := max(50, steps/100)
			p := &player{bundle: clocked(t, order), proofs: proofs(t)}
			money.ListAtMost(p.Ledger, 3)
			runs, broken := 0, false
			rapid.Check(t, func(rt *rapid.T) {
				if runs++; runs > max(1, steps/length) && !broken {
					return
				}
				broken = true // unless this run comes to its end
				p.play(rt, length)
				broken = false
			})
			t.Logf("%d steps: %v", p.steps, p.counts)
		})
	}
}

// player takes the steps of a run on the ledger and on the model.
type player struct {
	bundle
	*rapid.T

	proofs map[string]string
	ctx    context.Context
	model  *ledgerModel
	keys   int
	steps  int
	counts map[string]int
}

func (p *player) play(t *rapid.T, length int) {
	p.T, p.ctx, p.model = t, context.Background(), newLedgerModel(p.config.SpendOrder)
	if p.counts == nil {
		p.counts = map[string]int{}
	}
	p.exec(`SET session_replication_role = replica; TRUNCATE money.point_member, money.point_member_detail, money.point_account, money.point_cancel, money.point_due;
		SET session_replication_role = origin; UPDATE money.point_sweep SET swept_until = '2030-01-01 00:00:00Z'`)
	p.setClock(p.model.now)
	steps := map[string]func(){
		"save": p.save, "save again": p.save, "batch": p.batch, "capped save": p.cappedSave, "use": p.use, "use again": p.use, "use late": p.useLate, "use twice": p.useTwice,
		"cancel a use": p.cancelUse, "cancel a use again": p.cancelUse, "cancel a save": p.cancelSave, "cancel saves": p.cancelSaves,
		"list": p.list, "expire": p.expire, "expire some": p.expireSome, "collect": p.collect, "replay": p.replay, "another content": p.anotherContent,
		"a second": p.second, "a day": p.day, "midnight": p.midnight,
	}
	names := make([]string, 0, len(steps))
	for name := range steps {
		names = append(names, name)
	}
	slices.Sort(names)
	for range length {
		name := rapid.SampledFrom(names).Draw(t, "step")
		steps[name]()
		p.steps++
		p.counts[name]++
		p.check(name)
	}
}

func (p *player) exec(sql string, args ...any) {
	p.Helper()
	conn, err := p.Pool.Acquire(p.ctx)
	require.NoError(p, err)
	defer conn.Release()
	if len(args) == 0 {
		_, err = conn.Exec(p.ctx, sql)
	} else {
		_, err = conn.Exec(p.ctx, sql, args...)
	}
	require.NoError(p, err)
}

func (p *player) setClock(at time.Time) {
	p.model.now = at
	p.exec(`UPDATE testclock.hand SET at = $1`, at)
}

func (p *player) second() { p.setClock(p.model.now.Add(time.Second)) }
func (p *player) day()    { p.setClock(p.model.now.AddDate(0, 0, 1)) }

// midnight goes to the very instant at which a day of the ledger begins.
func (p *player) midnight() {
	day := p.model.now.In(p.Location)
	p.setClock(time.Date(day.Year(), day.Month(), day.Day()+1, 0, 0, 0, 0, p.Location))
}

func (p *player) key() string {
	p.keys++
	return fmt.Sprint("k", p.keys)
}

func (p *player) member() string { return rapid.SampledFrom([]string{"a", "b"}).Draw(p.T, "member") }

// amount is round, so that amounts meet.
func (p *player) amount(most int) int64 {
	return int64(rapid.IntRange(1, most).Draw(p.T, "amount")) * 10
}

// item is a save; half of them expire, some at midnight.
func (p *player) item() money.Item {
	i := money.Item{Key: p.key(), MemberID: p.member(), Amount: p.amount(10), TypeCode: "RV", Ref: "review"}
	day := p.model.now.In(p.Location)
	var at time.Time
	switch rapid.IntRange(0, 5).Draw(p.T, "expiry") {
	case 0:
		at = p.model.now.Add(time.Second)
	case 1:
		at = p.model.now.AddDate(0, 0, 1)
	case 2:
		at = time.Date(day.Year(), day.Month(), day.Day()+1, 0, 0, 0, 0, p.Location)
	default:
		return i
	}
	i.ExpiryAt = &at
	return i
}

func (p *player) save() {
	i := p.item()
	moved, err := p.Save(p.ctx, soon(), i)
	require.NoError(p, err)
	p.model.save(moved.TxID, i.MemberID, i.Amount, i.ExpiryAt, 30)
	p.remember(call{save: &i, moved: moved})
}

func (p *player) batch() {
	items := []money.Item{p.item(), p.item(), p.item()}
	answers, err := p.GrantPoints(p.ctx, soon(), items)
	require.NoError(p, err)
	for n, a := range answers {
		require.Equal(p, money.Granted, a.Outcome)
		p.model.save(a.TxID, items[n].MemberID, items[n].Amount, items[n].ExpiryAt, 30)
	}
}

// cappedSave saves by a policy that lets a member hold 150, and whose points are valid for two days.
func (p *player) cappedSave() {
	i := p.item()
	i.Policy, i.TypeCode = "capped", ""
	expiry := i.ExpiryAt
	if expiry == nil {
		at := p.model.now.AddDate(0, 0, 2)
		expiry = &at
	}
	moved, err := p.Save(p.ctx, soon(), i)
	if p.model.open(i.MemberID)-p.model.owed[i.MemberID]+i.Amount > 150 {
		require.Zero(p, p.refused(money.OverHolding, err).Left)
		return
	}
	require.NoError(p, err)
	p.model.save(moved.TxID, i.MemberID, i.Amount, expiry, 5)
}

func (p *player) refused(code string, err error) *money.Refusal {
	p.Helper()
	var r *money.Refusal
	require.ErrorAs(p, err, &r, code)
	require.Equal(p, code, r.Code)
	return r
}

func (p *player) spending() money.Spending {
	return money.Spending{Key: p.key(), MemberID: p.member(), Amount: p.amount(20), TypeCode: "ORDER", Ref: "order"}
}

func (p *player) use() {
	s := p.spending()
	moved, err := p.Use(p.ctx, soon(), s)
	p.used(s, moved, err)
}

func (p *player) used(s money.Spending, moved money.Moved, err error) {
	p.Helper()
	parts, balance, ok := p.model.use(s.MemberID, s.Amount)
	if !ok {
		require.Equal(p, balance, p.refused(money.InsufficientBalance, err).Left)
		return
	}
	require.NoError(p, err)
	require.Equal(p, parts, moved.Lots)
	p.model.uses = append(p.model.uses, &modelUse{id: moved.TxID, member: s.MemberID, parts: parts, returned: map[string]int64{}})
	p.remember(call{use: &s, moved: moved})
}

// useLate is a use whose deadline has passed: its transaction is rolled back at its end.
func (p *player) useLate() {
	s := p.spending()
	_, err := p.Use(p.ctx, time.Now().Add(-time.Second), s)
	if _, _, ok := p.model.clone().use(s.MemberID, s.Amount); ok {
		require.ErrorIs(p, err, money.ErrDeadline)
	} else {
		require.NotNil(p, p.refused(money.InsufficientBalance, err))
	}
}

// useTwice asks for the same use twice at once.
func (p *player) useTwice() {
	s := p.spending()
	var moved [2]money.Moved
	var errs [2]error
	var g errgroup.Group
	for n := range moved {
		g.Go(func() error { moved[n], errs[n] = p.Use(p.ctx, soon(), s); return nil })
	}
	require.NoError(p, g.Wait())
	if errs[0] == nil {
		require.NoError(p, errs[1])
		require.NotEqual(p, moved[0].Replayed, moved[1].Replayed)
		moved[0].Replayed, moved[1].Replayed = false, false
		require.Equal(p, moved[0], moved[1])
	}
	p.used(s, moved[0], errs[0])
}

// partOf is an amount of a cancel: mostly all that is left.
func (p *player) partOf() int64 {
	if rapid.Bool().Draw(p.T, "all") {
		return 0
	}
	return p.amount(8)
}

func (p *player) cancelUse() {
	if len(p.model.uses) == 0 {
		return
	}
	u := rapid.SampledFrom(p.model.uses).Draw(p.T, "use")
	c := money.Cancel{Key: p.key(), MemberID: u.member, TxID: u.id, Amount: p.partOf()}
	if rapid.IntRange(0, 2).Draw(p.T, "on expired lot") == 0 {
		c.OnExpiredLot = money.ExpireOnce
	}
	done, err := p.Cancel(p.ctx, soon(), c)
	parts, left, code := p.model.cancelUse(u, c.Amount, c.OnExpiredLot == money.ExpireOnce)
	if code != "" {
		require.Equal(p, left, p.refused(code, err).Left)
		return
	}
	require.NoError(p, err)
	require.Equal(p, parts, done.Lots)
	p.remember(call{cancel: &c, cancelled: done})
}

func (p *player) cancelOfSave() (money.Cancel, *modelSave) {
	s := p.model.saves[rapid.IntRange(0, len(p.model.saves)-1).Draw(p.T, "save")]
	return money.Cancel{Key: p.key(), MemberID: s.member, TxID: s.id, Amount: p.partOf(),
		OnUsed: rapid.SampledFrom([]money.OnUsed{"", money.RefuseUsed, money.CancelRemaining, money.OweUsed}).Draw(p.T, "on used")}, s
}

func (p *player) cancelSave() {
	if len(p.model.saves) == 0 {
		return
	}
	c, s := p.cancelOfSave()
	done, err := p.Cancel(p.ctx, soon(), c)
	want, left, code := p.model.cancelSave(s, c.Amount, c.OnUsed)
	if code != "" {
		require.Equal(p, left, p.refused(code, err).Left)
		return
	}
	require.NoError(p, err)
	p.cancelled(want, done, c)
}

// cancelled compares an answer with what the model says.
func (p *player) cancelled(want, done money.Cancelled, c money.Cancel) {
	p.Helper()
	p.model.learn(done.TxID)
	want.TxID, want.Kind = done.TxID, money.KindSaveCancel
	require.Equal(p, want, done)
	p.remember(call{cancel: &c, cancelled: done})
}

func (p *player) cancelSaves() {
	if len(p.model.saves) == 0 {
		return
	}
	var cancels []money.Cancel
	var saves []*modelSave
	for range rapid.IntRange(1, 4).Draw(p.T, "cancels") {
		c, s := p.cancelOfSave()
		cancels, saves = append(cancels, c), append(saves, s)
	}
	answers, err := p.CancelSaves(p.ctx, soon(), cancels)
	require.NoError(p, err)
	for n, a := range answers {
		want, left, code := p.model.cancelSave(saves[n], cancels[n].Amount, cancels[n].OnUsed)
		if code != "" {
			require.Equal(p, money.Refused, a.Outcome)
			require.Equal(p, code, a.Refusal.Code)
			require.Equal(p, left, a.Refusal.Left)
			continue
		}
		require.Equal(p, money.Undone, a.Outcome)
		p.cancelled(want, a.Cancelled, cancels[n])
	}
}

// list writes down what is due, and leaves it.
func (p *player) list() {
	for {
		listed, err := p.ListDue(p.ctx)
		require.NoError(p, err)
		if !listed.More {
			return
		}
	}
}

// expire lists and works until there is no more: then nothing that has run out is open.
func (p *player) expire() {
	for more := true; more; {
		listed, err := p.ListDue(p.ctx)
		require.NoError(p, err)
		more = listed.More
		for due := 1; due > 0; {
			done, err := p.ExpireDue(p.ctx)
			require.NoError(p, err)
			require.Zero(p, done.Left)
			due, more = done.Due, more || done.Due > 0 // what was listed before kept others off the list
		}
	}
	p.model.expire(func(string) bool { return true })
}

// expireSome lists once and works once: of many lots that have run out some stay open.
func (p *player) expireSome() {
	_, err := p.ListDue(p.ctx)
	require.NoError(p, err)
	_, err = p.ExpireDue(p.ctx)
	require.NoError(p, err)
	rows, err := p.Pool.Query(p.ctx, `SELECT ref_unique_id FROM money.point_member WHERE idempotency_key LIKE 'expire:P%' AND undo_point_member_id IS NULL`)
	require.NoError(p, err)
	worked, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(p, err)
	p.model.expire(func(id string) bool { return slices.Contains(worked, id) })
}

func (p *player) collect() {
	done, err := p.Collect(p.ctx, "")
	require.NoError(p, err)
	require.Equal(p, p.model.collectAll(), done.Points)
}

// call is a movement that was asked for and applied.
type call struct {
	save      *money.Item
	use       *money.Spending
	cancel    *money.Cancel
	moved     money.Moved
	cancelled money.Cancelled
}

func (p *player) remember(c call) { p.model.calls = append(p.model.calls, c) }

// replay asks for an earlier movement again, whatever has happened since.
func (p *player) replay() {
	if len(p.model.calls) == 0 {
		return
	}
	c := rapid.SampledFrom(p.model.calls).Draw(p.T, "call")
	c.moved.Replayed, c.cancelled.Replayed = true, true
	switch {
	case c.save != nil:
		moved, err := p.Save(p.ctx, soon(), *c.save)
		require.NoError(p, err)
		require.Equal(p, c.moved, moved)
	case c.use != nil:
		moved, err := p.Use(p.ctx, soon(), *c.use)
		require.NoError(p, err)
		require.Equal(p, c.moved, moved)
	default:
		done, err := p.Cancel(p.ctx, soon(), *c.cancel)
		require.NoError(p, err)
		if len(c.cancelled.Lots) == 0 {
			c.cancelled.Lots, done.Lots = nil, nil
		}
		require.Equal(p, c.cancelled, done)
	}
}

// anotherContent uses an earlier key for something else.
func (p *player) anotherContent() {
	if len(p.model.calls) == 0 {
		return
	}
	c := rapid.SampledFrom(p.model.calls).Draw(p.T, "call")
	var err error
	switch {
	case c.save != nil:
		_, err = p.Use(p.ctx, soon(), money.Spending{Key: c.save.Key, MemberID: c.save.MemberID, Amount: c.save.Amount, TypeCode: "O", Ref: "o"})
	case c.use != nil:
		other := *c.use
		other.Amount++
		_, err = p.Use(p.ctx, soon(), other)
	default:
		other := *c.cancel
		other.Amount++
		_, err = p.Cancel(p.ctx, soon(), other)
	}
	require.Zero(p, p.refused(money.KeyConflict, err).Left)
}

// lotRow is a lot as it stands in the table.
type lotRow struct {
	id, member       string
	saved, remaining int64
	expiry           *time.Time
}

// check compares the tables with the model, and with themselves.
func (p *player) check(step string) {
	p.Helper()
	batch := &pgx.Batch{}
	var lots []lotRow
	batch.Queue(`SELECT 'P' || save_point_member_id, member_id, point, remaining, expiry_at FROM money.point_lot ORDER BY save_point_member_id`).Query(func(rows pgx.Rows) (err error) {
		lots, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (l lotRow, err error) {
			return l, row.Scan(&l.id, &l.member, &l.saved, &l.remaining, &l.expiry)
		})
		return err
	})
	for id, sql := range p.proofs {
		batch.Queue(sql, nil).Query(func(rows pgx.Rows) error {
			row, err := pgx.CollectExactlyOneRow(rows, pgx.RowToMap)
			if err == nil && fmt.Sprint(row["differences"]) != "0" {
				err = fmt.Errorf("%s after %s: %v", id, step, row["examples"])
			}
			return err
		})
	}
	require.NoError(p, p.Pool.SendBatch(p.ctx, batch).Close())
	require.NoError(p, p.model.compare(lots), step)
	for _, member := range []string{"a", "b"} {
		m, err := p.Member(p.ctx, member)
		require.NoError(p, err)
		require.Equal(p, p.model.owed[member], m.Owed, "%s: owed by %s", step, member)
		require.Equal(p, p.model.open(member)-m.Owed, m.Balance, "%s: balance of %s", step, member)
	}
}

var errModel = errors.New("the ledger and the model differ")

func differ(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{errModel}, args...)...)
}

// number is the number in a transaction id, which rises with time.
func number(id string) string { return fmt.Sprintf("%20s", strings.TrimPrefix(id, "P")) }
