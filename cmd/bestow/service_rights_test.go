package main

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"bestow/app"
	"bestow/app/access"
	"bestow/app/command"
	"bestow/app/imports"
	"bestow/app/lists"
	"bestow/app/patch"
	"bestow/app/people"
	"bestow/app/types"
	"bestow/app/uploads"
	"bestow/cmd/bestow/daemon"
	"bestow/domain"
	"bestow/internal/kafkatest"
	"bestow/jobs"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/pquerna/otp/totp"
	"github.com/stretchr/testify/require"
)

// served is a process with all roles that signs in as a role that owns nothing.
type served struct {
	*world
	role   string
	p      *daemon.Process
	mended atomic.Bool // the ledger refuses members that end with 3 until then
}

func newServed(t *testing.T) *served {
	t.Helper()
	s := &served{world: newWorld(t)}
	s.role, s.cfg.DatabaseURL = s.serviceRole()
	with := s.told(func(m string, nth int) (domain.Verdict, bool) {
		switch {
		case digit(m) == '1' && nth == 1:
			return domain.RefusedForNow, false
		case digit(m) == '3' && !s.mended.Load():
			return domain.RefusedForGood, false
		}
		return domain.Granted, true
	})
	retry := with.Limits
	with.Limits = func(l *app.Limits) {
		retry(l)
		l.OwnPartition = 250
	}
	with.Probe, with.Beat = quickLooks.Probe, quickLooks.Beat
	s.p, _ = s.start(t.Context(), with, daemon.AllRoles...)
	return s
}

// What the SQL of docs/rights.md gives is enough for all that a process does, and the page has the SQL that the doctor
// compares with.
func TestServiceHasTheRightsItNeeds(t *testing.T) {
	t.Parallel()
	doctors, err := os.ReadFile("upkeep/service_rights.sql")
	require.NoError(t, err)
	require.Equal(t, string(doctors), sqlOfRights(t, "GRANT INSERT ON audit_log")+"\n")

	s := newServed(t)
	s.makeType("TEA", domain.Points)
	s.makeType("CARD", domain.Vouchers)
	s.editLists()
	s.endImport()
	events := s.grantAll("POINT", "VOUCHER", "TEA", "CARD")
	s.redriveAll(events)
	s.useUploads()
	s.signIn()
	s.replayParked()
	for _, e := range events {
		require.True(t, s.verifiedBy(s.p, e.ID).OK)
		s.export(e)
	}
	s.movesAs(s.p.Pool)
	require.Eventually(t, func() bool {
		return s.p.App.Audit.Link(t.Context()) == nil && s.p.App.Audit.Anchor(t.Context()) == nil &&
			s.count(`SELECT count(*) FROM audit_anchors`) > 0
	}, time.Minute, 20*time.Millisecond)
	s.verified(s.p)

	mine := *s.world
	mine.pool = s.p.Pool
	require.Equal(t, []string{"ok: the role " + s.role + " has what the service needs, owns nothing, and cannot change the audit"},
		mine.said("rights"))
	require.Zero(t, s.count(`SELECT (SELECT count(*) FROM pg_class WHERE relowner = $1::text::regrole)
		+ (SELECT count(*) FROM pg_proc WHERE proowner = $1::text::regrole)`, s.role))
	for pool, owns := range map[*pgxpool.Pool]bool{s.pool: true, s.p.Pool: false} {
		may, err := jobs.MayReindex(t.Context(), pool)
		require.NoError(t, err)
		require.Equal(t, owns, may)
	}
	require.Positive(t, s.count(`SELECT count(*) FROM pg_class WHERE relname ~ '^(point|voucher|tea|card)_targets_[0-9]+$'`))
	require.Zero(t, s.count(`SELECT count(*) FROM pg_class WHERE relname ~ '^import_stage_'`))
}

func (s *served) makeType(code string, op domain.Operation) {
	s.Helper()
	_, err := s.p.App.Types.Create(s.Context(), operator,
		types.NewType{Code: code, Label: code, Granter: domain.OurGranter, Operation: op})
	require.NoError(s, err)
	require.Eventually(s, func() bool {
		return s.count(`SELECT count(*) FROM event_types WHERE code = $1 AND state = 'READY'`, code) == 1
	}, time.Minute, 20*time.Millisecond)
	limit := int64(1_000_000)
	_, err = s.p.App.Types.Edit(s.Context(), operator, code, types.Patch{MaxPerMember: patch.SetTo(&limit)})
	require.NoError(s, err)
}

