package metrics

import (
	"context"
	"strings"

	"bestow/domain"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
)

// process tells of the process itself, and of what it needs.
type process struct{ Config }

var (
	buildDesc    = describe("build_info", "1, with the version of the program.", "version", "revision", "go")
	rolesDesc    = describe("process_info", "1, with the roles of the process.", "roles")
	databaseDesc = describe("database_up", "Whether PostgreSQL answered this process: 1 or 0.")
	offsetDesc   = describe("clock_offset_seconds", "How far this process's clock is ahead of the database's.")
	kafkaDesc    = describe("kafka_up", "Whether Kafka answered this process: 1 or 0.")
	ledgerDesc   = describe("ledger_up",
		"Whether this process may ask the ledger: 0 while the ledger fails and is left alone, or is not the one that it was.",
		"ledger")
	stillDesc = describe("standing_still_events",
		"Events that stand still, by the code of the cause; 0 for a cause that will hold up events.", "cause")
)

// Describe is prometheus.Collector's.
func (process) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		buildDesc, rolesDesc, databaseDesc, offsetDesc, kafkaDesc, ledgerDesc, stillDesc,
	} {
		to <- d
	}
}

// Collect is prometheus.Collector's.
func (p process) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), look)
	defer cancel()
	gauge(to, buildDesc, 1, p.Version, p.Revision, p.Go)
	gauge(to, rolesDesc, 1, strings.Join(p.Roles, ","))
	if p.Offset != nil {
		offset, err := p.Offset(ctx)
		gauge(to, databaseDesc, truth(err == nil))
		if err == nil {
			gauge(to, offsetDesc, offset.Seconds())
		}
	}
	if p.Kafka != nil {
		gauge(to, kafkaDesc, truth(p.Kafka(ctx) == nil))
	}
	for name, away := range p.Ledgers {
		gauge(to, ledgerDesc, truth(away() == nil), name)
	}
	if p.Still == nil {
		return
	}
	events := map[domain.Code]int{}
	for _, s := range p.Still() {
		events[s.Code] += len(s.Events)
	}
	for cause, n := range events {
		gauge(to, stillDesc, float64(n), cause)
	}
}

// pool tells of the connections to PostgreSQL.
type pool struct{ *pgxpool.Pool }

var (
	connectionsDesc = describe("database_connections", "Connections to PostgreSQL, by what they do.", "state")
	mostDesc        = describe("database_connections_max", "The most connections that this process opens.")
	waitsDesc       = describe("database_connection_waits_total", "How often work waited for a free connection.")
	waitedDesc      = describe("database_connection_wait_seconds_total",
		"How long work waited for a connection, all together.")
)

// Describe is prometheus.Collector's.
func (pool) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{connectionsDesc, mostDesc, waitsDesc, waitedDesc} {
		to <- d
	}
}

// Collect is prometheus.Collector's.
func (p pool) Collect(to chan<- prometheus.Metric) {
	s := p.Stat()
	gauge(to, connectionsDesc, float64(s.AcquiredConns()), "in_use")
	gauge(to, connectionsDesc, float64(s.IdleConns()), "idle")
	gauge(to, mostDesc, float64(s.MaxConns()))
	counter(to, waitsDesc, float64(s.EmptyAcquireCount()))
	counter(to, waitedDesc, s.EmptyAcquireWaitTime().Seconds())
}
