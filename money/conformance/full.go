package conformance

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"
)

// FullChecks lists the checks of the routes by which members' points are saved, used and cancelled.
func FullChecks() []Check {
	return []Check{
		{"fifo", "use the points first that were saved first", (*session).fifo},
		{"expired", "let no point be used from the instant on at which it expires", (*session).expired},
		{"part_cancels", "give back first what was used last", (*session).partCancels},
		{"over_cancelled", "give back no more than was used", (*session).overCancelled},
		{"late_cancel", "save anew, or let expire, what comes back after its expiry", (*session).lateCancel},
		{"save_cancel", "take back a save that was partly spent by each of three policies", (*session).saveCancel},
		{"clawback", "take back, when an order is cancelled, what a cancelled save had paid of it", (*session).clawback},
		{"debt", "let later saves pay what is owed", (*session).debt},
		{"history", "have a history that sums up to the balance and what is owed", (*session).history},
		{"cursor", "page through a history once, whatever is saved meanwhile", (*session).cursor},
	}
}

func (s *session) fifo() error {
	m := s.member()
	ids, err := m.saves(100, 200, 300)
	if err != nil {
		return err
	}
	got, err := m.use(500)
	if err != nil {
		return err
	}
	return errors.Join(took(got, lot{ids[0], -100}, lot{ids[1], -200}, lot{ids[2], -200}), m.has(100, 0))
}

// shortLife is the time that points are valid that a check lets expire.
const shortLife = 1500 * time.Millisecond

// fleeting saves points that expire in a moment, by the ledger's clock to the second.
func (m *member) fleeting(amount int64) (expiry time.Time, err error) {
	expiry = time.Now().Add(shortLife)
	_, err = m.save(amount, object{"expiry_at": expiry})
	return expiry, err
}

// outlive waits until the instant has passed on a clock that is a little behind.
func (m *member) outlive(expiry time.Time) error { return m.pause(time.Until(expiry) + time.Second) }

func (s *session) expired() error {
	m := s.member()
	expiry, err := m.fleeting(100)
	if err != nil {
		return err
	}
	if _, err := m.use(40); err != nil {
		return err
	}
	if err := m.outlive(expiry); err != nil {
		return err
	}
	got, err := m.tryUse(1)
	return errors.Join(refusedWith("insufficient_balance", got, err), m.has(0, 0))
}

func (s *session) partCancels() error {
	m := s.member()
	ids, err := m.saves(100, 200, 300)
	if err != nil {
		return err
	}
	used, err := m.use(500)
	if err != nil {
		return err
	}
	first, err := done(m.cancel(used.TxID, object{"amount": 250}))
	if err != nil {
		return err
	}
	rest, err := done(m.cancel(used.TxID, object{}))
	if err != nil {
		return err
	}
	return errors.Join(took(first, lot{ids[2], 200}, lot{ids[1], 50}), took(rest, lot{ids[1], 150}, lot{ids[0], 100}),
		m.has(600, 0))
}

func (s *session) overCancelled() error {
	m := s.member()
	if _, err := m.saves(100); err != nil {
		return err
	}
	used, err := m.use(60)
	if err != nil {
		return err
	}
	got, err := m.cancel(used.TxID, object{"amount": 61})
	if err := refusedWith("over_cancelled", got, err); err != nil {
		return err
	}
	if _, err := done(m.cancel(used.TxID, object{"amount": 50})); err != nil {
		return err
	}
	got, err = m.cancel(used.TxID, object{"amount": 11})
	return errors.Join(refusedWith("over_cancelled", got, err), m.has(90, 0))
}

func (s *session) lateCancel() error {
	for how, left := range map[string]int64{"regrant": 60, "expire": 0} {
		m := s.member()
		expiry, err := m.fleeting(100)
		if err != nil {
			return err
		}
		used, err := m.use(60)
		if err != nil {
			return err
		}
		if err := m.outlive(expiry); err != nil {
			return err
		}
		if _, err := done(m.cancel(used.TxID, object{"on_expired_lot": how})); err != nil {
			return err
		}
		if err := m.has(left, 0); err != nil {
			return fmt.Errorf("%s: %w", how, err)
		}
	}
	return nil
}

