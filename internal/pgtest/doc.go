// Package pgtest gives each test a real PostgreSQL database of its own, migrated, in a few dozen milliseconds.
//
//	func TestMain(m *testing.M) { pgtest.Main(m) }
//
//	func TestStart(t *testing.T) {
//		t.Parallel()
//		pool := pgtest.New(t)
//
// Each test process starts one embedpg instance when its first test asks for a database, migrates one template database
// in it, and copies that for every test. Nothing is shared between processes, so that any of them may be killed: the
// kernel stops its PostgreSQL, and the next run removes its folder. That is in /dev/shm if there is plenty of memory
// and TMPDIR is not set, and in the temp folder else.
//
// With BESTOW_TEST_DATABASE_URL, of a role that may create databases, that server is used instead, and databases of
// dead runs are dropped there. BESTOW_TEST_FETCH=1 takes the fetched PostgreSQL 18 rather than the machine's own.
//
// What it must never do: be imported outside of tests, skip a test because there is no PostgreSQL, or let two tests see
// the same database. fsync is off here, so nothing may be learnt from it about a crash of the machine; a crash of
// PostgreSQL is as good as anywhere.
package pgtest
