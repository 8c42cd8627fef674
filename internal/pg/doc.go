// Package pg opens sessions of PostgreSQL, runs transactions in them, and sorts PostgreSQL's errors. The product
// connects only by Open, Connect or Config: only this package knows what a session needs, and how to treat a failover
// or a pooler.
package pg
