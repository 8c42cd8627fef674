package client

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"bestow/domain"

	"github.com/go-json-experiment/json"
)

// Client speaks to one server. It is safe for use by many goroutines.
type Client struct {
	base string
	key  string
	http *http.Client
}

// New returns a client of the server at baseURL, such as http://127.0.0.1:8080, with an API key.
func New(baseURL, key string) (*Client, error) {
	u, err := url.Parse(baseURL)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") || u.User != nil || u.RawQuery != "" ||
		u.Fragment != "" {
		// it may hold a password
		return nil, domain.InvalidError("BESTOW_URL is not the address of a server",
			"write it as http://HOST:PORT; the key belongs in BESTOW_KEY")
	}
	return &Client{
		base: strings.TrimSuffix(baseURL, "/") + "/api/v1",
		key:  key,
		http: &http.Client{
			Transport: &http.Transport{
				Proxy:                 http.ProxyFromEnvironment,
				ForceAttemptHTTP2:     true,
				TLSHandshakeTimeout:   10 * time.Second,
				IdleConnTimeout:       time.Minute,
				ExpectContinueTimeout: 3 * time.Second, // a refused upload is not sent
			},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

// Close ends idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// A request is sent at most tries times. backoff is the wait before the second time.
const (
	tries   = 3
	backoff = 300 * time.Millisecond
)

// request is one call of the API.
type request struct {
	method, path string
	query        url.Values
	body         any     // of call: nil for none
	ifMatch      string  // of call: the ETag of the state to change; "" for any
	tag          *string // of call: receives the answer's ETag; may be nil
	size         int64   // of send's body; 0 if not known
	lost         string  // advice for a lost answer; "" for the usual advice
}

// call sends r and reads a JSON answer into answer, which may be nil. If the answer is lost, or the server busy, it
// sends r again: a change carries an Idempotency-Key.
func (c *Client) call(ctx context.Context, r request, answer any) error {
	header := http.Header{}
	var body []byte
	if r.method != http.MethodGet {
		header.Set("Idempotency-Key", rand.Text())
	}
	if r.ifMatch != "" {
		header.Set("If-Match", r.ifMatch)
	}
	if r.body != nil {
		header.Set("Content-Type", "application/json")
		var err error
		if body, err = json.Marshal(r.body); err != nil {
			return fmt.Errorf("write request: %w", err)
		}
	}
	for try := 1; ; try++ {
		err := c.callOnce(ctx, r, header, body, answer)
		if err == nil || try == tries || !mayPass(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(backoff * time.Duration(try*try)):
		}
	}
}

func (c *Client) callOnce(ctx context.Context, r request, header http.Header, body []byte, answer any) error {
	res, err := c.send(ctx, r, header, bytes.NewReader(body))
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if r.tag != nil {
		*r.tag = res.Header.Get("ETag")
	}
	if answer == nil {
		return nil
	}
	if err := json.UnmarshalRead(res.Body, answer); err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	return nil
}

// send returns a good answer, whose body the caller closes, or an error.
func (c *Client) send(ctx context.Context, r request, header http.Header, body io.Reader) (*http.Response, error) {
	u := c.base + r.path
	if len(r.query) > 0 {
		u += "?" + r.query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, r.method, u, body)
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	if r.size > 0 {
		req.ContentLength = r.size
	}
	req.Header = header
	req.Header.Set("Authorization", "Bearer "+c.key)
	res, err := c.http.Do(req)
	if err != nil {
		return nil, c.unreachable(ctx, err, r.lost)
	}
	if res.StatusCode >= http.StatusMultipleChoices {
		defer func() { _ = res.Body.Close() }()
		return nil, refusal(res)
	}
	return res, nil
}

// unreachable explains why no answer came. lost is the advice if the request may have been worked, "" for the usual
// one.
func (c *Client) unreachable(ctx context.Context, err error, lost string) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	cause := err
	if u, ok := errors.AsType[*url.Error](err); ok {
		cause = u.Err
	}
	hint := "is `bestow serve` running there? BESTOW_URL says where to ask"
	if lost != "" && !isDial(err) {
		hint = lost
	}
	return fmt.Errorf("%w: %w", domain.UnavailableError("no answer from "+strings.TrimSuffix(c.base, "/api/v1"),
		hint), cause)
}

// isDial reports whether no connection was made.
func isDial(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "dial"
}

// mayPass reports whether the same request may soon get another answer. It will not if no server listens.
func mayPass(err error) bool {
	if isDial(err) {
		return false
	}
	return domain.IsCode(err, domain.Unavailable) || errors.Is(err, io.ErrUnexpectedEOF)
}
