package conformance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptrace"
	"slices"
	"sync"
	"time"
)

func (s *session) deadline() error {
	past, future := time.Now().Add(-time.Minute), time.Now().Add(time.Hour)
	none, minute := int64(0), time.Minute.Milliseconds()
	var never []item
	for what, asked := range map[string]request{
		"a deadline that has passed":                        {Deadline: &past},
		"a deadline that has passed, budget_ms of a minute": {Deadline: &past, BudgetMS: &minute},
		"budget_ms 0":                            {BudgetMS: &none},
		"budget_ms 0, a deadline in an hour":     {Deadline: &future, BudgetMS: &none}, // the caller's clock may be ahead
		"a negative budget_ms":                   {BudgetMS: new(int64(-1))},
		"budget_ms 0 for a batch of 1,000 items": {BudgetMS: &none, Items: s.items(1000)},
	} {
		if asked.Items == nil {
			asked.Items = s.items(2)
		}
		never = append(never, asked.Items...)
		r, err := s.post(points+"/grants", asked)
		if err != nil {
			return err
		}
		if !r.appliedNothing() {
			return fmt.Errorf("%s: not refused with 504 and the code deadline, but %s", what, r)
		}
	}
	if err := s.lateReplay(); err != nil {
		return err
	}
	late, err := s.shortBudgets()
	if err != nil {
		return err
	}
	never = append(never, late...)
	if err := s.absent(never); err != nil {
		return err
	}
	if err := s.pause(2 * time.Second); err != nil {
		return err
	}
	if err := s.absent(never); err != nil {
		return fmt.Errorf("two seconds later: %w", err)
	}
	_, err = s.grant(points, never)
	return err
}

// lateReplay asks for what was granted, when it is too late to grant it: that answer was lost, say.
func (s *session) lateReplay() error {
	asked := s.items(3)
	first, err := s.grant(points, asked)
	if err != nil {
		return err
	}
	past, none := time.Now().Add(-time.Minute), int64(0)
	for what, late := range map[string]request{
		"a deadline that has passed": {Deadline: &past, Items: asked},
		"budget_ms 0":                {BudgetMS: &none, Items: asked},
	} {
		r, err := s.post(points+"/grants", late)
		if err != nil {
			return err
		}
		again, err := r.answers(keysOf(asked))
		if err != nil {
			return fmt.Errorf("%s, and all keys stand for what is asked: %w", what, err)
		}
		for i, a := range again {
			if a.Outcome != replayed || a.TxID != first[i].TxID {
				return fmt.Errorf("%s: %s was granted as id %q, and gets outcome %q, id %q", what, a.Key, first[i].TxID,
					a.Outcome, a.TxID)
			}
		}
	}
	return nil
}

// shortBudgets asks with so little time that it may be too little, and returns the items of which the ledger says that
// it was.
func (s *session) shortBudgets() (late []item, err error) {
	for _, ms := range []int64{1, 3, 10, 30, 100} {
		asked := request{BudgetMS: &ms, Items: s.items(500)}
		r, err := s.post(points+"/grants", asked)
		if err != nil {
			return nil, err
		}
		if r.appliedNothing() {
			late = append(late, asked.Items...)
			continue
		}
		all, err := r.answers(keysOf(asked.Items))
		if err != nil {
			return nil, fmt.Errorf("budget_ms %d: %w", ms, err)
		}
		if err := s.stands(points, asked.Items, all); err != nil {
			return nil, fmt.Errorf("budget_ms %d: %w", ms, err)
		}
	}
	return late, nil
}

func (s *session) lostAnswer() error {
	for what, hangUp := range map[string]func([]item, func()){
		"cut off after the request was sent": func(_ []item, cut func()) { cut() },
		"cut off after it was applied": func(asked []item, cut func()) {
			for range 20 {
				if found, err := s.find(points, keysOf(asked)); err != nil || found[0].Outcome == granted ||
					s.pause(50*time.Millisecond) != nil {
					break
				}
			}
			cut()
		},
	} {
		if err := s.lose(hangUp); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
	}
	return nil
}

// lose asks for grants, does not wait for the answer, and asks again.
func (s *session) lose(hangUp func(asked []item, cut func())) error {
	asked := s.items(5)
	if err := s.sendAndLose(asked, hangUp); err != nil {
		return err
	}
	before, err := s.find(points, keysOf(asked))
	if err != nil {
		return err
	}
	again, err := s.ask(points, asked)
	if err != nil {
		return err
	}
	for i, a := range again {
		known := before[i].Outcome == granted
		if a.Outcome != granted && a.Outcome != replayed ||
			known && (a.Outcome != replayed || a.TxID != before[i].TxID) {
			return fmt.Errorf("%s: the lookup said %q, id %q; asked again it gets outcome %q, id %q", a.Key,
				before[i].Outcome, before[i].TxID, a.Outcome, a.TxID)
		}
	}
	if err := s.pause(time.Second); err != nil {
		return err
	}
	if err := s.replays(points, asked, again); err != nil {
		return err
	}
	return s.stands(points, asked, again)
}

// sendAndLose sends a request, and hangs up.
func (s *session) sendAndLose(asked []item, hangUp func([]item, func())) error {
	body, err := json.Marshal(request{Items: asked})
	if err != nil {
		return fmt.Errorf("write request: %w", err)
	}
	ctx, cancel := context.WithCancel(s.ctx)
	defer cancel()
	var hanging sync.WaitGroup
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteRequest: func(httptrace.WroteRequestInfo) {
		hanging.Go(func() { hangUp(asked, cancel) })
	}})
	_, _ = s.send(ctx, "POST", points+"/grants", body) // it is meant to fail
	hanging.Wait()
	return nil
}

// callers says how many ask for the same at once.
const callers = 16

func (s *session) atOnce() error {
	asked := s.items(3)
	all, errs := make([][]answer, callers), make([]error, callers)
	var asking sync.WaitGroup
	for i := range callers {
		asking.Go(func() {
			mine := slices.Clone(asked)
			if i%2 == 1 { // in another order: the ledger must not wait for itself
				slices.Reverse(mine)
			}
			if all[i], errs[i] = s.ask(points, mine); errs[i] == nil && i%2 == 1 {
				slices.Reverse(all[i])
			}
		})
	}
	asking.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	if err := madeOnce(all); err != nil {
		return err
	}
	return s.stands(points, asked, all[0])
}

// madeOnce looks that all answers to each of the keys have one id, and that one of them says that it was granted now.
func madeOnce(all [][]answer) error {
	made := make([]int, len(all[0]))
	for i := range all {
		for n, a := range all[i] {
			if a.Outcome != granted && a.Outcome != replayed || a.TxID != all[0][n].TxID {
				return fmt.Errorf("%s gets outcome %q, id %q from one request, and id %q from another", a.Key,
					a.Outcome, a.TxID, all[0][n].TxID)
			}
			if a.Outcome == granted {
				made[n]++
			}
		}
	}
	if slices.ContainsFunc(made, func(times int) bool { return times != 1 }) {
		return fmt.Errorf("of the answers to each key %v say that it was granted now", made)
	}
	return nil
}
