// Package certtest makes certificates for tests of TLS: an authority, and what it signs. The files lie in the folder of
// the test and are gone with it.
package certtest
