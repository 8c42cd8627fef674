package points_test

import (
	"maps"
	"slices"
	"strings"
	"time"

	"bestow/money"
)

// ledgerModel is the ledger of points as one would write it without a database.
type ledgerModel struct {
	now   time.Time
	order money.SpendOrder
	lots  []*modelLot // in the order of their ids
	saves []*modelSave
	uses  []*modelUse
	debts []*modelClaim // claims of both kinds, in the order of their cancels
	owed  map[string]int64
	calls []call
	anew  []*modelLot // saved anew, and their ids not known yet
}

type modelLot struct {
	id, member       string
	saved, remaining int64
	expiry           *time.Time
	root             *modelSave
	swept            bool // the job has expired it
	regrantDays      int
}

// modelSave is a save with what became of its points, in whatever lot they are.
type modelSave struct {
	id, member string
	point      int64
	asked      int64 // by cancels
	owing      bool  // one of them with policy debt
	expired    int64 // for good, and counted by no cancel
}

type modelUse struct {
	id, member string
	parts      []money.Part
	returned   map[string]int64
}

type modelClaim struct {
	cancel string
	save   *modelSave
	debt   bool
	open   int64
}

func newLedgerModel(order money.SpendOrder) *ledgerModel {
	return &ledgerModel{now: time.Date(2030, 1, 1, 3, 0, 0, 0, time.UTC), order: order, owed: map[string]int64{}}
}

// clone is a model on which a movement can be tried.
func (m *ledgerModel) clone() *ledgerModel {
	c := *m
	c.owed, c.lots, c.debts = maps.Clone(m.owed), nil, nil
	for _, l := range m.lots {
		copied := *l
		c.lots = append(c.lots, &copied)
	}
	for _, d := range m.debts {
		copied := *d
		c.debts = append(c.debts, &copied)
	}
	return &c
}

func (m *ledgerModel) save(id, member string, point int64, expiry *time.Time, regrantDays int) {
	s := &modelSave{id: id, member: member, point: point}
	m.saves = append(m.saves, s)
	m.lots = append(m.lots, &modelLot{
		id: id, member: member, saved: point, remaining: point, expiry: expiry, root: s,
		regrantDays: regrantDays,
	})
}

func (l *modelLot) past(now time.Time) bool { return l.expiry != nil && !l.expiry.After(now) }

func (m *ledgerModel) lot(id string) *modelLot {
	return m.lots[slices.IndexFunc(m.lots, func(l *modelLot) bool { return l.id == id })]
}

// spendable are the lots that can be spent, in the order in which they are.
func (m *ledgerModel) spendable(member string) []*modelLot {
	var open []*modelLot
	for _, l := range m.lots {
		if l.member == member && l.remaining > 0 && !l.past(m.now) {
			open = append(open, l)
		}
	}
	if m.order == money.SpendExpiring {
		never := m.now.AddDate(1000, 0, 0)
		slices.SortStableFunc(open, func(a, b *modelLot) int {
			x, y := never, never
			if a.expiry != nil {
				x = *a.expiry
			}
			if b.expiry != nil {
				y = *b.expiry
			}
			return x.Compare(y)
		})
	}
	return open
}

func (m *ledgerModel) open(member string) (sum int64) {
	for _, l := range m.spendable(member) {
		sum += l.remaining
	}
	return sum
}

func (m *ledgerModel) draw(member string, amount int64) (parts []money.Part) {
	for _, l := range m.spendable(member) {
		taken := min(amount, l.remaining)
		if taken > 0 {
			parts = append(parts, money.Part{SaveID: l.id, Amount: -taken})
			l.remaining -= taken
			amount -= taken
		}
	}
	return parts
}

// collect pays debts from what the member has, the oldest first.
func (m *ledgerModel) collect(member string) (points int64) {
	for _, c := range m.debts {
		if c.debt && c.save.member == member {
			paid := min(c.open, m.open(member))
			m.draw(member, paid)
			c.open -= paid
			m.owed[member] -= paid
			points += paid
		}
	}
	return points
}

func (m *ledgerModel) collectAll() int64 { return m.collect("a") + m.collect("b") }

func (m *ledgerModel) use(member string, amount int64) (parts []money.Part, balance int64, ok bool) {
	balance = m.open(member) - m.owed[member]
	if balance < amount {
		return nil, balance, false
	}
	m.collect(member)
	return m.draw(member, amount), balance, true
}

func (m *ledgerModel) cancelUse(u *modelUse, amount int64, expire bool) (parts []money.Part, left int64, code string) {
	for _, p := range u.parts {
		left += -p.Amount - u.returned[p.SaveID]
	}
	switch {
	case amount > left:
		return nil, left, money.OverCancelled
	case left == 0:
		return nil, 0, money.NothingToCancel
	case amount == 0:
		amount = left
	}
	for _, p := range slices.Backward(u.parts) {
		back := min(amount, -p.Amount-u.returned[p.SaveID])
		if back == 0 {
			continue
		}
		amount -= back
		u.returned[p.SaveID] += back
		parts = append(parts, money.Part{SaveID: p.SaveID, Amount: back})
		m.back(m.lot(p.SaveID), back, expire)
	}
	return parts, 0, ""
}

