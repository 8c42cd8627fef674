package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"bestow/internal/harness/testbed"

	"github.com/jackc/pgx/v5"
)

// places are the events and the member whose pages are measured.
type places struct {
	Running, Done, Stopped, Small, Draft int64 // of the first three the largest
	Member, Given                        string
}

func readPlaces(ctx context.Context, db *pgx.Conn) (p places, err error) {
	const query = `WITH largest AS (
			SELECT DISTINCT ON (event_status) event_status, id FROM campaign_events ORDER BY event_status, total_count DESC, id DESC
		)
		SELECT (SELECT id FROM largest WHERE event_status = 'RUNNING'), (SELECT id FROM largest WHERE event_status = 'COMPLETED'),
			(SELECT id FROM largest WHERE event_status = 'STOPPED'),
			(SELECT max(id) FROM campaign_events WHERE event_status = 'COMPLETED' AND event_type = 'VOUCHER'),
			(SELECT max(id) FROM campaign_events WHERE event_status = 'PENDING'),
			(SELECT member_id FROM point_results WHERE event_id = (SELECT id FROM largest WHERE event_status = 'COMPLETED') LIMIT 1),
			(SELECT member_id FROM point_results WHERE event_id = (SELECT id FROM largest WHERE event_status = 'COMPLETED')
				AND status = 'PERMANENTLY_FAILED' LIMIT 1)`
	err = db.QueryRow(ctx, query).Scan(&p.Running, &p.Done, &p.Stopped, &p.Small, &p.Draft, &p.Member, &p.Given)
	if err != nil {
		return p, fmt.Errorf("choose events: %w", err)
	}
	return p, nil
}

// paths lists the pages, as a person opens them and narrows them.
func (p places) paths() []string {
	paths := []string{
		"/console", "/console/campaigns", "/console/campaigns?q=campaign-77", "/console/campaigns?q=nothing+has+this",
		"/console/campaigns?event_status=FAILED", "/console/campaigns?event_type=VOUCHER", "/console/campaigns/new",
		"/console/members", "/console/members/" + p.Member, "/console/members?q=M-is-nobody", "/console/find?q=" + p.Member,
		"/console/parked", "/console/parked?cause=foreign", "/console/parked?replayed=all", "/console/system",
		"/console/keys", "/console/types", "/console/audit", "/console/audit?actor=person-7", "/console/audit?actor=nobody",
		"/console/audit?action=event.delete", "/console/audit?action=event.start", "/console/audit?object=event+77",
		"/console/audit?object=nothing", "/console/audit?until=2024-06-01", "/console/audit?since=2030-01-01",
		fmt.Sprintf("/console/audit?event_id=%d", p.Done), "/console/sign-in",
	}
	for _, id := range []int64{p.Running, p.Done, p.Stopped, p.Small, p.Draft} {
		paths = append(paths, fmt.Sprintf("/console/campaigns/%d", id))
	}
	for _, rest := range []string{"edit", "list", "review"} {
		paths = append(paths, fmt.Sprintf("/console/campaigns/%d/%s", p.Draft, rest))
	}
	done := fmt.Sprintf("/console/campaigns/%d", p.Done)
	return append(paths, done+"/proof", done+"/members/"+p.Member, done+"/members/"+p.Given, done+"/members/nobody")
}

// visitor is a browser in which a person is signed in.
type visitor struct {
	http   *http.Client
	origin string
	assets map[string]int // gzipped bytes by path
}

