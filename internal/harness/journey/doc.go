// Package journey holds the tests that do a marketing person's work in a real browser, against the demo's own service,
// PostgreSQL and Kafka: `go test -tags browser ./internal/harness/journey`. They need chromium.
package journey
