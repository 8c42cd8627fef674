package points_test

import (
	"slices"
	"time"

	"bestow/internal/moneytest"
	"bestow/money"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
	"pgregory.net/rapid"
)

func (p *player) save() {
	i := p.item()
	moved, err := p.Save(p.ctx, moneytest.Soon(), i)
	require.NoError(p, err)
	p.model.save(moved.TxID, i.MemberID, i.Amount, i.ExpiryAt, 30)
	p.remember(call{save: &i, moved: moved})
}

func (p *player) batch() {
	items := []money.Item{p.item(), p.item(), p.item()}
	answers, err := p.GrantPoints(p.ctx, moneytest.Soon(), items)
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
	moved, err := p.Save(p.ctx, moneytest.Soon(), i)
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
	moved, err := p.Use(p.ctx, moneytest.Soon(), s)
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
	p.model.uses = append(p.model.uses,
		&modelUse{id: moved.TxID, member: s.MemberID, parts: parts, returned: map[string]int64{}})
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
		g.Go(func() error { moved[n], errs[n] = p.Use(p.ctx, moneytest.Soon(), s); return nil })
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
	done, err := p.Cancel(p.ctx, moneytest.Soon(), c)
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
	return money.Cancel{
		Key: p.key(), MemberID: s.member, TxID: s.id, Amount: p.partOf(),
		OnUsed: rapid.SampledFrom([]money.OnUsed{"", money.RefuseUsed, money.CancelRemaining, money.OweUsed}).Draw(p.T,
			"on used"),
	}, s
}

func (p *player) cancelSave() {
	if len(p.model.saves) == 0 {
		return
	}
	c, s := p.cancelOfSave()
	done, err := p.Cancel(p.ctx, moneytest.Soon(), c)
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
	answers, err := p.CancelSaves(p.ctx, moneytest.Soon(), cancels)
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
	rows, err := p.Pool.Query(p.ctx,
		`SELECT ref_unique_id FROM money.point_member WHERE idempotency_key LIKE 'expire:P%' AND undo_point_member_id IS NULL`)
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