// editLists makes an event with a partition of its own, takes its list back, gives it another one with rows that are
// rejected, edits it, and deletes it.
func (s *served) editLists() {
	s.Helper()
	ctx := s.Context()
	e := s.event(s.p, "POINT", 300)
	made, err := s.p.App.Targets.Imports(ctx, e.ID)
	require.NoError(s, err)
	require.NoError(s, s.p.App.Targets.TakeBack(ctx, operator, e.ID, made[0].ID))
	_, err = s.p.App.Targets.Import(ctx, operator, e.ID, imports.Upload{
		Body: strings.NewReader("member_id,amount\nkim,5\nkim,5\nlee,x\n"), ContentType: "text/csv",
	})
	require.NoError(s, err)
	require.Equal(s, 2, s.count(`SELECT count(*) FROM rejected_rows`))
	anyState := func(domain.Event) error { return nil }
	change := app.EventPatch{CampaignID: patch.SetTo("edited")}
	_, err = s.p.App.Events.Edit(ctx, operator, e.ID, change, anyState)
	require.NoError(s, err)
	_, err = s.p.App.Events.Delete(ctx, operator, e.ID, anyState)
	require.NoError(s, err)
	require.Eventually(s, func() bool {
		require.NoError(s, s.p.App.Events.Tidy(ctx))
		return s.count(`SELECT count(*) FROM pg_class WHERE relname ~ '^point_targets_[0-9]+$'`) == 0
	}, time.Minute, 50*time.Millisecond)
}

// endImport ends the import of a list that does not come.
func (s *served) endImport() {
	s.Helper()
	amount := int64(5)
	e, err := s.p.App.Events.Create(s.Context(), operator,
		app.NewEvent{CampaignID: "ended", EventType: "POINT", DefaultAmount: &amount})
	require.NoError(s, err)
	list, sender := io.Pipe()
	defer func() { _ = sender.Close() }()
	done := make(chan error, 1)
	go func() {
		_, err := s.p.App.Targets.Import(context.WithoutCancel(s.Context()), operator, e.Value.ID, imports.Upload{
			Body: list, ContentType: "text/csv", Interrupt: func() { _ = list.CloseWithError(errors.New("interrupted")) },
		})
		done <- err
	}()
	_, err = io.WriteString(sender, "member_id\nkim\n"+strings.Repeat("lee\n", 100_000))
	require.NoError(s, err)
	require.NoError(s, s.p.App.Targets.EndImport(s.Context(), operator, e.Value.ID))
	require.Error(s, <-done)
	_, err = s.p.App.Events.Delete(s.Context(), operator, e.Value.ID, func(domain.Event) error { return nil })
	require.NoError(s, err)
}

// grantAll grants an event of each type, in the default partition and in one of its own, which is stopped and resumed.
func (s *served) grantAll(kinds ...string) (events []domain.Event) {
	s.Helper()
	ctx := s.Context()
	for _, kind := range kinds {
		events = append(events, s.event(s.p, kind, 300), s.event(s.p, kind, 60))
	}
	_, err := s.p.App.Events.Brake(ctx, operator, domain.BrakeAll, "a test")
	require.NoError(s, err)
	_, err = s.p.App.Events.ReleaseBrake(ctx, operator, domain.BrakeAll, "a test")
	require.NoError(s, err)
	for _, e := range events {
		s.run(s.p, e)
		if _, err := s.p.App.Events.Stop(ctx, operator, e.ID, "a test"); err == nil {
			_, _, err = s.p.App.Events.Resume(ctx, operator, e.ID)
			require.NoError(s, err)
		}
	}
	for _, e := range events {
		s.completed(s.p, e.ID)
	}
	return events
}

// redriveAll has what was given up tried again.
func (s *served) redriveAll(events []domain.Event) {
	s.Helper()
	s.mended.Store(true)
	for _, e := range events {
		_, err := s.p.App.Events.Retry(s.Context(), operator, e.ID, "", false)
		require.NoError(s, err)
	}
	for _, e := range events {
		require.Eventually(s, func() bool {
			got, err := s.p.App.Events.Get(s.Context(), e.ID)
			return err == nil && got.Summary.Success == got.TotalCount
		}, time.Minute, 20*time.Millisecond, "event %d", e.ID)
	}
}

