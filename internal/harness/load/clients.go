package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"bestow/internal/harness/testbed"
)

// requestTimeout is the time that a client waits for an answer.
const requestTimeout = time.Minute

// amount is what each member gets.
const amount = 100

// The requests of a campaign, in their order.
const (
	create   = "POST /events"
	fill     = "POST /events/{id}/targets"
	start    = "POST /events/{id}/start"
	jsonType = "application/json"
)

// client is a program of another team, which has a key and keeps its connections.
type client struct {
	url, key string
	http     *http.Client
	meter    *meter
}

// makeKeys makes a key for each client.
func makeKeys(ctx context.Context, api *testbed.API, clients int) ([]string, error) {
	admin := client{url: api.URL, key: api.Key, http: &http.Client{Timeout: requestTimeout}, meter: newMeter()}
	keys := make([]string, clients)
	for i := range keys {
		var made struct{ Key string }
		body := fmt.Sprintf(`{"name": "load-%d", "role": "operator"}`, i+1)
		if !admin.post(ctx, "POST /keys", "/keys", jsonType, body, &made) {
			return nil, fmt.Errorf("make key: %w", admin.meter.failed())
		}
		keys[i] = made.Key
	}
	return keys, nil
}

// loadAll lets a client with each of the keys make campaigns until the time is over, and waits for all of them.
func loadAll(ctx context.Context, url string, keys []string, o options, m *meter) {
	list := memberList(o.members)
	over := time.Now().Add(o.lasts)
	var clients sync.WaitGroup
	for i, key := range keys {
		clients.Go(func() {
			own := &http.Transport{MaxIdleConnsPerHost: 1}
			defer own.CloseIdleConnections()
			c := client{url: url, key: key, http: &http.Client{Transport: own, Timeout: requestTimeout}, meter: m}
			for n := 1; ctx.Err() == nil && time.Now().Before(over); n++ {
				c.campaign(ctx, fmt.Sprintf("load-%d-%d", i+1, n), list)
			}
		})
	}
	clients.Wait()
}

// campaign makes an event, imports its members and starts it. It ends at the first request that fails.
func (c *client) campaign(ctx context.Context, campaign, list string) {
	var event struct {
		ID int64 `json:"id"`
	}
	body := fmt.Sprintf(`{"campaign_id": %q, "event_type": "POINT", "default_amount": %d, "default_reason": "load"}`,
		campaign, amount)
	if !c.post(ctx, create, "/events", jsonType, body, &event) {
		return
	}
	path := "/events/" + strconv.FormatInt(event.ID, 10)
	if c.post(ctx, fill, path+"/targets", "text/csv", list, nil) && c.post(ctx, start, path+"/start", "", "", nil) {
		c.meter.began(event.ID)
	}
}

// post sends a request once, and reports whether it was a success. The meter keeps how long it took to the end of the
// answer.
func (c *client) post(ctx context.Context, step, path, contentType, body string, answer any) bool {
	began := time.Now()
	err := c.ask(ctx, path, contentType, body, answer)
	c.meter.took(step, time.Since(began), err)
	return err == nil
}

func (c *client) ask(ctx context.Context, path, contentType, body string, answer any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+c.key)
	req.Header.Set("Idempotency-Key", rand.Text())
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	said, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode >= http.StatusMultipleChoices {
		return fmt.Errorf("%d: %s", res.StatusCode, bytes.TrimSpace(said))
	}
	if answer == nil {
		return nil
	}
	return json.Unmarshal(said, answer)
}

// memberList returns a CSV of so many members.
func memberList(members int) string {
	var b strings.Builder
	_ = testbed.WriteList(&b, members, func(int) string { return strconv.Itoa(amount) }) // a builder takes all
	return b.String()
}
