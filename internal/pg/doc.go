// Package pg holds the one transaction helper of the house and what to make of PostgreSQL's errors.
package pg