// spent is a member with a save of 200 of which 150 are used.
func (s *session) spent() (m *member, saved, used moved, err error) {
	m = s.member()
	if saved, err = m.save(200); err == nil {
		used, err = m.use(150)
	}
	return m, saved, used, err
}

func (s *session) saveCancel() error {
	for how, want := range map[string]purse{"remaining": {0, 0}, "debt": {-150, 150}} {
		m, saved, _, err := s.spent()
		if err != nil {
			return err
		}
		got, err := done(m.cancel(saved.TxID, object{"on_used": how}))
		if err != nil {
			return err
		}
		if got.Cancelled != 50 || got.Uncollected != 150 {
			return fmt.Errorf("%s: cancelled %d and uncollected %d; they must be 50 and 150", how, got.Cancelled,
				got.Uncollected)
		}
		if err := m.has(want.Balance, want.Owed); err != nil {
			return fmt.Errorf("%s: %w", how, err)
		}
	}
	m, saved, _, err := s.spent()
	if err != nil {
		return err
	}
	got, err := m.cancel(saved.TxID, object{"on_used": "refuse"})
	return errors.Join(refusedWith("save_partly_used", got, err), m.has(50, 0))
}

func (s *session) clawback() error {
	m, saved, used, err := s.spent()
	if err != nil {
		return err
	}
	if _, err := done(m.cancel(saved.TxID, object{})); err != nil {
		return err
	}
	if _, err := done(m.cancel(used.TxID, object{})); err != nil {
		return err
	}
	return m.has(0, 0)
}

func (s *session) debt() error {
	m, saved, _, err := s.spent()
	if err != nil {
		return err
	}
	if _, err := done(m.cancel(saved.TxID, object{"on_used": "debt"})); err != nil {
		return err
	}
	if _, err := m.saves(100, 80); err != nil {
		return err
	}
	got, err := m.tryUse(31)
	if err := refusedWith("insufficient_balance", got, err); err != nil {
		return err
	}
	if _, err := m.use(30); err != nil {
		return err
	}
	return m.has(0, 0)
}

// pages reads a member's whole history, and calls between after each page.
func (m *member) pages(limit int, between func() error) (all page, err error) {
	for cursor := ""; ; {
		var p page
		if err := m.get(fmt.Sprintf("/movements?limit=%d%s", limit, cursor), &p); err != nil {
			return all, err
		}
		all.Items = append(all.Items, p.Items...)
		if p.NextCursor == "" {
			return all, nil
		}
		if err := between(); err != nil {
			return all, err
		}
		cursor = "&cursor=" + url.QueryEscape(p.NextCursor)
	}
}

func (s *session) history() error {
	m, saved, used, err := s.spent()
	if err != nil {
		return err
	}
	if _, err := done(m.cancel(used.TxID, object{"amount": 20})); err != nil {
		return err
	}
	if _, err := done(m.cancel(saved.TxID, object{"on_used": "debt"})); err != nil {
		return err
	}
	all, err := m.pages(100, func() error { return nil })
	if err != nil {
		return err
	}
	var sum int64
	for _, i := range all.Items {
		sum += i.Amount
	}
	var got purse
	if err := m.get("", &got); err != nil {
		return err
	}
	if sum != got.Balance+got.Owed {
		return fmt.Errorf("the history sums up to %d; the balance is %d, and %d are owed", sum, got.Balance, got.Owed)
	}
	return nil
}

func (s *session) cursor() error {
	m := s.member()
	ids, err := m.saves(1, 2, 3, 4, 5, 6, 7)
	if err != nil {
		return err
	}
	all, err := m.pages(3, func() error {
		_, err := m.save(100)
		return err
	})
	if err != nil {
		return err
	}
	var got []string
	for _, i := range all.Items {
		got = append(got, i.TxID)
	}
	slices.Reverse(ids)
	if !slices.Equal(got, ids) {
		return fmt.Errorf("the pages have %v; they must have %v", got, ids)
	}
	return nil
}