// signIn signs in as a person at this machine does, with the key.
func signIn(ctx context.Context, api *testbed.API) (*visitor, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, fmt.Errorf("sign in: %w", err)
	}
	transport := &http.Transport{MaxIdleConnsPerHost: 1}
	c := &visitor{&http.Client{Jar: jar, Transport: transport}, strings.TrimSuffix(api.URL, "/api/v1"), map[string]int{}}
	form := url.Values{"key": {api.Key}, "next": {"/console/types"}}.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.origin+"/console/sign-in", strings.NewReader(form))
	if err != nil {
		return nil, fmt.Errorf("sign in: %w", err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", c.origin)
	res, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("sign in: %w", err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusOK || res.Request.URL.Path != "/console/types" {
		return nil, fmt.Errorf("sign in: the answer is %s from %s", res.Status, res.Request.URL.Path)
	}
	return c, nil
}

// get returns the body of a page and how long it took to its end.
func (c *visitor) get(ctx context.Context, path string) (body []byte, took time.Duration, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.origin+path, nil)
	if err != nil {
		return nil, 0, fmt.Errorf("open %s: %w", path, err)
	}
	began := time.Now()
	res, err := c.http.Do(req)
	if err != nil {
		return nil, 0, fmt.Errorf("open %s: %w", path, err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err = io.ReadAll(res.Body)
	took = time.Since(began)
	switch {
	case err != nil:
		return nil, 0, fmt.Errorf("open %s: %w", path, err)
	case res.StatusCode != http.StatusOK && res.StatusCode != http.StatusNotFound:
		return nil, 0, fmt.Errorf("open %s: the answer is %s", path, res.Status)
	case res.Request.URL.Path == "/console/sign-in" && path != "/console/sign-in":
		return nil, 0, fmt.Errorf("open %s: it asks to sign in", path)
	}
	return body, took, nil
}

// visit is what a page took and weighs.
type visit struct {
	path  string
	took  []time.Duration
	bytes int // gzipped, with the style and the script
}

func (v visit) median() time.Duration { return testbed.Percentile(v.took, 50) }

// visitAll opens each page so many times, one after the other.
func (c *visitor) visitAll(ctx context.Context, paths []string, rounds int) ([]visit, error) {
	visits := make([]visit, 0, len(paths))
	for _, path := range paths {
		v := visit{path: path}
		for range rounds {
			body, took, err := c.get(ctx, path)
			if err != nil {
				return nil, err
			}
			v.took = append(v.took, took)
			if v.bytes > 0 {
				continue
			}
			if v.bytes, err = c.weigh(ctx, body); err != nil {
				return nil, err
			}
		}
		visits = append(visits, v)
	}
	return visits, nil
}

// assetPath matches what a page asks for beside itself.
var assetPath = regexp.MustCompile(`(?:href|src)="(/console/assets/[^"]+)"`)

// weigh returns the gzipped bytes of a page and of what it asks for.
func (c *visitor) weigh(ctx context.Context, body []byte) (n int, err error) {
	if n, err = zipped(body); err != nil {
		return 0, err
	}
	found := assetPath.FindAllSubmatch(body, -1)
	if len(found) == 0 {
		return 0, errors.New("weigh page: it names no style and no script")
	}
	for _, m := range found {
		path := string(m[1])
		if _, known := c.assets[path]; !known {
			asset, _, err := c.get(ctx, path)
			if err != nil {
				return 0, err
			}
			if c.assets[path], err = zipped(asset); err != nil {
				return 0, err
			}
		}
		n += c.assets[path]
	}
	return n, nil
}

// zipped returns how many bytes gzip makes of a body.
func zipped(body []byte) (int, error) {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(body); err != nil {
		return 0, fmt.Errorf("gzip: %w", err)
	}
	if err := w.Close(); err != nil {
		return 0, fmt.Errorf("gzip: %w", err)
	}
	return b.Len(), nil
}

// printVisits prints the table, the slowest page first.
func printVisits(out io.Writer, visits []visit) {
	visits = slices.Clone(visits)
	slices.SortStableFunc(visits, func(a, b visit) int { return int(b.median() - a.median()) })
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	testbed.Say(w, "median ms\tlongest ms\tKB gzipped\t  page\n")
	for _, v := range visits {
		testbed.Say(w, "%.1f\t%.1f\t%.1f\t  %s\n", millis(v.median()), millis(slices.Max(v.took)), float64(v.bytes)/1000,
			v.path)
	}
	_ = w.Flush() // an error cannot be reported
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// judge says which pages are above their bounds.
func judge(visits []visit) error {
	var errs []error
	for _, v := range visits {
		if v.median() > mostTime {
			errs = append(errs, fmt.Errorf("%s took %.1f ms: it must be at most %d", v.path, millis(v.median()),
				mostTime.Milliseconds()))
		}
		if v.bytes > mostBytes {
			errs = append(errs, fmt.Errorf("%s has %d bytes: it must be at most %d", v.path, v.bytes, mostBytes))
		}
	}
	return errors.Join(errs...)
}