// useUploads imports a list that comes in pieces, and deletes another one.
func (s *served) useUploads() {
	s.Helper()
	ctx := s.Context()
	const list = "member_id,amount\nkim,5\n"
	for _, kept := range []bool{true, false} {
		u, err := s.p.App.Uploads.Create(ctx, command.Caller{Actor: "test"}, uploads.Upload{Size: int64(len(list)), ContentType: "text/csv"})
		require.NoError(s, err)
		_, err = s.p.App.Uploads.Append(ctx, "test", u.ID, 0, []byte(list))
		require.NoError(s, err)
		if !kept {
			require.NoError(s, s.p.App.Uploads.Delete(ctx, operator, false, u.ID))
			continue
		}
		e, err := s.p.App.Events.Create(ctx, operator, app.NewEvent{CampaignID: "in pieces", EventType: "POINT"})
		require.NoError(s, err)
		_, err = s.p.App.Targets.Import(ctx, operator, e.Value.ID,
			imports.Upload{Stored: s.p.App.Uploads.Stored("test", u.ID)})
		require.NoError(s, err)
	}
	require.NoError(s, s.p.App.Uploads.Tidy(ctx))
}

// signIn makes a key and revokes it; a person comes by an invite, signs in with a wrong password and with the right one,
// and is disabled.
func (s *served) signIn() {
	s.Helper()
	ctx := s.Context()
	host := command.Caller{Actor: "cli:test"}
	key, err := s.p.App.Access.Create(ctx, operator, access.NewKey{Name: "crm", Role: domain.Viewer})
	require.NoError(s, err)
	_, found, err := s.p.App.Access.Identify(ctx, key.Secret)
	require.NoError(s, err)
	require.True(s, found)
	require.NoError(s, s.p.App.Access.Revoke(ctx, operator, key.ID))

	all := s.p.App.People
	for range 2 { // the second one replaces the first
		_, err = all.Invite(ctx, host, people.NewInvite{Name: "kim", Role: domain.Admin, OnHost: true})
		require.NoError(s, err)
	}
	invited, err := all.Invite(ctx, host, people.NewInvite{Name: "kim", Role: domain.Admin, OnHost: true})
	require.NoError(s, err)
	opened, err := all.Open(ctx, invited.Token, "127.0.0.1")
	require.NoError(s, err)
	proof := func(after time.Duration) people.Credentials {
		var now time.Time
		require.NoError(s, s.pool.QueryRow(ctx, `SELECT now()`).Scan(&now))
		code, err := totp.GenerateCode(opened.Secret, now.Add(after))
		require.NoError(s, err)
		return people.Credentials{Name: "kim", Password: "a long and plain password", Code: code, Address: "127.0.0.1"}
	}
	_, _, err = all.Enrol(ctx, invited.Token, proof(0))
	require.NoError(s, err)
	wrong := proof(30 * time.Second)
	wrong.Password = "another long password"
	_, _, err = all.SignIn(ctx, wrong, "")
	require.Error(s, err)
	session, token, err := all.SignIn(ctx, proof(30*time.Second), "")
	require.NoError(s, err)
	_, _, found, err = all.Identify(ctx, token)
	require.NoError(s, err)
	require.True(s, found)
	require.NoError(s, all.SignOut(ctx, command.Caller{Actor: "kim", SessionID: session.ID}))
	require.NoError(s, all.SetRole(ctx, host, "kim", domain.Viewer))
	require.NoError(s, all.Disable(ctx, host, "kim"))
	require.NoError(s, all.Enable(ctx, host, "kim"))
}

// replayParked publishes a message again that no handler can use.
func (s *served) replayParked() {
	s.Helper()
	kafkatest.Produce(s, s.cfg.Brokers, s.cfg.TopicPrefix+".point", 0, []byte("rubbish"))
	s.parked("true", 1)
	s.replay(s.p)
	require.Eventually(s, func() bool {
		return s.count(`SELECT count(*) FROM river.river_job WHERE kind = 'replay' AND state = 'completed'`) == 1
	}, time.Minute, 20*time.Millisecond)
	s.parked("replayed_at IS NULL", 1)
}

// export takes all targets and results of an event away.
func (s *served) export(e domain.Event) {
	s.Helper()
	ctx, n := s.Context(), 0
	taking := lists.Taking{By: operator}
	require.NoError(s, s.p.App.Lists.ExportResults(ctx, taking, e.ID, lists.ResultFilter{},
		func(lists.Result) error { n++; return nil }))
	require.NoError(s, s.p.App.Lists.ExportTargets(ctx, taking, e.ID, lists.TargetFilter{},
		func(lists.Target) error { n++; return nil }))
	require.Positive(s, n)
}
