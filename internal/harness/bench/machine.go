package bench

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
)

// Machine says where it was measured.
type Machine struct {
	Cores  int    `json:"cores"`
	CPU    string `json:"cpu,omitempty"`
	Memory int64  `json:"memory_bytes,omitempty"`
	Load   string `json:"load,omitempty"` // of the last minute, when the measuring began
	Go     string `json:"go"`
	System string `json:"system"`
}

func thisMachine() Machine {
	m := Machine{Cores: runtime.NumCPU(), Go: runtime.Version(), System: runtime.GOOS + "/" + runtime.GOARCH}
	m.CPU = field("/proc/cpuinfo", "model name")
	if kib, _, ok := strings.Cut(field("/proc/meminfo", "MemTotal"), " "); ok {
		n, _ := strconv.ParseInt(kib, 10, 64) // not there: 0
		m.Memory = n << 10
	}
	if load, err := os.ReadFile("/proc/loadavg"); err == nil {
		m.Load, _, _ = strings.Cut(string(load), " ")
	}
	return m
}

// field is the first value of name in a file of lines "name: value", "" if there is none.
func field(path, name string) string {
	body, err := os.ReadFile(path) //nolint:gosec // a file of the system
	if err != nil {
		return ""
	}
	for s := bufio.NewScanner(bytes.NewReader(body)); s.Scan(); {
		if key, value, ok := strings.Cut(s.Text(), ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// String is the machine in a line.
func (m Machine) String() string {
	return fmt.Sprintf("%d cores  %.1f GiB  %s  %s  %s  load %s", m.Cores, float64(m.Memory)/(1<<30), m.CPU, m.System,
		m.Go, m.Load)
}

// Server is the PostgreSQL that was measured.
type Server struct {
	Version  string        `json:"version"`
	Settings [][2]string   `json:"settings"`
	Commit   time.Duration `json:"commit_ns"` // of a transaction of one row, the median
}

// telling are the settings that make a difference.
var telling = []string{
	"fsync", "synchronous_commit", "full_page_writes", "wal_compression", "shared_buffers", "wal_buffers",
	"max_wal_size",
	"checkpoint_timeout", "maintenance_work_mem", "work_mem", "autovacuum", "random_page_cost", "jit",
}

// String is the server in a line.
func (s Server) String() string {
	list := make([]string, len(s.Settings))
	for i, p := range s.Settings {
		list[i] = p[0] + "=" + p[1]
	}
	return fmt.Sprintf("%s  commit %d µs  %s", s.Version, s.Commit.Microseconds(), strings.Join(list, " "))
}

func (s *server) describe(ctx context.Context) (d Server, err error) {
	if err := s.admin.QueryRow(ctx, `SELECT current_setting('server_version')`).Scan(&d.Version); err != nil {
		return d, fmt.Errorf("read version: %w", err)
	}
	for _, name := range telling {
		var value string
		if err := s.admin.QueryRow(ctx, `SELECT coalesce(current_setting($1, true), '-')`,
			name).Scan(&value); err != nil {
			return d, fmt.Errorf("read settings: %w", err)
		}
		d.Settings = append(d.Settings, [2]string{name, value})
	}
	d.Commit, err = s.commitLatency(ctx)
	return d, err
}

// commits is the number of transactions that the latency is the median of.
const commits = 200

// commitLatency returns what a transaction of one row takes, in a database of its own.
func (s *server) commitLatency(ctx context.Context) (time.Duration, error) {
	const name = template + "_commit"
	if err := s.drop(ctx, name); err != nil {
		return 0, err
	}
	if err := s.exec(ctx, `CREATE DATABASE `+name); err != nil {
		return 0, err
	}
	conn, err := pg.Connect(ctx, s.url(name))
	if err != nil {
		return 0, err
	}
	took, err := timeCommits(ctx, conn)
	_ = conn.Close(ctx) // its database goes
	if dropped := s.drop(ctx, name); err == nil {
		err = dropped
	}
	return took, err
}

func timeCommits(ctx context.Context, conn *pgx.Conn) (time.Duration, error) {
	if _, err := conn.Exec(ctx, `CREATE TABLE one (n int)`); err != nil {
		return 0, fmt.Errorf("time commits: %w", err)
	}
	took := make([]time.Duration, commits)
	for i := range took {
		began := time.Now()
		if _, err := conn.Exec(ctx, `INSERT INTO one VALUES ($1)`, i); err != nil {
			return 0, fmt.Errorf("time commits: %w", err)
		}
		took[i] = time.Since(began)
	}
	return median(took), nil
}
