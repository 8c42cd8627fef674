package pg

// The SQLSTATEs that the product knows by name, as PostgreSQL's appendix "Error Codes" lists them.
const (
	InvalidCatalogName    = "3D000" // there is no such database
	InvalidAuthorization  = "28000"
	InvalidPassword       = "28P01"
	UndefinedTable        = "42P01"
	UndefinedColumn       = "42703"
	InsufficientPrivilege = "42501"
	UniqueViolation       = "23505"
	SerializationFailure  = "40001"
	DeadlockDetected      = "40P01"
	LockNotAvailable      = "55P03"
	TooManyConnections    = "53300" // of the server, the database or the role
	ReadOnlyTransaction   = "25006" // of a statement that would write
	IdleInTransaction     = "25P03" // the session was ended, and its transaction with it
)
