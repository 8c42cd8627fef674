package moneyclient

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"bestow/money"
	"bestow/money/moneyhttp/wire"

	"github.com/go-json-experiment/json"
)

// Config says which ledger a client asks.
type Config struct {
	URL          string // of the service, without /money/v1
	Token        string
	Installation string // whose grants are asked for; "": it is not said
	// OnDate is called with the Date of each answer, in whole seconds, and with the moments at which the request was
	// sent and the answer began to come, by the clock of this process. It may be nil.
	OnDate func(date, sent, received time.Time)
}

// Client asks a ledger over HTTP. It is safe for concurrent use and keeps its connections.
//
// After a [*RefusedError], money.ErrDeadline, money.ErrTooMany and money.ErrNoMaster nothing of the call was applied.
// After any other error it is unknown what was: ask again with the same keys.
type Client struct {
	config Config
	base   *url.URL
	http   *http.Client
	ledger atomic.Pointer[string] // the id of the ledger that is expected; nil: any
}

const (
	// connectTimeout is the time that a connection may take to come about.
	connectTimeout = 3 * time.Second
	// pingAfter is the time that a connection of HTTP/2 may be silent before it is asked whether it lives, and how long
	// it may take to say so.
	pingAfter = 3 * time.Second
	// idleConns is the number of connections that are kept: a process asks for as many chunks at once as it has
	// partitions.
	idleConns = 64
	// maxReply is the most bytes of an answer.
	maxReply = 16 << 20
)

// New returns a client, or an error that says what is wrong with c. Close it when it is not needed any more.
func New(c Config) (*Client, error) {
	base, err := url.Parse(c.URL)
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" || base.User != nil ||
		base.RawQuery != "" || base.Fragment != "" {
		return nil, errors.New("the ledger's address must be http://host or https://host, without user, " +
			"password and query")
	}
	if c.Token == "" {
		return nil, errors.New("the ledger's token is missing")
	}
	return &Client{config: c, base: base.JoinPath(wire.Prefix), http: &http.Client{
		Transport: transport(),
		// A redirect is an answer like any other: what it leads to is not our ledger.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

func transport() *http.Transport {
	return &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: connectTimeout, KeepAlive: 15 * time.Second}).DialContext,
		TLSHandshakeTimeout: connectTimeout,
		ForceAttemptHTTP2:   true,
		MaxIdleConns:        idleConns,
		MaxIdleConnsPerHost: idleConns,
		IdleConnTimeout:     time.Minute, // below the service's own, so that it is never the one that hangs up
		DisableCompression:  true,        // a bound on bytes is a bound on memory
		// A request that times out does not close a connection of HTTP/2: one that is dead is found out by a ping.
		HTTP2: &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: pingAfter},
	}
}

// Expect makes the client ask for this ledger only: another one that answers at its address refuses, if it is one of
// ours.
func (c *Client) Expect(ledgerID string) { c.ledger.Store(&ledgerID) }

// Close closes the connections that are kept.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// GrantPoints asks the ledger to save points. It answers in the order asked. Errors: money.ErrDeadline,
// money.ErrTooMany, and as said of the [Client].
func (c *Client) GrantPoints(ctx context.Context, deadline time.Time, items []money.Item) ([]money.Answer, error) {
	return c.grant(ctx, "points/grants", deadline, items)
}

// GrantVouchers asks the ledger to issue vouchers. Errors: money.ErrNoMaster, and those of GrantPoints.
func (c *Client) GrantVouchers(ctx context.Context, deadline time.Time, items []money.Item) ([]money.Answer, error) {
	return c.grant(ctx, "vouchers/grants", deadline, items)
}

func (c *Client) grant(ctx context.Context, route string, deadline time.Time,
	items []money.Item,
) ([]money.Answer, error) {
	asked := wire.Grants{Deadline: &deadline, BudgetMS: budget(ctx), Items: wire.NewItems(items)}
	var got wire.Answers
	if err := c.call(ctx, http.MethodPost, route, asked, &got); err != nil {
		return nil, err
	}
	if why := senseless(len(items), got.Items); why != "" {
		return nil, &UnclearError{Status: http.StatusOK, Why: why}
	}
	all := make([]money.Answer, len(got.Items))
	for n := range got.Items {
		all[n] = got.Items[n].Money()
	}
	return all, nil
}

// budget returns how long the ledger may take by ctx, in whole milliseconds; nil: ctx does not say.
func budget(ctx context.Context) *int64 {
	until, ok := ctx.Deadline()
	if !ok {
		return nil
	}
	ms := max(0, time.Until(until).Milliseconds())
	return &ms
}

