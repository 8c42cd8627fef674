// Package pg opens PostgreSQL as the product needs it, and holds the one transaction helper of the house and what to
// make of PostgreSQL's errors. Everything of the product that connects does so by Open, Connect or Config: what a
// session must have, a failover and a pooler are known here and nowhere else.
package pg
