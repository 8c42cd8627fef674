-- What our tables are, a line for each property: of the schemas of this database that are ours, $1 the main one, and of tables
-- elsewhere that are parts of ours. Names are written as seen with an empty search_path. "uses" names what is not PostgreSQL's
-- own and what runs when a table is read or a statement on it is planned. Left out is what only makes things faster (storage,
-- statistics, indexes that are not unique and that no migration made) and what PostgreSQL's versions write differently.
WITH ours AS (
    SELECT c.oid, c.relname, c.relkind, c.relrowsecurity, CASE n.nspname WHEN $1 THEN '' ELSE n.nspname || '.' END AS prefix
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND (c.relname !~ '^import_stage_' OR EXISTS (SELECT FROM pg_inherits i WHERE i.inhrelid = c.oid))
      AND (n.nspname IN ($1, 'money', 'river') OR EXISTS (
           SELECT FROM pg_inherits i JOIN pg_class p ON p.oid = i.inhparent JOIN pg_namespace q ON q.oid = p.relnamespace
           WHERE i.inhrelid = c.oid AND q.nspname IN ($1, 'money', 'river')))
), lines AS (
    SELECT o.oid, format('column %s %s%s%s%s%s', a.attname, format_type(a.atttypid, a.atttypmod),
                         CASE WHEN a.attnotnull THEN ' not null' END,
                         CASE a.attidentity WHEN '' THEN '' ELSE ' identity ' || a.attidentity::text END,
                         CASE a.attgenerated WHEN '' THEN '' ELSE ' generated ' || a.attgenerated::text END,
                         ' default ' || pg_get_expr(d.adbin, d.adrelid)) || coalesce(' collate ' || nullif(nullif(a.attcollation, 0)::regcollation::text, '"default"'), '') AS line
    FROM ours o
    JOIN pg_attribute a ON a.attrelid = o.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_attrdef d ON d.adrelid = o.oid AND d.adnum = a.attnum
    UNION ALL
    SELECT o.oid, format('constraint %s %s%s', k.conname, pg_get_constraintdef(k.oid), CASE WHEN NOT k.convalidated AND pg_get_constraintdef(k.oid) !~ 'NOT VALID' THEN ' NOT VALID' END)
    FROM ours o
    JOIN pg_constraint k ON k.conrelid = o.oid AND k.contype IN ('p', 'u', 'c', 'x') OR k.conrelid = o.oid AND k.contype = 'f' AND k.conparentid = 0
    UNION ALL
    SELECT o.oid, format('%s %s', CASE WHEN i.indisunique THEN 'unique index' WHEN i.indexprs IS NULL AND i.indpred IS NULL THEN 'index' ELSE 'computed index' END,
                         pg_get_indexdef(i.indexrelid))
    FROM ours o
    JOIN pg_index i ON i.indrelid = o.oid
    WHERE NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x'))
    UNION ALL
    SELECT o.oid, format('computed statistics %s', pg_get_statisticsobjdef(s.oid))
    FROM ours o JOIN pg_statistic_ext s ON s.stxrelid = o.oid WHERE s.stxexprs IS NOT NULL
    UNION ALL
    SELECT o.oid, format('invalid index %s', i.indexrelid::regclass) FROM ours o JOIN pg_index i ON i.indrelid = o.oid
    WHERE NOT (i.indisvalid AND i.indisready AND i.indislive)
    UNION ALL
    SELECT o.oid, format('constraint %s that its index does not enforce', k.conname)
    FROM ours o
    JOIN pg_constraint k ON k.conrelid = o.oid AND k.contype IN ('p', 'u')
    JOIN pg_index i ON i.indexrelid = k.conindid AND NOT (i.indisunique AND i.indimmediate = NOT k.condeferrable)
    UNION ALL
    SELECT o.oid, format('checks of which %s are not made', (SELECT count(*) FROM pg_constraint k WHERE k.conrelid = o.oid AND k.contype = 'c') - c.relchecks)
    FROM ours o JOIN pg_class c ON c.oid = o.oid
    WHERE c.relchecks <> (SELECT count(*) FROM pg_constraint k WHERE k.conrelid = o.oid AND k.contype = 'c')
    UNION ALL
    SELECT o.oid, 'indexes that are not used' FROM ours o JOIN pg_class c ON c.oid = o.oid
    WHERE NOT c.relhasindex AND EXISTS (SELECT FROM pg_index i WHERE i.indrelid = o.oid)
    UNION ALL
    SELECT o.oid, 'triggers that are not fired' FROM ours o JOIN pg_class c ON c.oid = o.oid
    WHERE NOT c.relhastriggers AND EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = o.oid)
    UNION ALL
    SELECT o.oid, 'contents that a crash of the server empties' FROM ours o JOIN pg_class c ON c.oid = o.oid WHERE c.relpersistence <> 'p'
    UNION ALL
    SELECT o.oid, format('trigger %s', pg_get_triggerdef(t.oid)) FROM ours o JOIN pg_trigger t ON t.tgrelid = o.oid WHERE NOT t.tgisinternal OR t.tgconstraint = 0 AND t.tgparentid = 0
    UNION ALL
    SELECT o.oid, format('constraint %s that its triggers do not enforce', k.conname)
    FROM ours o
    JOIN pg_constraint k ON k.conrelid = o.oid AND k.contype = 'f' AND k.conparentid = 0
    JOIN pg_class c ON c.oid = o.oid AND c.relkind = 'r'
    JOIN pg_class r ON r.oid = k.confrelid AND r.relkind = 'r'
    WHERE 4 <> (SELECT count(*) FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
                WHERE t.tgconstraint = k.oid AND t.tgrelid IN (k.conrelid, k.confrelid) AND p.proname ~ '^RI_FKey_' AND p.pronamespace = 'pg_catalog'::regnamespace)
    UNION ALL
    SELECT o.oid, 'trigger that is disabled, of ' || coalesce('constraint ' || k.conname, t.tgname)
    FROM ours o
    JOIN pg_trigger t ON t.tgrelid = o.oid AND t.tgenabled <> 'O'
    LEFT JOIN pg_constraint k ON k.oid = t.tgconstraint
    UNION ALL
    SELECT o.oid, format('rule %s', pg_get_ruledef(r.oid)) FROM ours o JOIN pg_rewrite r ON r.ev_class = o.oid WHERE o.relkind IN ('r', 'p')
    UNION ALL
    SELECT DISTINCT u.oid, format('uses %s %s%s', i.type, i.identity, ', md5 ' || md5(p.prosrc))
    FROM (SELECT o.oid, 'pg_class'::regclass AS class, o.oid AS part FROM ours o
          UNION ALL SELECT o.oid, 'pg_class'::regclass, x.indexrelid FROM ours o JOIN pg_index x ON x.indrelid = o.oid
          UNION ALL SELECT o.oid, 'pg_constraint'::regclass, x.oid FROM ours o JOIN pg_constraint x ON x.conrelid = o.oid
          UNION ALL SELECT o.oid, 'pg_attrdef'::regclass, x.oid FROM ours o JOIN pg_attrdef x ON x.adrelid = o.oid
          UNION ALL SELECT o.oid, 'pg_statistic_ext'::regclass, x.oid FROM ours o JOIN pg_statistic_ext x ON x.stxrelid = o.oid
          UNION ALL SELECT o.oid, 'pg_policy'::regclass, x.oid FROM ours o JOIN pg_policy x ON x.polrelid = o.oid
          UNION ALL SELECT o.oid, 'pg_rewrite'::regclass, x.oid FROM ours o JOIN pg_rewrite x ON x.ev_class = o.oid) u
    JOIN pg_depend d ON d.classid = u.class AND d.objid = u.part
                    AND d.refclassid IN ('pg_proc'::regclass, 'pg_operator'::regclass, 'pg_type'::regclass, 'pg_opclass'::regclass)
    CROSS JOIN LATERAL pg_identify_object(d.refclassid, d.refobjid, 0) i
    LEFT JOIN pg_proc p ON d.refclassid = 'pg_proc'::regclass AND p.oid = d.refobjid
    UNION ALL
    SELECT o.oid, 'row security' FROM ours o WHERE o.relrowsecurity
    UNION ALL
    SELECT o.oid, format('partition of %s %s', p.inhparent::regclass, pg_get_expr(c.relpartbound, c.oid))
    FROM ours o
    JOIN pg_inherits p ON p.inhrelid = o.oid
    JOIN pg_class c ON c.oid = o.oid
    UNION ALL
    SELECT o.oid, format('sequence %s of %s, by %s, kept %s%s', s.seqrelid::regclass, a.attname, s.seqincrement, s.seqcache, CASE WHEN s.seqcycle THEN ', begins again' END)
    FROM ours o
    JOIN pg_depend d ON d.refobjid = o.oid AND d.refclassid = 'pg_class'::regclass AND d.classid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
    JOIN pg_sequence s ON s.seqrelid = d.objid
    JOIN pg_attribute a ON a.attrelid = o.oid AND a.attnum = d.refobjsubid
    UNION ALL
    SELECT o.oid, format('sequence %s that a crash of the server resets', s.oid::regclass)
    FROM ours o
    JOIN pg_depend d ON d.refobjid = o.oid AND d.refclassid = 'pg_class'::regclass AND d.classid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
    JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S' AND s.relpersistence <> 'p'
), taken AS ( -- the types of our columns and of our rows, of what is computed from them, and those that stand for any type
    SELECT oid FROM pg_type
    WHERE typtype IN ('p', 'c') OR typtype = 'e' AND typnamespace = (SELECT oid FROM pg_namespace WHERE nspname = 'river')
       OR oid = ANY ('{bool,int2,int4,int8,numeric,text,varchar,bpchar,bytea,date,timestamp,timestamptz,interval,uuid,json,jsonb,bit,varbit,
                      _int8,_text,_varchar,_jsonb}'::regtype[])
), functions AS (
    SELECT p.*, l.lanname, CASE n.nspname WHEN $1 THEN '' ELSE n.nspname || '.' END AS prefix,
           format('%s(%s)', p.proname, pg_get_function_identity_arguments(p.oid)) AS signature
    FROM pg_proc p
    JOIN pg_namespace n ON n.oid = p.pronamespace
    JOIN pg_language l ON l.oid = p.prolang
    WHERE n.nspname IN ($1, 'money', 'river')
)
SELECT o.prefix || o.relname AS relation, CASE o.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned table' ELSE 'no table' END AS line FROM ours o
UNION ALL
SELECT o.prefix || o.relname, l.line FROM lines l JOIN ours o ON o.oid = l.oid
UNION ALL
SELECT f.prefix || f.signature,
       format('%s md5 %s, volatility %s, language %s, returns %s%s%s%s%s', CASE f.prokind WHEN 'f' THEN 'function' WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' ELSE 'window function' END,
              md5(f.prosrc), f.provolatile, f.lanname, coalesce(pg_get_function_result(f.oid), 'nothing'), CASE WHEN f.proisstrict THEN ', strict' END,
              CASE WHEN f.prosecdef THEN ', security definer' END, ', with ' || array_to_string(f.proconfig, ' and '), ', defaults ' || pg_get_expr(f.proargdefaults, 0))
