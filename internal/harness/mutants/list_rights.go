package main

const (
	functions     = "migrations/0052_owns_nothing.sql"
	serviceRights = "cmd/bestow/upkeep/service_rights.sql"
	rightsTests   = "^Test(Service|Functions)"
	schema        = "./migrations"
)

// rightsMutants are the faults in what a role that owns nothing may do.
var rightsMutants = []mutant{
	{"rights: a type in any state", functions, " AND state = ''CREATING'' FOR", " FOR", schema, rightsTests},
	{"rights: a type of any operation", functions, "AND operation = $2 AND", "AND $2 <> '''' AND", schema, rightsTests},
	{"rights: two places for targets", functions, " AND own_partition IS DISTINCT FROM false", "", schema, rightsTests},
	{"rights: the partition of an event", functions, "IF lives THEN", "IF false THEN", schema, rightsTests},
	{"rights: a stage without an import", functions, " OR pg_try_advisory_xact_lock(", " OR 0 = (", schema, rightsTests},
	{"rights: a stage of any name", functions, "IF word !~", "IF false AND word !~", schema, rightsTests},
	{"rights: a table that is no stage", functions, " AND c.relpersistence = 'u'", "", schema, rightsTests},
	{"rights: any table is analyzed", functions, "IF known IS NULL THEN", "IF false THEN", schema, rightsTests},
	{"rights: of all for any table", functions, "FUNCTION copy_rights(regclass, regclass), create", "FUNCTION create", schema, rightsTests},
	{"rights: a stage for no one", functions, "a.privilege_type = 'INSERT' AND", "a.privilege_type = 'TRUNCATE' AND", schema, rightsTests},
	{"rights: the audit is changed", serviceRights, "GRANT INSERT ON audit_log,", "GRANT INSERT, UPDATE ON audit_log,", schema, rightsTests},
	{"rights: results are deleted", serviceRights, "GRANT INSERT, UPDATE (status,", "GRANT INSERT, DELETE, UPDATE (status,", schema, rightsTests},
	{"rights: saves are deleted", serviceRights, "GRANT INSERT ON money.point_member,", "GRANT INSERT, DELETE ON money.point_member,", schema, rightsTests},
}
