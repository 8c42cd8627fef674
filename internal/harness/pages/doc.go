// Command pages measures the web console beside a database that has been in use for years:
//
//	go run ./internal/harness/pages -targets 10000000 -events 10000 -watchers 500
//
// It builds ./cmd/bestow, starts a PostgreSQL and a Kafka broker as processes of their own, and fills the tables in the
// shape in which the product writes them (fill.sql): most events are small and done, six hold a tenth of the targets
// each. No relay and no handler works, so that the numbers stay as they are; their rows are in the table of processes.
// Then it starts an api, signs in, and asks for each page of the console 20 times, one request after another. At last
// it compares what the api spends beside one open page and beside many.
//
// It prints a table: the median and the longest time from the sending of a request to the end of its answer, and the
// gzipped bytes of the page with the style and the script. It fails if a median is above 100 ms, if a page is heavier
// than 150 KB, or if the many watchers cost 5 % of a core or more.
package main
