package conformance

import (
	"bytes"
	"fmt"
	"slices"
)

func (s *session) replay() error {
	asked := s.items(3)
	first, err := s.grant(points, asked)
	if err != nil {
		return err
	}
	slices.Reverse(asked)
	slices.Reverse(first)
	return s.replays(points, asked, first)
}

// replays asks again for what was granted.
func (s *session) replays(kind string, asked []item, first []answer) error {
	again, err := s.ask(kind, asked)
	if err != nil {
		return err
	}
	for i, a := range again {
		if a.Outcome != replayed || a.TxID != first[i].TxID {
			return fmt.Errorf("%s was granted as %s; asked again it gets outcome %q, id %q", a.Key, first[i].TxID,
				a.Outcome, a.TxID)
		}
	}
	return nil
}

func (s *session) conflict() error {
	asked := s.items(2)
	asked[0].Amount = 71_523
	first, err := s.grant(points, asked)
	if err != nil {
		return err
	}
	other := slices.Clone(asked)
	other[0].Amount, other[1].MemberID = 200, asked[0].MemberID+"-other"
	r, err := s.post(points+"/grants", request{Items: other})
	if err != nil {
		return err
	}
	all, err := r.answers(keysOf(other))
	if err != nil {
		return err
	}
	for i, a := range all {
		if a.Outcome != conflict {
			return fmt.Errorf("a key with another %s gets outcome %q", [...]string{"amount", "member"}[i], a.Outcome)
		}
	}
	for _, secret := range []string{
		`"` + first[0].TxID + `"`, `"` + first[1].TxID + `"`, "71523",
		`"` + asked[1].MemberID + `"`,
	} {
		if bytes.Contains(r.body, []byte(secret)) {
			return fmt.Errorf("the conflict tells %s of the first grant: %s", secret, r)
		}
	}
	return s.stands(points, asked, first)
}

func (s *session) twiceInABatch() error {
	asked := s.items(2)
	batch := []item{asked[0], asked[1], asked[0], asked[1]}
	batch[3].Amount++
	all, err := s.ask(points, batch)
	if err != nil {
		return err
	}
	var got []string
	for _, a := range all {
		got = append(got, a.Outcome)
	}
	if !slices.Equal(got, []string{granted, granted, replayed, conflict}) || all[0].TxID != all[2].TxID {
		return fmt.Errorf("a key twice, and one twice with another amount, get %q, ids %q and %q", got, all[0].TxID,
			all[2].TxID)
	}
	return s.stands(points, asked, all[:2])
}

// badItems are items that no ledger grants.
func (s *session) badItems() []item {
	all := s.items(4)
	all[0].Amount, all[1].Amount, all[2].MemberID, all[3].MemberID = 0, -5, "", "a\nb"
	return all
}

func (s *session) mixedItems() error {
	good, bad := s.items(2), s.badItems()
	all, err := s.ask(points, slices.Concat(good[:1], bad, good[1:]))
	if err != nil {
		return err
	}
	for n, a := range all[1 : 1+len(bad)] {
		if a.Outcome != refused || a.Code == "" || a.Retryable {
			return fmt.Errorf("a bad item, with member_id %q and amount %d, gets outcome %q, error_code %q, "+
				"retryable %t",
				bad[n].MemberID, bad[n].Amount, a.Outcome, a.Code, a.Retryable)
		}
	}
	first := []answer{all[0], all[len(all)-1]}
	for _, a := range first {
		if a.Outcome != granted {
			return fmt.Errorf("a good item beside bad ones gets outcome %q, error_code %q", a.Outcome, a.Code)
		}
	}
	if err := s.absent(bad); err != nil {
		return err
	}
	return s.stands(points, good, first)
}

func (s *session) refusedKey() error {
	bad := s.badItems()
	if _, err := s.ask(points, bad); err != nil {
		return err
	}
	good := s.items(len(bad))
	for i := range good {
		good[i].Key = bad[i].Key
	}
	first, err := s.grant(points, good)
	if err != nil {
		return fmt.Errorf("with the keys of refused items: %w", err)
	}
	return s.stands(points, good, first)
}

func (s *session) lookUp() error {
	asked, bad, never := s.items(2), s.badItems(), s.items(1)
	asked[1].Amount = 7
	first, err := s.grant(points, asked)
	if err != nil {
		return err
	}
	if _, err := s.ask(points, bad); err != nil {
		return err
	}
	slices.Reverse(asked)
	slices.Reverse(first)
	if err := s.stands(points, asked, first); err != nil {
		return err
	}
	return s.absent(slices.Concat(never, bad))
}

func (s *session) vouchers() error {
	asked := s.items(100)
	first, err := s.grant(vouchers, asked)
	if err != nil {
		return err
	}
	codes := map[string]bool{}
	for _, a := range first {
		if a.VoucherCode == "" || a.VoucherPIN == "" || codes[a.VoucherCode] {
			return fmt.Errorf("%s has no PIN, or no code of its own", a.Key)
		}
		codes[a.VoucherCode] = true
	}
	if err := s.replays(vouchers, asked, first); err != nil {
		return err
	}
	if err := s.stands(vouchers, asked, first); err != nil {
		return err
	}
	return s.repeatsSecrets(asked, first)
}

// repeatsSecrets looks that a replay and a lookup have the codes and PINs of the grants.
func (s *session) repeatsSecrets(asked []item, first []answer) error {
	again, err := s.ask(vouchers, asked)
	if err != nil {
		return err
	}
	found, err := s.find(vouchers, keysOf(asked))
	if err != nil {
		return err
	}
	for i, a := range first {
		for what, other := range map[string]answer{"replay": again[i], "lookup": found[i]} {
			if other.VoucherCode != a.VoucherCode || other.VoucherPIN != a.VoucherPIN {
				return fmt.Errorf("%s: the %s has another code or PIN than the grant, or none", a.Key, what)
			}
		}
	}
	return nil
}
