-- What was added to PostgreSQL itself and can act in every statement of ours: a cast between its own types, a function or an
-- operator in its own schema under a name of its own. Objects of an installation are numbered from 16384 on. This is read
-- before anything else, and converts nothing: a cast of a forger's would run.
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
