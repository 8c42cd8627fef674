package bench

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"bestow/internal/pg"
	"bestow/migrations"
	"bestow/money"
	"bestow/money/moneydb"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// template is the database that every run begins with a copy of.
const template = "bestow_bench"

// server is the PostgreSQL that is measured.
type server struct {
	Config
	admin    *pgx.Conn
	list     string // the member list's path
	prepared int    // of how many members it is, and the template
	runs     int
}

func openServer(ctx context.Context, c Config) (*server, error) {
	admin, err := pg.Connect(ctx, c.AdminURL)
	if err != nil {
		return nil, err
	}
	return &server{Config: c, admin: admin, list: filepath.Join(c.Dir, "members.csv")}, nil
}

// close drops what was made.
func (s *server) close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	return errors.Join(s.drop(ctx, template), s.admin.Close(ctx), os.RemoveAll(s.list))
}

func (s *server) exec(ctx context.Context, sql string) error {
	if _, err := s.admin.Exec(ctx, sql); err != nil {
		return fmt.Errorf("execute %.40q: %w", sql, err)
	}
	return nil
}

func (s *server) drop(ctx context.Context, name string) error {
	return s.exec(ctx, `DROP DATABASE IF EXISTS `+pgx.Identifier{name}.Sanitize()+` WITH (FORCE)`)
}

// prepare writes the member list and makes the template: migrated, with every second member in the ledger.
func (s *server) prepare(ctx context.Context, members int) error {
	if s.prepared == members {
		return nil
	}
	if err := writeList(s.list, members); err != nil {
		return err
	}
	if err := s.drop(ctx, template); err != nil {
		return err
	}
	if err := s.exec(ctx, `CREATE DATABASE `+template+` TEMPLATE template0`); err != nil {
		return err
	}
	at := s.url(template)
	if err := migrations.Up(ctx, at); err != nil {
		return err
	}
	pool, err := s.Open(ctx, at, 2)
	if err != nil {
		return err
	}
	defer pool.Close()
	s.prepared = members
	return seed(ctx, pool, known(members))
}

// seed gives each member points, which no campaign has granted, through the ledger itself, and leaves its tables as
// they would be found some day later.
func seed(ctx context.Context, pool *pgxpool.Pool, members []string) error {
	ledger, err := moneydb.New(moneydb.Config{Pool: pool})
	if err != nil {
		return err
	}
	items := make([]money.Item, 0, money.MaxItems)
	for i, m := range members {
		items = append(items, money.Item{
			Key: "bench:0:" + m, MemberID: m, Amount: 1, Reason: "Welcome",
			TypeCode: "WELCOME", Ref: "0",
		})
		if len(items) < money.MaxItems && i < len(members)-1 {
			continue
		}
		if _, err := ledger.GrantPoints(ctx, time.Now().Add(time.Minute), items); err != nil {
			return fmt.Errorf("seed ledger: %w", err)
		}
		items = items[:0]
	}
	if _, err := pool.Exec(ctx, `VACUUM (ANALYZE, FREEZE) money.point_member, money.point_lot`); err != nil {
		return fmt.Errorf("seed ledger: %w", err)
	}
	return nil
}

// fresh makes a run's database and returns its address.
func (s *server) fresh(ctx context.Context, kind string) (name, at string, err error) {
	s.runs++
	name = template + "_" + kind + "_" + strconv.Itoa(s.runs)
	if err := s.drop(ctx, name); err != nil {
		return name, "", err
	}
	// Files are copied, since a copy by way of the log would be most of what a run writes there.
	err = s.exec(ctx, `CREATE DATABASE `+pgx.Identifier{name}.Sanitize()+` TEMPLATE `+template+` STRATEGY file_copy`)
	return name, s.url(name), err
}

// url is the address of another database of the server.
func (s *server) url(database string) string {
	u, err := url.Parse(s.AdminURL)
	if err != nil || u.Scheme == "" {
		return s.AdminURL + " dbname=" + database // a string of settings, where the last one counts
	}
	u.Path = "/" + database
	q := u.Query()
	q.Del("dbname") // it would win over the path, and so would its other name
	q.Del("database")
	u.RawQuery = strings.ReplaceAll(q.Encode(), "+", "%20") // as libpq reads it
	return u.String()
}
