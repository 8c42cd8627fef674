package conformance

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// maxItems is the most items of a request.
const maxItems = 5000

func (s *session) largestBatch() error {
	asked := s.items(maxItems)
	first, err := s.grant(points, asked)
	if err != nil {
		return err
	}
	if err := s.stands(points, asked, first); err != nil {
		return err
	}
	more := s.items(maxItems + 1)
	r, err := s.post(points+"/grants", request{Items: more})
	if err != nil {
		return err
	}
	if r.status < 400 || r.status >= 500 {
		return fmt.Errorf("5,001 items get %s", r)
	}
	return s.absent(more[:maxItems])
}

// maxAmount is the largest amount that each ledger keeps: a number in JSON is exact up to there.
const maxAmount = 1_000_000_000_000_000

func (s *session) amounts() error {
	asked := s.items(2)
	asked[0].Amount, asked[1].Amount = 1, maxAmount
	first, err := s.grant(points, asked)
	if err != nil {
		return err
	}
	if err := s.stands(points, asked, first); err != nil {
		return err
	}
	for _, amount := range []string{"1000000000000001", "9007199254740993", "9223372036854775807"} {
		if err := s.keepsOrRefuses(amount); err != nil {
			return err
		}
	}
	for _, amount := range []string{"9223372036854775808", "1e300", "1.5", `"100"`, "null", "true"} {
		if err := s.refuses(amount); err != nil {
			return err
		}
	}
	return nil
}

// withAmount asks for a grant of an amount, as it is written.
func (s *session) withAmount(amount string) (item, reply, error) {
	i := s.items(1)[0]
	const one = `{"items":[{"idempotency_key":%q,"member_id":%q,"amount":%s,"type_code":"TEST","ref":"conformance"}]}`
	body := fmt.Sprintf(one, i.Key, i.MemberID, amount)
	r, err := s.post(points+"/grants", []byte(body))
	return i, r, err
}

// keepsOrRefuses asks for a grant of an amount that a ledger may refuse.
func (s *session) keepsOrRefuses(amount string) error {
	i, r, err := s.withAmount(amount)
	if err != nil {
		return err
	}
	if !strings.Contains(string(r.body), `"granted"`) {
		return s.absent([]item{i})
	}
	found, err := s.post(points+"/grants/lookup", map[string]any{"idempotency_keys": []string{i.Key}})
	if err == nil && !bytes.Contains(found.body, []byte(amount)) {
		err = fmt.Errorf("the amount %s is granted, and the lookup says %s", amount, found)
	}
	return err
}

// refuses asks for a grant of an amount that is none.
func (s *session) refuses(amount string) error {
	i, r, err := s.withAmount(amount)
	if err != nil {
		return err
	}
	if r.status == http.StatusOK {
		all, err := r.answers([]string{i.Key})
		if err != nil {
			return err
		}
		if all[0].Outcome != refused {
			return fmt.Errorf("the amount %s gets outcome %q", amount, all[0].Outcome)
		}
	} else if r.status >= 500 {
		return fmt.Errorf("the amount %s gets %s", amount, r)
	}
	return s.absent([]item{i})
}

func (s *session) memberIDs() error {
	names := []string{
		"회원-7", "José", "a/b", "a%2Fb", `"quoted"`, "o'neill", "x;--", "<b>", `back\slash`, "two words",
		"🎁", "A", "a",
	}
	asked := s.items(len(names))
	for i, name := range names {
		asked[i].MemberID = name + s.name
	}
	first, err := s.grant(points, asked)
	if err != nil {
		return err
	}
	if err := s.stands(points, asked, first); err != nil {
		return err
	}
	decomposed := s.items(1)
	decomposed[0].MemberID = "Jose\u0301" + s.name
	all, err := s.ask(points, decomposed)
	if err != nil {
		return err
	}
	if all[0].Outcome == refused {
		return s.absent(decomposed)
	}
	return s.stands(points, decomposed, all) // as another member
}

func (s *session) form() error {
	for what, try := range map[string]struct{ method, path, body, kind string }{
		"a body that ends early":  {http.MethodPost, "points/grants", `{"items":[`, "application/json"},
		"a list":                  {http.MethodPost, "points/grants", `[]`, "application/json"},
		"no items":                {http.MethodPost, "points/grants", `{}`, "application/json"},
		"a form":                  {http.MethodPost, "points/grants", `items=1`, "application/x-www-form-urlencoded"},
		"a route that is none":    {http.MethodPost, "points/grantz", `{"items":[]}`, "application/json"},
		"a slash too many":        {http.MethodPost, "points/grants/", `{"items":[]}`, "application/json"},
		"two slashes":             {http.MethodPost, "points//grants", `{"items":[]}`, "application/json"},
		"GET of a grant route":    {http.MethodGet, "points/grants", "", ""},
		"a lookup without keys":   {http.MethodPost, "points/grants/lookup", `{}`, "application/json"},
		"a deadline that is none": {http.MethodPost, "points/grants", `{"deadline":"tomorrow","items":[]}`, "application/json"},
	} {
		r, err := s.send(s.ctx, try.method, try.path, []byte(try.body),
			func(r *http.Request) { r.Header.Set("Content-Type", try.kind) })
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		if r.status < 400 || r.status >= 500 {
			return fmt.Errorf("%s: %w: %s", what, errNoRefusal, r)
		}
		if _, err := r.problem(); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
	}
	return nil
}

func (s *session) token() error {
	asked := s.items(1)
	body := fmt.Appendf(nil,
		`{"items":[{"idempotency_key":%q,"member_id":%q,"amount":100,"type_code":"TEST","ref":"conformance"}]}`,
		asked[0].Key, asked[0].MemberID)
	for what, authorization := range map[string]string{
		"no token": "", "another token": "Bearer x" + s.ledger.Token,
		"no Bearer": s.ledger.Token,
	} {
		for _, path := range []string{"points/grants", "points/grants/lookup", "vouchers/grants"} {
			r, err := s.send(s.ctx, http.MethodPost, path, body,
				func(r *http.Request) { r.Header.Set("Authorization", authorization) })
			if err != nil {
				return fmt.Errorf("%s: %w", what, err)
			}
			if r.status != http.StatusUnauthorized {
				return fmt.Errorf("%s, %s: %w with 401: %s", what, path, errNoRefusal, r)
			}
		}
	}
	return s.absent(asked)
}

// maxSkew says how far a ledger's clock may be off. Date leaves out what is less than a second.
const maxSkew = 2 * time.Second

func (s *session) clock() error {
	sent := time.Now()
	r, err := s.send(s.ctx, http.MethodPost, "points/grants/lookup", []byte(`{"idempotency_keys":[]}`))
	if err != nil {
		return err
	}
	date, err := http.ParseTime(r.header.Get("Date"))
	if err != nil {
		return fmt.Errorf("an answer has no Date: %w", err)
	}
	if ahead, behind := time.Until(date), sent.Sub(date.Add(time.Second)); ahead > maxSkew || behind > maxSkew {
		return fmt.Errorf("an answer has the Date %s, and it is %s by the clock of this machine", date.UTC(),
			sent.UTC())
	}
	return nil
}