// LookupPoints asks which saves keys stand for, in the order asked.
func (c *Client) LookupPoints(ctx context.Context, keys []string) ([]money.Found, error) {
	return c.lookup(ctx, "points/grants/lookup", keys)
}

// LookupVouchers asks which vouchers keys stand for, in the order asked. Error: money.ErrNoMaster, and as said of the
// [Client].
func (c *Client) LookupVouchers(ctx context.Context, keys []string) ([]money.Found, error) {
	return c.lookup(ctx, "vouchers/grants/lookup", keys)
}

func (c *Client) lookup(ctx context.Context, route string, keys []string) ([]money.Found, error) {
	var got wire.Findings
	if err := c.call(ctx, http.MethodPost, route, wire.Lookup{Keys: keys}, &got); err != nil {
		return nil, err
	}
	all := make([]money.Found, len(got.Items))
	for n := range got.Items {
		if said := got.Items[n].Outcome; said != string(money.Granted) && said != wire.UnknownKey {
			return nil, &UnclearError{Status: http.StatusOK, Why: fmt.Sprintf("the outcome of a key is %.50q", said)}
		}
		all[n] = got.Items[n].Money()
	}
	return all, nil
}

// Identity asks which ledger it is.
func (c *Client) Identity(ctx context.Context) (id wire.Identity, err error) {
	return id, c.call(ctx, http.MethodGet, "identity", nil, &id)
}

// Pair asks the ledger to be the one of the client's installation.
func (c *Client) Pair(ctx context.Context) (id wire.Identity, err error) {
	return id, c.call(ctx, http.MethodPut, "pairing", wire.Pairing{InstallationID: c.config.Installation}, &id)
}

// call sends a request with a body, nil for none, and reads the answer, which has the status 200.
// A call without a deadline of its own gets one: no ledger is waited for without end.
func (c *Client) call(ctx context.Context, method, route string, asked, answer any) error {
	if _, bounded := ctx.Deadline(); !bounded {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, wire.DefaultBudget)
		defer cancel()
	}
	req, err := c.request(ctx, method, route, asked)
	if err != nil {
		return err
	}
	reply, err := c.send(req)
	if err != nil {
		return err
	}
	defer func() { _ = reply.Body.Close() }() // all that counts was read
	if reply.StatusCode != http.StatusOK {
		return refused(reply)
	}
	if id, expected := reply.Header.Get(wire.HeaderLedger), c.ledger.Load(); id != "" && expected != nil &&
		id != *expected && route != "identity" {
		return fmt.Errorf("another ledger answered: %.100q", id)
	}
	return readAnswer(reply, answer)
}

// do is call for a route that only our ledger has: it may have a query and headers of its own, and what is made is
// answered with 201. It returns the headers of the answer.
func (c *Client) do(ctx context.Context, method, route string, headers http.Header, asked,
	answer any,
) (http.Header, error) {
	ctx, cancel := context.WithTimeout(ctx, wire.DefaultBudget)
	defer cancel()
	route, query, _ := strings.Cut(route, "?")
	req, err := c.request(ctx, method, route, asked)
	if err != nil {
		return nil, err
	}
	req.URL.RawQuery = query
	maps.Copy(req.Header, headers)
	reply, err := c.send(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = reply.Body.Close() }() // all that counts was read
	if reply.StatusCode != http.StatusOK && reply.StatusCode != http.StatusCreated {
		return nil, refused(reply)
	}
	return reply.Header, readAnswer(reply, answer)
}

// send sends a request, and tells when its answer came.
func (c *Client) send(req *http.Request) (*http.Response, error) {
	sent := time.Now()
	reply, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask ledger: %w", err)
	}
	if date, err := http.ParseTime(reply.Header.Get("Date")); err == nil && c.config.OnDate != nil {
		c.config.OnDate(date, sent, time.Now())
	}
	return reply, nil
}

func (c *Client) request(ctx context.Context, method, route string, asked any) (*http.Request, error) {
	var sent []byte
	if asked != nil {
		var err error
		if sent, err = json.Marshal(asked); err != nil {
			return nil, fmt.Errorf("write request: %w", err)
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base.JoinPath(strings.Split(route, "/")...).String(),
		bytes.NewReader(sent))
	if err != nil {
		return nil, fmt.Errorf("write request: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+c.config.Token)
	req.Header.Set("Accept", "application/json, "+wire.ProblemType)
	req.Header.Set("User-Agent", "bestow")
	if asked != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.config.Installation != "" {
		req.Header.Set(wire.HeaderInstallation, c.config.Installation)
	}
	if id := c.ledger.Load(); id != nil {
		req.Header.Set(wire.HeaderLedger, *id)
	}
	return req, nil
}