FROM functions f
UNION ALL
SELECT 'function ' || f.prefix || f.signature, 'function that statements of the service may take for PostgreSQL''s' FROM functions f
WHERE (f.prokind = 'a' OR f.lanname NOT IN ('c', 'internal'))
  AND NOT EXISTS (SELECT FROM unnest(f.proargtypes) a (type) WHERE a.type NOT IN (SELECT oid FROM taken))
  AND EXISTS (SELECT FROM pg_proc p WHERE p.proname = f.proname AND p.pronamespace = 'pg_catalog'::regnamespace)
  AND NOT EXISTS (SELECT FROM pg_proc p WHERE p.proname = f.proname AND p.pronamespace = 'pg_catalog'::regnamespace AND p.proargtypes = f.proargtypes)
UNION ALL
SELECT 'operator ' || p.oid::regoperator, 'operator that statements of the service may take for PostgreSQL''s'
FROM pg_operator p JOIN pg_namespace n ON n.oid = p.oprnamespace JOIN pg_proc c ON c.oid = p.oprcode JOIN pg_language l ON l.oid = c.prolang
WHERE n.nspname IN ($1, 'money', 'river') AND l.lanname <> 'c'
  AND (p.oprleft = 0 OR p.oprleft IN (SELECT oid FROM taken)) AND (p.oprright = 0 OR p.oprright IN (SELECT oid FROM taken))
  AND EXISTS (SELECT FROM pg_operator q WHERE q.oprname = p.oprname AND q.oprnamespace = 'pg_catalog'::regnamespace)
  AND NOT EXISTS (SELECT FROM pg_operator q WHERE q.oprname = p.oprname AND q.oprnamespace = 'pg_catalog'::regnamespace
                  AND q.oprleft = p.oprleft AND q.oprright = p.oprright)
UNION ALL
SELECT 'schema ' || n.nspname, 'tables as those of ' || $1
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relname = 'campaign_events' AND n.nspname <> $1
UNION ALL
SELECT 'setting session_replication_role', 'setting that a database or a role begins its sessions with: ' || c
FROM pg_db_role_setting s CROSS JOIN unnest(s.setconfig) c
WHERE c ILIKE 'session\_replication\_role=%' AND lower(c) <> 'session_replication_role=origin' AND s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
UNION ALL
SELECT 'river.' || t.typname, format('value %s', e.enumlabel)
FROM pg_type t JOIN pg_enum e ON e.enumtypid = t.oid JOIN pg_namespace n ON n.oid = t.typnamespace WHERE n.nspname = 'river'
ORDER BY 1, 2
