package demo

import (
	"context"
	"fmt"

	"bestow/domain"
	"bestow/internal/english"
	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
)

// checkDatabase lets the demo into the database of DATABASE_URL only if no one else uses it: the points that it grants
// cannot be taken back. It writes nothing, and says which database it is.
func (d *demo) checkDatabase(ctx context.Context) error {
	answered := d.ifSlow("PostgreSQL", "waits for an answer of DATABASE_URL …")
	conn, err := pg.Connect(ctx, d.cfg.DatabaseURL)
	answered()
	if err != nil {
		return noServer(ctx, "DATABASE_URL",
			cureOf(err)+", or unset DATABASE_URL: the demo then starts a PostgreSQL of its own", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }() // it was only read
	var name, version string
	if err := conn.QueryRow(ctx, `SELECT current_database(), current_setting('server_version')`).Scan(&name,
		&version); err != nil {
		return fmt.Errorf("read the name of the database: %w", err)
	}
	d.aside("PostgreSQL", "%s, named by DATABASE_URL: database %s at %s", version, name,
		conn.PgConn().Conn().RemoteAddr())
	why, err := othersUse(ctx, conn)
	if err != nil || why == "" {
		return err
	}
	return domain.InvalidError(
		"the database "+name+" of DATABASE_URL "+why+", and what the demo grants cannot be taken back",
		"unset DATABASE_URL, so that the demo starts a PostgreSQL of its own, or name an empty database",
	)
}

// cureOf says what to do about a PostgreSQL that did not let us in.
func cureOf(err error) string {
	switch pg.Code(err) {
	case pg.InvalidCatalogName:
		return "create the database"
	case pg.InvalidPassword, pg.InvalidAuthorization:
		return "correct the user or the password"
	}
	return "start that PostgreSQL or correct the address"
}

// othersUse says what shows that a database is not a demo's; "" for one that is empty, or has the events of a demo
// alone.
func othersUse(ctx context.Context, conn *pgx.Conn) (why string, err error) {
	const installed = `SELECT to_regclass('campaign_events') IS NOT NULL, to_regclass('processes') IS NOT NULL`
	var events, processes bool
	if err := conn.QueryRow(ctx, installed).Scan(&events, &processes); err != nil {
		return "", fmt.Errorf("look at the database: %w", err)
	}
	if !events {
		return tablesOfOthers(ctx, conn)
	}
	if why, err = eventsOfOthers(ctx, conn); err != nil || why != "" || !processes {
		return why, err
	}
	return serviceOfOthers(ctx, conn)
}

// tablesOfOthers says that a database without our tables has those of something else. Tables of extensions, and what a
// killed migration left, are no one's.
func tablesOfOthers(ctx context.Context, conn *pgx.Conn) (string, error) {
	const query = `SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relkind IN ('r', 'p', 'f', 'm', 'v') AND c.relname <> 'goose_db_version'
		  AND n.nspname NOT IN ('information_schema', 'river', 'money') AND n.nspname NOT LIKE 'pg\_%'
		  AND NOT EXISTS (SELECT FROM pg_depend x WHERE x.classid = 'pg_class'::regclass AND x.objid = c.oid AND x.deptype = 'e')`
	n, err := countIn(ctx, conn, query)
	if err != nil || n == 0 {
		return "", err
	}
	return "has " + english.Count(n, "table") + " of another program", nil
}

// eventsOfOthers says that a database has events that no demo made.
func eventsOfOthers(ctx context.Context, conn *pgx.Conn) (string, error) {
	const query = `SELECT count(*) FROM campaign_events WHERE created_by <> $1 OR NOT starts_with(campaign_id, $2)`
	n, err := countIn(ctx, conn, query, demoCaller.Actor, demoCampaign)
	if err != nil || n == 0 {
		return "", err
	}
	return "has " + english.Count(n, "event") + " that no demo made", nil
}

// serviceOfOthers says that a service works on a database in which no demo has made an event: it is about to be used.
func serviceOfOthers(ctx context.Context, conn *pgx.Conn) (string, error) {
	const query = `SELECT count(*) FROM processes WHERE seen_at > now() - interval '30 seconds' AND NOT EXISTS (SELECT FROM campaign_events)`
	n, err := countIn(ctx, conn, query)
	if err != nil || n == 0 {
		return "", err
	}
	return "is used by " + english.Count(n, "process") + " of a service", nil
}

func countIn(ctx context.Context, conn *pgx.Conn, query string, args ...any) (n int, err error) {
	if err := conn.QueryRow(ctx, query, args...).Scan(&n); err != nil {
		return 0, fmt.Errorf("look at the database: %w", err)
	}
	return n, nil
}