// back puts points back into a lot: claims on the lot's save take theirs, and what is left of an expired lot goes on.
func (m *ledgerModel) back(l *modelLot, point int64, expire bool) {
	for _, c := range m.debts {
		if !c.debt && c.save == l.root {
			taken := min(c.open, point)
			c.open -= taken
			point -= taken
		}
	}
	switch {
	case !l.past(m.now) && !l.swept:
		l.remaining += point
	case point == 0:
	case expire:
		l.root.expired += point
	default:
		at := m.now.AddDate(0, 0, l.regrantDays)
		m.anew = append(m.anew,
			&modelLot{member: l.member, saved: point, remaining: point, expiry: &at, root: l.root, regrantDays: 30})
	}
}

func (m *ledgerModel) cancelSave(s *modelSave, amount int64,
	on money.OnUsed,
) (done money.Cancelled, left int64, code string) {
	left = s.point - s.asked
	switch {
	case amount > left:
		return done, left, money.OverCancelled
	case left == 0:
		return done, 0, money.NothingToCancel
	case amount == 0:
		amount = left
	}
	var taken []*modelLot
	rest := amount
	done.Lots = []money.Part{}
	for _, l := range m.lots {
		if part := min(rest, l.remaining); l.root == s && part > 0 {
			done.Lots = append(done.Lots, money.Part{SaveID: l.id, Amount: -part})
			taken = append(taken, l)
			rest -= part
		}
	}
	done.Cancelled = amount - rest
	done.Expired = min(rest, s.expired)
	done.Uncollected = rest - done.Expired
	if done.Uncollected > 0 && on == money.RefuseUsed {
		return done, done.Cancelled, money.SavePartlyUsed
	}
	for n, l := range taken {
		l.remaining += done.Lots[n].Amount
	}
	s.asked += amount
	s.expired -= done.Expired
	s.owing = s.owing || on == money.OweUsed
	m.debts = append(m.debts, &modelClaim{save: s, debt: on == money.OweUsed, open: done.Uncollected})
	if on == money.OweUsed {
		m.owed[s.member] += done.Uncollected
	}
	return done, 0, ""
}

// learn gives the newest cancel that has none its id: the order of claims is that of ids.
func (m *ledgerModel) learn(id string) {
	for _, c := range m.debts {
		if c.cancel == "" {
			c.cancel = id
			return
		}
	}
}

// expire does what the job does, of the lots that were worked.
func (m *ledgerModel) expire(worked func(id string) bool) {
	for _, l := range m.lots {
		if l.past(m.now) && l.remaining > 0 && worked(l.id) {
			l.root.expired += l.remaining
			l.remaining, l.swept = 0, true
		}
	}
}

// compare returns how the lots of the tables and those of the model differ. It learns the ids of what was saved anew.
// And it says whether a clawback was laundered: of a save of which much was cancelled, no more than the rest is left
// anywhere.
func (m *ledgerModel) compare(lots []lotRow) error {
	for _, l := range lots {
		known := slices.ContainsFunc(m.lots, func(k *modelLot) bool { return k.id == l.id })
		if known {
			continue
		}
		at := slices.IndexFunc(m.anew, func(k *modelLot) bool { return k.member == l.member })
		if at < 0 {
			return differ("lot %s of %s was saved by nothing", l.id, l.member)
		}
		m.anew[at].id = l.id
		m.lots = append(m.lots, m.anew[at])
		m.anew = slices.Delete(m.anew, at, at+1)
	}
	slices.SortFunc(m.lots, func(a, b *modelLot) int { return strings.Compare(number(a.id), number(b.id)) })
	if len(m.anew) > 0 || len(lots) != len(m.lots) {
		return differ("%d lots, and %d in the model, %d of them without an id", len(lots), len(m.lots), len(m.anew))
	}
	left := map[*modelSave]int64{}
	for n, l := range lots {
		k := m.lots[n]
		if k.id != l.id || k.member != l.member || k.saved != l.saved || k.remaining != l.remaining ||
			!sameInstant(k.expiry, l.expiry) {
			return differ("lot %s of %s was saved with %d and has %d until %v; in the model it has %d of %d until %v",
				l.id, l.member, l.saved, l.remaining, l.expiry,
				k.remaining, k.saved, k.expiry)
		}
		left[k.root] += l.remaining
	}
	for s, rest := range left {
		if !s.owing && rest > s.point-s.asked {
			return differ("of save %s, %d of %d were cancelled, and %d are left", s.id, s.asked, s.point, rest)
		}
	}
	return nil
}

func sameInstant(a, b *time.Time) bool { return a == b || a != nil && b != nil && a.Equal(*b) }
