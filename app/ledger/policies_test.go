package ledger_test

import (
	"context"
	"testing"

	"bestow/app/command"
	"bestow/app/ledger"
	"bestow/domain"
	"bestow/internal/desktest"
	"bestow/internal/pgtest"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// kim asks for everything.
var kim = command.Caller{Actor: "kim", Reason: "spring"}

// book is a ledger that does something else between a change and its answer.
type book struct {
	desktest.Book

	between func() error
}

func (b *book) CreatePolicy(ctx context.Context, code string, t ledger.Terms) (ledger.Policy, bool, error) {
	p, replayed, err := b.Book.CreatePolicy(ctx, code, t)
	if err == nil {
		err = b.between()
	}
	return p, replayed, err
}

func (b *book) SetPolicyStatus(ctx context.Context, code, tag string, s ledger.Status) (ledger.Policy, error) {
	p, err := b.Book.SetPolicyStatus(ctx, code, tag, s)
	if err == nil {
		err = b.between()
	}
	return p, err
}

type desk struct {
	testing.TB
	*ledger.Ledger

	book *book
	pool *pgxpool.Pool
}

func setup(t *testing.T) desk {
	t.Helper()
	b, pool := &book{between: func() error { return nil }}, pgtest.New(t)
	return desk{t, ledger.New(pool, b), b, pool}
}

// exec runs a statement as an operator who breaks the audit, or puts it right.
func (d desk) exec(statement string) error {
	_, err := d.pool.Exec(d.Context(), statement)
	return err
}

// audit returns what an auditor reads, oldest first.
func (d desk) audit() []string {
	d.Helper()
	rows, err := d.pool.Query(d.Context(), `SELECT format('%s %s by %s (%s): %s > %s', action, object, actor, reason,
		coalesce(before->>'status', '-'), coalesce(after->>'code', after->>'status', after->>'name')) FROM audit_log ORDER BY id`)
	require.NoError(d, err)
	all, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(d, err)
	return all
}

func (d desk) create(ctx context.Context) error {
	_, err := d.CreatePolicy(ctx, kim, ledger.NewPolicy{Code: "review", Terms: ledger.Terms{Name: "Reviews"}})
	return err
}

func (d desk) set(ctx context.Context, s ledger.Status) error {
	_, err := d.SetPolicyStatus(ctx, kim, "review", s, nil)
	return err
}

// A change of the ledger of which no outcome could be kept has its order in the audit.
func TestAnOrderIsKeptBeforeTheLedgerIsAsked(t *testing.T) {
	t.Parallel()
	d := setup(t)
	breaks := func() error { return d.exec(`ALTER TABLE audit_log RENAME TO audit_away`) }
	d.book.between = breaks
	require.Error(t, d.create(t.Context()), "the audit took no outcome")
	require.NoError(t, d.exec(`ALTER TABLE audit_away RENAME TO audit_log`))
	ordered := []string{"policy.create_begin policy review by kim (spring): - > Reviews"}
	require.Equal(t, ordered, d.audit())
	require.Len(t, d.book.Kept, 1)

	require.Error(t, d.set(t.Context(), ledger.Retired))
	require.NoError(t, d.exec(`ALTER TABLE audit_away RENAME TO audit_log`))
	ordered = append(ordered, "policy.edit_begin policy review by kim (spring): ACTIVE > INACTIVE")
	require.Equal(t, ordered, d.audit())
	require.Equal(t, ledger.Retired, d.book.Kept[0].Status)
}

// An order that cannot be kept does not reach the ledger.
func TestWithoutAuditNothingIsOrdered(t *testing.T) {
	t.Parallel()
	d := setup(t)
	require.NoError(t, d.create(t.Context()))
	require.NoError(t, d.exec(`ALTER TABLE audit_log RENAME TO audit_away`))
	_, err := d.CreatePolicy(t.Context(), kim, ledger.NewPolicy{Code: "other", Terms: ledger.Terms{Name: "Other"}})
	require.Error(t, err)
	require.Error(t, d.set(t.Context(), ledger.Retired))
	require.Len(t, d.book.Kept, 1)
	require.Equal(t, ledger.Active, d.book.Kept[0].Status)
}

// The audit has an order and its outcome once, also if who asked has gone away meanwhile. The same order again changes
// nothing, and leaves no row.
func TestAnOrderAndItsOutcome(t *testing.T) {
	t.Parallel()
	d := setup(t)
	for range 2 {
		ctx, leave := context.WithCancel(t.Context())
		d.book.between = func() error { leave(); return nil }
		require.NoError(t, d.create(ctx))
	}
	d.book.Overtaken = 1
	for range 2 {
		ctx, leave := context.WithCancel(t.Context())
		d.book.between = func() error { leave(); return nil }
		require.NoError(t, d.set(ctx, ledger.Retired))
	}
	require.Equal(t, []string{
		"policy.create_begin policy review by kim (spring): - > Reviews",
		"policy.create policy review by kim (spring): - > review",
		"policy.edit_begin policy review by kim (spring): ACTIVE > INACTIVE",
		"policy.edit policy review by kim (spring): ACTIVE > review",
	}, d.audit())
}

// The audit says that the ledger has refused an order. Of a ledger that gave no answer it says nothing, since the ledger
// may have done it.
func TestAnOrderThatIsRefused(t *testing.T) {
	t.Parallel()
	d := setup(t)
	d.book.between = func() error { return domain.PolicyExistsError() }
	require.ErrorIs(t, d.create(t.Context()), domain.PolicyExistsError())
	d.book.between = func() error { return domain.UnavailableError("the ledger does not answer", "") }
	require.ErrorIs(t, d.set(t.Context(), ledger.Retired), &domain.Error{Code: domain.Unavailable})
	require.Equal(t, []string{
		"policy.create_begin policy review by kim (spring): - > Reviews",
		"policy.refused policy review by kim (spring): - > policy_exists",
		"policy.edit_begin policy review by kim (spring): ACTIVE > INACTIVE",
	}, d.audit())
}
