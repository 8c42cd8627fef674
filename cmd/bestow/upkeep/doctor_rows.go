package upkeep

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"bestow/app/access"
	"bestow/app/processes"
	"bestow/app/reports"
	"bestow/app/uploads"
	"bestow/internal/english"
	"bestow/money/moneydb"
)

// soonExpired is how long before its end a key is named.
const soonExpired = 14 * 24 * time.Hour

// keys names the keys that are in use and expire soon: the first one to notice would be the script that has it.
func (d *doctor) keys(ctx context.Context) {
	a, err := access.New(access.Config{Pool: d.pool})
	if err != nil {
		d.say("keys", Wrong, "%s", english.OneLine(err.Error()))
		return
	}
	all, err := a.List(ctx)
	if err != nil {
		d.say("keys", Wrong, "%s", english.OneLine(err.Error()))
		return
	}
	for _, k := range all {
		left := k.ExpiresAt.Sub(d.now())
		if k.RevokedAt == nil && k.LastUsedAt != nil && left > 0 && left < soonExpired {
			d.say("keys", Warning, "key %d of %s (%s…) expires at %s: make another one with `bestow key create --name %s`",
				k.ID, k.Name, k.Prefix, k.ExpiresAt.UTC().Format(time.RFC3339), k.Name)
		}
	}
}

// types names the event types that are being made now. Those that cannot be are told by installed.
func (d *doctor) types(ctx context.Context, r *reports.Reports) {
	unmade, err := r.UnmadeTypes(ctx)
	if err != nil {
		d.say("event types", Wrong, "%s", english.OneLine(err.Error()))
		return
	}
	for _, t := range unmade {
		if len(t.WaitingFor) == 0 {
			d.say("event types", Warning, "%s is being made, by a process with the role jobs", t.Code)
		}
	}
}

// expiry looks whether points expire by themselves, and for those that should have.
func (d *doctor) expiry(ctx context.Context, sys reports.System) {
	overdue, err := moneydb.ReadOverdue(ctx, d.pool)
	if err != nil {
		d.say("expiry", Wrong, "%s", english.OneLine(err.Error()))
		return
	}
	off := func(p processes.Process) bool { return p.Settings()[processes.ExpirySetting] == "off" }
	switch {
	case slices.ContainsFunc(sys.Processes, off):
		d.say("expiry", Warning, "BESTOW_EXPIRY is off: no points expire by themselves; "+
			"%s with %s points past the expiry", english.Count(overdue.Lots, "open lot"), english.Group(overdue.Points))
	case overdue.Late > 0:
		d.say("expiry", Warning, "%s more than an hour past the expiry: the job expire of the role jobs is behind",
			english.Count(overdue.Late, "open lot"))
	default:
		d.say("expiry", Fine, "no lot has been open for more than an hour past its expiry")
	}
}

// mostSharers is how many principals the doctor names.
const mostSharers = 5

// uploads says how much of their space the uploads take, and who has them. From four fifths on it warns.
func (d *doctor) uploads(ctx context.Context) {
	space := d.cfg.Limits().UploadSpace
	all, err := uploads.New(d.pool, space)
	if err != nil {
		d.say("uploads", Wrong, "%s", english.OneLine(err.Error()))
		return
	}
	shares, err := all.Shares(ctx)
	if err != nil {
		d.say("uploads", Wrong, "%s", english.OneLine(err.Error()))
		return
	}
	taken, who := int64(0), []string{}
	for i, s := range shares {
		if taken += s.Size; i < mostSharers {
			who = append(who, fmt.Sprintf("%s %s, of which %s have come", s.Owner, mib(s.Size), mib(s.Received)))
		}
	}
	said := fmt.Sprintf("take %s of %s", mib(taken), mib(space))
	if len(who) > 0 {
		said += ": " + strings.Join(who, "; ")
	}
	if len(shares) > mostSharers {
		said += fmt.Sprintf("; and %d more", len(shares)-mostSharers)
	}
	if taken < space/5*4 {
		d.say("uploads", Fine, "%s", said)
		return
	}
	d.say("uploads", Warning, "%s. Import or delete some (GET and DELETE /uploads), or set BESTOW_UPLOADS_GIB higher", said)
}

// mib returns bytes in MiB, rounded up.
func mib(bytes int64) string { return fmt.Sprintf("%d MiB", (bytes+1<<20-1)>>20) }

// encryption says whether others can read what PostgreSQL and this machine say to each other, and whether another
// server could pretend to be PostgreSQL.
func (d *doctor) encryption(ctx context.Context) {
	conn, err := d.pool.Acquire(ctx)
	if err != nil {
		return // the database has answered a moment ago: what comes next says what is wrong
	}
	defer conn.Release()
	wire := conn.Conn().PgConn().Conn()
	host, far := otherEnd(wire.RemoteAddr())
	over, encrypted := wire.(*tls.Conn)
	asked := conn.Conn().Config().TLSConfig
	switch {
	case !encrypted && !far:
		d.say("database tls", Fine, "plain text, which does not leave this machine")
	case !encrypted:
		d.say("database tls", Warning, "what this machine and PostgreSQL at %s say to each other is not encrypted: write "+
			"sslmode=verify-full and sslrootcert=FILE into DATABASE_URL", host)
	case asked == nil || asked.InsecureSkipVerify && asked.VerifyPeerCertificate == nil:
		d.say("database tls", Warning, "%s, but the server's certificate is not checked, so another server can pretend to "+
			"be PostgreSQL: write sslmode=verify-full and sslrootcert=FILE into DATABASE_URL", version(over))
	case asked.InsecureSkipVerify:
		d.say("database tls", Fine, "%s, and the server's certificate is checked, but not its name", version(over))
	default:
		d.say("database tls", Fine, "%s, and the server's certificate and name are checked", version(over))
	}
}

func version(c *tls.Conn) string { return tls.VersionName(c.ConnectionState().Version) }

// otherEnd returns the address of the other end of a connection, and whether it is on another machine.
func otherEnd(a net.Addr) (host string, far bool) {
	at, ok := a.(*net.TCPAddr)
	if !ok {
		return a.String(), false // a socket of this machine
	}
	return at.IP.String(), !at.IP.IsLoopback()
}
