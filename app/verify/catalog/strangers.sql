-- Casts between PostgreSQL's types, and functions and operators in pg_catalog that have the name of one of PostgreSQL's, if they
-- were added later: PostgreSQL numbers its own below 16384. They can act in every statement of a report. This is read before
-- anything else, and it converts no value, since a cast would run then. Functions in C come with extensions.
SELECT pg_describe_object('pg_cast'::regclass, c.oid, 0)
FROM pg_cast c
JOIN pg_type s ON s.oid = c.castsource AND s.typnamespace = 'pg_catalog'::regnamespace
JOIN pg_type t ON t.oid = c.casttarget AND t.typnamespace = 'pg_catalog'::regnamespace
WHERE c.oid >= '16384'::oid
UNION ALL
SELECT pg_describe_object('pg_proc'::regclass, p.oid, 0)
FROM pg_proc p
JOIN pg_language l ON l.oid = p.prolang
WHERE p.oid >= '16384'::oid AND p.pronamespace = 'pg_catalog'::regnamespace AND l.lanname <> 'c'
  AND EXISTS (SELECT FROM pg_proc q WHERE q.proname = p.proname AND q.pronamespace = p.pronamespace AND q.oid < '16384'::oid)
UNION ALL
SELECT pg_describe_object('pg_operator'::regclass, p.oid, 0)
FROM pg_operator p
WHERE p.oid >= '16384'::oid AND p.oprnamespace = 'pg_catalog'::regnamespace
  AND EXISTS (SELECT FROM pg_operator q WHERE q.oprname = p.oprname AND q.oprnamespace = p.oprnamespace AND q.oid < '16384'::oid)
