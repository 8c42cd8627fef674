package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"bestow/internal/harness/testbed"
)

// openWithin is how long the watchers may take until each has its first message.
const openWithin = time.Minute

// watch compares what the api spends beside one watcher and beside many, of each page that has a stream.
func (c *visitor) watch(ctx context.Context, api *testbed.Process, p places, o options, out io.Writer) error {
	testbed.Say(out, "\n%d watchers for %s, of a core:\n", o.watchers, o.watch)
	var errs []error
	for _, path := range []string{fmt.Sprintf("/console/campaigns/%d/live", p.Running), "/console/live"} {
		one, _, err := c.spend(ctx, api, path, 1, o.watch)
		if err != nil {
			return err
		}
		many, messages, err := c.spend(ctx, api, path, o.watchers, o.watch)
		if err != nil {
			return err
		}
		testbed.Say(out, "%.2f %% beside one, %.2f %% beside %d (%d messages)  %s\n", 100*one, 100*many, o.watchers,
			messages, path)
		if many-one >= mostCores {
			errs = append(errs, fmt.Errorf("%s: %d watchers cost %.1f %% of a core: it must be less than %.0f",
				path, o.watchers, 100*(many-one), 100*mostCores))
		}
	}
	return errors.Join(errs...)
}

// spend returns which part of a core the api spends while so many watch, and how many messages they get.
func (c *visitor) spend(ctx context.Context, api *testbed.Process, path string, watchers int, lasts time.Duration) (
	part float64, messages int64, err error,
) {
	watching, stop := context.WithCancel(ctx)
	defer stop()
	transport := &http.Transport{MaxIdleConnsPerHost: -1}
	defer transport.CloseIdleConnections()
	client := &http.Client{Jar: c.http.Jar, Transport: transport}
	var opened, got atomic.Int64
	failed := make(chan error, watchers)
	for range watchers {
		go func() { failed <- follow(watching, client, c.origin+path, &opened, &got) }()
	}
	open, cancel := context.WithTimeout(ctx, openWithin)
	defer cancel()
	err = testbed.Poll(open, testbed.Interval, func() (bool, error) {
		select {
		case err := <-failed:
			return false, err
		default:
			return opened.Load() == int64(watchers), nil
		}
	})
	if err != nil {
		return 0, 0, fmt.Errorf("open %d streams: %w", watchers, err)
	}
	before, err := cpuOf(api.Now.PID())
	if err != nil {
		return 0, 0, err
	}
	began, seen := time.Now(), got.Load()
	testbed.Pause(ctx, lasts)
	after, err := cpuOf(api.Now.PID())
	if err != nil {
		return 0, 0, err
	}
	took := time.Since(began)
	select {
	case err := <-failed:
		return 0, 0, fmt.Errorf("follow %s: %w", path, err)
	default:
	}
	return (after - before).Seconds() / took.Seconds(), got.Load() - seen, ctx.Err()
}

// follow reads a stream until ctx ends, and counts its messages.
func follow(ctx context.Context, client *http.Client, address string, opened, got *atomic.Int64) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("the answer is %s", res.Status)
	}
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 1<<20)
	for first := true; lines.Scan(); {
		if !strings.HasPrefix(lines.Text(), "data: ") {
			continue
		}
		got.Add(1)
		if first {
			opened.Add(1)
			first = false
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	return errors.New("the stream has ended")
}

// ticks is how many units of /proc make a second, on every Linux that Go runs on.
const ticks = 100

// cpuOf returns what a process has used so far.
func cpuOf(pid int) (time.Duration, error) {
	body, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, fmt.Errorf("read the time of the api, which works on Linux only: %w", err)
	}
	return parseStat(string(body))
}

// parseStat reads the time of a process and of its kernel from a line of /proc.
func parseStat(line string) (used time.Duration, err error) {
	fields := strings.Fields(line[strings.LastIndex(line, ")")+1:]) // the name may have spaces and brackets
	if len(fields) < 13 {
		return 0, fmt.Errorf("read the time of the api: %q", line)
	}
	for _, field := range fields[11:13] {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("read the time of the api: %w", err)
		}
		used += time.Duration(n) * time.Second / ticks
	}
	return used, nil
}
