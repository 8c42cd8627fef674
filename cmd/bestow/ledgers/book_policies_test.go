package ledgers

import (
	"errors"
	"strings"
	"testing"

	"bestow/app/ledger"
	"bestow/domain"
	"bestow/internal/moneytest"

	"github.com/stretchr/testify/require"
)

// Both ways to the ledger make the same policies, once, and refuse the same.
func TestBookPolicies(t *testing.T) {
	t.Parallel()
	eachBook(t, func(t *testing.T, _ *moneytest.Shop, b ledger.Book) {
		t.Helper()
		terms := ledger.Terms{
			Name: "리뷰", Status: ledger.Active, Validity: "until", Until: "2030-02-28", Min: new(int64(10)), Max: new(int64(500)),
			MaxHold: new(int64(1_000_000_000_000_000)), RegrantDays: new(7), TypeCode: "RV",
		}
		made, replayed, err := b.CreatePolicy(t.Context(), "a-new.one", terms)
		require.NoError(t, err)
		require.False(t, replayed)
		require.Equal(t, "a-new.one", made.Code)
		require.Equal(t, terms, made.Terms)
		again, replayed, err := b.CreatePolicy(t.Context(), "a-new.one", terms)
		require.NoError(t, err)
		require.True(t, replayed)
		require.True(t, again.CreatedAt.Equal(made.CreatedAt))
		_, _, err = b.CreatePolicy(t.Context(), "a-new.one", ledger.Terms{Name: "Else"})
		require.True(t, domain.IsCode(err, domain.PolicyExists), "%v", err)

		for validity, change := range map[string]func(*ledger.Terms){
			"days":      func(t *ledger.Terms) { t.Days = new(30) },
			"month_end": func(t *ledger.Terms) { t.Months = new(0) },
			"none":      func(*ledger.Terms) {},
		} {
			terms := ledger.Terms{Name: validity, Validity: validity}
			change(&terms)
			made, _, err := b.CreatePolicy(t.Context(), "b-"+validity, terms)
			require.NoError(t, err)
			terms.Status = ledger.Active
			require.Equal(t, terms, made.Terms)
		}

		page, err := b.Policies(t.Context(), "a", 2)
		require.NoError(t, err)
		require.Equal(t, []string{"a-new.one", "b-days"}, []string{page[0].Code, page[1].Code})
		require.Len(t, page, 2)
		page, err = b.Policies(t.Context(), "zzz", 2)
		require.NoError(t, err)
		require.Empty(t, page)
	})
}

// What the ledger says of a policy that cannot be is told field by field.
func TestBookRefusesPolicies(t *testing.T) {
	t.Parallel()
	eachBook(t, func(t *testing.T, _ *moneytest.Shop, b ledger.Book) {
		t.Helper()
		_, _, err := b.CreatePolicy(t.Context(), "-", ledger.Terms{
			Name: "x", Validity: "days", Days: new(0), Min: new(int64(9)), Max: new(int64(8)),
		})
		e, ok := errors.AsType[*domain.Error](err)
		require.True(t, ok, "%v", err)
		require.Equal(t, domain.Invalid, e.Code)
		var names []string
		for _, f := range e.Fields {
			names = append(names, f.Name)
			require.NotEmpty(t, f.Message)
		}
		require.ElementsMatch(t, []string{"code", "validity_days", "max_point"}, names)
		for _, none := range []string{"none", "-", "a/b", "a%2Fb", "a b", "a?b", "..x", "\x00", "\xff", "리뷰", strings.Repeat("A", 5000)} {
			_, _, err = b.Policy(t.Context(), none)
			require.True(t, domain.IsCode(err, domain.NotFound), "%q: %v", none, err)
		}
	})
}

// A policy is retired and brought back by who has read its state, and by nobody who has read another one.
func TestBookSetsPolicyStatus(t *testing.T) {
	t.Parallel()
	eachBook(t, func(t *testing.T, s *moneytest.Shop, b ledger.Book) {
		t.Helper()
		_, tag, err := b.Policy(t.Context(), "days")
		require.NoError(t, err)
		p, err := b.SetPolicyStatus(t.Context(), "days", tag, ledger.Retired)
		require.NoError(t, err)
		require.Equal(t, ledger.Retired, p.Status)
		_, err = b.SetPolicyStatus(t.Context(), "days", tag, ledger.Active)
		require.ErrorIs(t, err, ledger.ErrPolicyChanged)
		require.Equal(t, 1, moneytest.Scan[int](t, s.Pool,
			`SELECT count(*) FROM money.point_master WHERE code = 'days' AND status = 'INACTIVE'`))
	})
}
