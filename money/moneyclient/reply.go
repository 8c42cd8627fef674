package moneyclient

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"bestow/money"
	"bestow/money/moneyhttp/wire"

	"github.com/go-json-experiment/json"
)

// RefusedError is the error of a request that the ledger refused as a whole: nothing of it was applied.
type RefusedError struct {
	Status     int
	Code       string        // of the problem; "": the answer had none
	Detail     string        // likewise
	RetryAfter time.Duration // how long the ledger wants to be left alone; 0: it did not say

	Hint   string            // what to do next, as the ledger says
	Fields []wire.FieldError // the offending fields
}

// Error says what the ledger said.
func (e *RefusedError) Error() string {
	said := strings.TrimSuffix(": "+strings.Join([]string{e.Code, e.Detail}, ": "), ": ")
	return fmt.Sprintf("the ledger refuses with status %d%s", e.Status, said)
}

// UnclearError is the error of an answer that does not say what was applied.
type UnclearError struct {
	Status     int
	Why        string
	RetryAfter time.Duration // how long the ledger wants to be left alone; 0: it did not say
}

// Error says why the answer is not clear.
func (e *UnclearError) Error() string {
	return fmt.Sprintf("the ledger's answer with status %d is no answer: %s", e.Status, e.Why)
}

// LeaveAlone reports whether err means that the ledger should be left alone from now on, and for how long it asked for
// that: the token is refused, the ledger is another's, or it said when to come again. 0: it did not say.
//
// A refusal that is about one request says nothing of the others.
func LeaveAlone(err error) (time.Duration, bool) {
	if e, ok := errors.AsType[*RefusedError](err); ok {
		return e.RetryAfter, e.RetryAfter > 0 || slices.Contains(refusesAll, e.Status)
	}
	if e, ok := errors.AsType[*UnclearError](err); ok {
		return e.RetryAfter, e.RetryAfter > 0
	}
	return 0, false
}

// refusesAll are the statuses of a refusal that every request would get.
var refusesAll = []int{
	http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusConflict, http.StatusTooManyRequests,
	http.StatusServiceUnavailable,
}

// refused reads an answer that is not 200. A 4xx has applied nothing, and so has a passed deadline; a redirect is not
// followed; a 5xx may have applied something.
func refused(reply *http.Response) error {
	said := readProblem(reply)
	after := retryAfterOf(reply.Header.Get("Retry-After"), time.Now())
	if err := refusedAs(reply.StatusCode, said.Code); err != nil {
		return err
	}
	if isRefusal(reply.StatusCode) ||
		reply.StatusCode == http.StatusServiceUnavailable && said.Code == wire.CodeUnavailable {
		return &RefusedError{reply.StatusCode, said.Code, said.Detail, after, said.Hint, said.Errors}
	}
	why := "it is not 200"
	if reply.StatusCode >= 300 && reply.StatusCode < 400 {
		why = "redirects are not followed"
	}
	if said.Code != "" {
		why = said.Code + ": " + said.Detail
	}
	return &UnclearError{reply.StatusCode, why, after}
}

func isRefusal(status int) bool { return status >= 400 && status < 500 }

// refusedAs returns the ledger's own error of a refusal, nil if it has none.
func refusedAs(status int, code string) error {
	switch {
	case status == http.StatusGatewayTimeout && code == wire.CodeDeadline:
		return money.ErrDeadline
	case isRefusal(status) && code == wire.CodeTooManyItems:
		return money.ErrTooMany
	case isRefusal(status) && code == wire.CodeMissingKeys:
		return money.ErrNoMaster
	}
	return nil
}

// readAnswer reads an answer of status 200. What is no whole JSON of the route is no answer.
func readAnswer(reply *http.Response, answer any) error {
	unclear := func(why string) error { return &UnclearError{Status: reply.StatusCode, Why: why} }
	if got, _, err := mime.ParseMediaType(reply.Header.Get("Content-Type")); err != nil || got != "application/json" {
		return unclear("it is not application/json")
	}
	body, err := io.ReadAll(io.LimitReader(reply.Body, maxReply+1))
	switch {
	case err != nil:
		return fmt.Errorf("read the ledger's answer: %w", err)
	case len(body) > maxReply:
		return unclear("it is over " + strconv.Itoa(maxReply>>20) + " MiB")
	case json.Unmarshal(body, answer) != nil: // whose text may hold a PIN
		return unclear("it is not the JSON of the route")
	}
	return nil
}

// senseless says why the answers to a batch of so many items can be those of no ledger, "" if they can. One odd answer
// among others is its own item's: whose meaning is the caller's to find.
func senseless(items int, answers []wire.Answer) string {
	if len(answers) != items {
		return miscounted(len(answers), items)
	}
	why := ""
	for n := range answers {
		switch a := &answers[n]; money.Outcome(a.Outcome) {
		case money.Granted, money.Replayed:
			if a.TxID != "" {
				return ""
			}
			why = "its answers have no money_tx_id"
		case money.Refused, money.Conflict:
			return ""
		default:
			why = fmt.Sprintf("its answers have the outcome %.30q", a.Outcome)
		}
	}
	return why
}

func miscounted(answers, items int) string {
	return fmt.Sprintf("it has %d answers to %d items", answers, items)
}

const (
	maxProblem = 64 << 10
	maxDetail  = 300
	maxFields  = 100
)

// saneCode is a code that can stand in a log.
var saneCode = regexp.MustCompile(`^[a-z][a-z0-9_]{0,49}$`)

// readProblem reads what a refusal says of itself; nothing, if it is not problem+json.
func readProblem(reply *http.Response) (p wire.Problem) {
	if got, _, err := mime.ParseMediaType(reply.Header.Get("Content-Type")); err != nil || got != wire.ProblemType {
		return wire.Problem{}
	}
	body, err := io.ReadAll(io.LimitReader(reply.Body, maxProblem))
	if err != nil || json.Unmarshal(body, &p) != nil || !saneCode.MatchString(p.Code) {
		return wire.Problem{}
	}
	p.Detail, p.Hint = oneLine(p.Detail), oneLine(p.Hint)
	p.Errors = p.Errors[:min(len(p.Errors), maxFields)]
	for n := range p.Errors {
		p.Errors[n] = wire.FieldError{Location: oneLine(p.Errors[n].Location), Message: oneLine(p.Errors[n].Message)}
	}
	return p
}

// oneLine returns what a ledger says, as it can stand in a log.
func oneLine(said string) string {
	line := []rune(strings.Join(strings.Fields(said), " "))
	return string(line[:min(len(line), maxDetail)])
}

// maxRetryAfter is the longest that a ledger is left alone because it said so.
const maxRetryAfter = 5 * time.Minute

// retryAfterOf reads a Retry-After, seconds or a date; 0 for none, and for one that cannot be read.
func retryAfterOf(said string, now time.Time) time.Duration {
	wait := time.Duration(0)
	if seconds, err := strconv.ParseUint(said, 10, 31); err == nil {
		wait = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(said); err == nil {
		wait = at.Sub(now)
	}
	return min(max(wait, 0), maxRetryAfter)
}
