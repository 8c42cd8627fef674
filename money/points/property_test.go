package points_test

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

	"bestow/internal/moneytest"
	"bestow/internal/pgtest"
	"bestow/money"
	"bestow/money/points"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// proofs are the statements of verify that hold after each movement.
func proofs(t *testing.T) map[string]string {
	t.Helper()
	statements := map[string]string{}
	for _, id := range []string{"I12", "I13", "I16", "I17", "I19", "I20", "I21", "I22"} {
		files, err := filepath.Glob("../../app/verify/sql/" + id + "_*.sql")
		require.NoError(t, err)
		require.Len(t, files, 1, id)
		body, err := os.ReadFile(files[0])
		require.NoError(t, err)
		statements[id] = string(body)
	}
	return statements
}

// TestLedgerProperties goes random steps on the real tables beside a model of lots, claims and debts in Go, and
// compares after each. BESTOW_TEST_LEDGER_STEPS=100000 makes it as many steps, in runs of a thousand; -rapid.checks has
// to be 100 or more.
func TestLedgerProperties(t *testing.T) {
	t.Parallel()
	for _, order := range []money.SpendOrder{money.SpendSaved, money.SpendExpiring} {
		t.Run(string(order), func(t *testing.T) {
			t.Parallel()
			steps := pgtest.Times(t, "BESTOW_TEST_LEDGER_STEPS", 600) / 2
			length := max(50, steps/100)
			p := &player{Bundle: moneytest.Clocked(t, order), proofs: proofs(t)}
			points.ListAtMost(p.Lots, 3)
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
	moneytest.Bundle
	*rapid.T

	proofs map[string]string
	ctx    context.Context
	model  *ledgerModel
	keys   int
	steps  int
	counts map[string]int
}

func (p *player) play(t *rapid.T, length int) {
	p.T, p.ctx, p.model = t, context.Background(), newLedgerModel(p.Config.SpendOrder)
	if p.counts == nil {
		p.counts = map[string]int{}
	}
	p.exec(`SET session_replication_role = replica; TRUNCATE money.point_member, money.point_member_detail, money.point_account, money.point_cancel, money.point_due;
		SET session_replication_role = origin; UPDATE money.point_sweep SET swept_until = '2030-01-01 00:00:00Z'`)
	p.setClock(p.model.now)
	steps := map[string]func(){
		"save": p.save, "save again": p.save, "batch": p.batch, "capped save": p.cappedSave, "use": p.use,
		"use again": p.use, "use late": p.useLate, "use twice": p.useTwice,
		"cancel a use": p.cancelUse, "cancel a use again": p.cancelUse, "cancel a save": p.cancelSave,
		"cancel saves": p.cancelSaves,
		"list":         p.list, "expire": p.expire, "expire some": p.expireSome, "collect": p.collect,
		"replay":          p.replay,
		"another content": p.anotherContent,
		"a second":        p.second, "a day": p.day, "midnight": p.midnight,
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
		moved, err := p.Save(p.ctx, moneytest.Soon(), *c.save)
		require.NoError(p, err)
		require.Equal(p, c.moved, moved)
	case c.use != nil:
		moved, err := p.Use(p.ctx, moneytest.Soon(), *c.use)
		require.NoError(p, err)
		require.Equal(p, c.moved, moved)
	default:
		done, err := p.Cancel(p.ctx, moneytest.Soon(), *c.cancel)
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
		_, err = p.Use(p.ctx, moneytest.Soon(),
			money.Spending{Key: c.save.Key, MemberID: c.save.MemberID, Amount: c.save.Amount, TypeCode: "O", Ref: "o"})
	case c.use != nil:
		other := *c.use
		other.Amount++
		_, err = p.Use(p.ctx, moneytest.Soon(), other)
	default:
		other := *c.cancel
		other.Amount++
		_, err = p.Cancel(p.ctx, moneytest.Soon(), other)
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
