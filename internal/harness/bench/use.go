package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"bestow/internal/english"
	"bestow/money"
	"bestow/money/moneydb"

	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"
)

// Use is a kind of run: members use points.
const Use = "use"

// Uses holds what uses of points take.
type Uses struct {
	One      Pace `json:"one_lot"`           // one client, of members with one lot
	Thousand Pace `json:"thousand_lots"`     // one client, of a member with a thousand
	Many     Pace `json:"many_lots"`         // one client, of a member with 100,000, or Targets if that is less
	Together Pace `json:"sixteen_clients"`   // sixteen clients, of one member
	Expiring Pace `json:"beside_the_expiry"` // eight clients, while Targets lots run out and are swept

	Sweep time.Duration `json:"sweep_ns"` // from the instant at which they run out to the last one that is swept
}

// String is the uses as a report shows them.
func (u Uses) String() string {
	const line = "1 lot %s  1,000 lots %s  100,000 lots %s  16 clients of one member %s  beside the expiry %s, " +
		"swept in %s"
	return fmt.Sprintf(line,
		u.One, u.Thousand, u.Many, u.Together, u.Expiring, seconds(u.Sweep))
}

// Pace says how fast uses were.
type Pace struct {
	Uses    int           `json:"uses"`
	Rate    float64       `json:"uses_per_s"`
	Median  time.Duration `json:"median_ns"`
	Longest time.Duration `json:"longest_ns"`
}

// String is the pace as a report shows it.
func (p Pace) String() string {
	return fmt.Sprintf("%s/s (median %s, longest %s)",
		english.Number(int64(p.Rate)), p.Median.Round(10*time.Microsecond), p.Longest.Round(100*time.Microsecond))
}

const (
	crowd       = 16                    // clients of one member
	useClients  = 8                     // clients beside the expiry
	useMembers  = 10_000                // of whom these use points
	mostLots    = 100_000               // of one member
	useLead     = 2 * time.Second       // of the clients before the instant at which lots run out
	useFor      = 5 * time.Second       // a pace is taken
	lotTakes    = 50 * time.Microsecond // to be saved, about
	useAmount   = 1_000_000_000
	usePatience = 10 * time.Second
)

// use is a ledger whose members use points.
type use struct {
	run    *Run
	pool   *pgxpool.Pool
	ledger *moneydb.Ledger
	sooner *moneydb.Ledger // spends first what runs out first
	lots   int             // that run out
	each   time.Duration   // how long a pace is taken
	keys   atomic.Int64
}

func (s *server) openUse(ctx context.Context, a *arena, r *Run) (*use, error) {
	pool, err := s.Open(ctx, a.at, crowd+2)
	if err != nil {
		return nil, err
	}
	ledger, err := moneydb.New(moneydb.Config{Pool: pool})
	if err != nil {
		pool.Close()
		return nil, err
	}
	sooner, err := moneydb.New(moneydb.Config{Pool: pool, SpendOrder: money.SpendExpiring})
	if err != nil {
		pool.Close()
		return nil, err
	}
	return &use{run: r, pool: pool, ledger: ledger, sooner: sooner, lots: a.members, each: cmp.Or(s.UseFor, useFor)},
		nil
}

func (u *use) stop() error {
	u.pool.Close()
	return nil
}

func single(n int) string { return "single" + strconv.Itoa(n%useMembers) }
func thousand(int) string { return "thousand" }
func many(int) string     { return "many" }

// load saves the lots that do not run out.
func (u *use) load(ctx context.Context) error {
	for _, s := range []struct {
		lots   int
		member func(int) string
	}{{useMembers, single}, {1_000, thousand}, {min(mostLots, u.lots), many}} {
		if err := u.save(ctx, s.lots, s.member, useAmount, nil); err != nil {
			return err
		}
	}
	_, err := u.pool.Exec(ctx, `VACUUM (ANALYZE, FREEZE) money.point_member, money.point_lot`)
	return err
}

// save saves lots of so many points.
func (u *use) save(ctx context.Context, lots int, member func(int) string, amount int64, expiry *time.Time) error {
	for from := 0; from < lots; from += money.MaxItems {
		items := make([]money.Item, min(money.MaxItems, lots-from))
		for i := range items {
			items[i] = money.Item{
				Key: u.key(), MemberID: member(from + i), Amount: amount, TypeCode: "BENCH",
				Ref: "bench", ExpiryAt: expiry,
			}
		}
		answers, err := u.ledger.GrantPoints(ctx, time.Now().Add(time.Minute), items)
		if err != nil {
			return fmt.Errorf("save lots: %w", err)
		}
		for _, a := range answers {
			switch {
			case a.Code == money.Expired:
				return &expiredError{}
			case a.Outcome != money.Granted:
				return fmt.Errorf("save lots: one is %s: %s", a.Outcome, a.Code)
			}
		}
	}
	return nil
}

func (u *use) key() string { return "bench:use:" + strconv.FormatInt(u.keys.Add(1), 10) }

// grant takes each pace, and then lets lots run out beside it.
func (u *use) grant(ctx context.Context) (err error) {
	var all Uses
	for _, p := range []struct {
		to      *Pace
		clients int
		member  func(int) string
	}{{&all.One, 1, single}, {&all.Thousand, 1, thousand}, {&all.Many, 1, many}, {&all.Together, crowd, thousand}} {
		ending, cancel := context.WithTimeout(ctx, u.each)
		*p.to, err = u.pace(ctx, ending.Done(), u.ledger, p.clients, p.member)
		cancel()
		if err != nil {
			return err
		}
	}
	if all.Expiring, all.Sweep, err = u.expire(ctx); err != nil {
		return err
	}
	u.run.Uses = &all
	return u.check(ctx)
}

// pace lets clients use a point again and again, each of members of its own, until the end.
func (u *use) pace(
	ctx context.Context, end <-chan struct{}, ledger *moneydb.Ledger, clients int, member func(int) string,
) (Pace, error) {
	took := make([][]time.Duration, clients)
	began := time.Now()
	work, ctx := errgroup.WithContext(ctx)
	for c := range clients {
		work.Go(func() error {
			for n := c; ; n += clients {
				select {
				case <-end:
					return nil
				case <-ctx.Done():
					return ctx.Err()
				default:
				}
				at := time.Now()
				s := money.Spending{Key: u.key(), MemberID: member(n), Amount: 1, TypeCode: "BENCH", Ref: "bench"}
				if _, err := ledger.Use(ctx, at.Add(usePatience), s); err != nil {
					return fmt.Errorf("use points: %w", err)
				}
				took[c] = append(took[c], time.Since(at))
			}
		})
	}
	if err := work.Wait(); err != nil {
		return Pace{}, err
	}
	all := slices.Concat(took...)
	if len(all) == 0 {
		return Pace{}, errors.New("use points: none in time")
	}
	rate := float64(len(all)) / time.Since(began).Seconds()
	return Pace{Uses: len(all), Rate: rate, Median: median(all), Longest: slices.Max(all)}, nil
}

// expire saves lots that run out at one instant, and sweeps them while clients use points: from a moment before the
// instant until none is open.
func (u *use) expire(ctx context.Context) (p Pace, sweep time.Duration, err error) {
	at, err := u.saveExpiring(ctx)
	if err != nil {
		return p, 0, err
	}
	if err := sleepUntil(ctx, at.Add(-useLead)); err != nil {
		return p, 0, err
	}
	ended := make(chan struct{})
	work, within := errgroup.WithContext(ctx)
	work.Go(func() (err error) {
		defer close(ended)
		sweep, err = u.sweep(within, at)
		return err
	})
	work.Go(func() (err error) {
		p, err = u.pace(within, ended, u.sooner, useClients, single)
		return err
	})
	return p, sweep, work.Wait()
}

// saveExpiring saves lots of those who use points, which run out at the returned instant, all before it. Where the
// machine was slower than it seemed, it saves others that run out later.
func (u *use) saveExpiring(ctx context.Context) (time.Time, error) {
	for ahead := useLead + time.Duration(u.lots)*lotTakes; ; ahead *= 2 {
		at := time.Now().Add(ahead)
		err := u.save(ctx, u.lots, single, 1, &at)
		if err == nil && time.Until(at) > useLead {
			return at, nil
		}
		if _, expired := errors.AsType[*expiredError](err); err != nil && !expired {
			return at, err
		}
	}
}

// expiredError says that a lot was to be saved after its instant.
type expiredError struct{}

func (*expiredError) Error() string { return "a lot ran out before it was saved" }

// sweep lists and expires, as the timetable does, until no lot is open that has run out.
func (u *use) sweep(ctx context.Context, at time.Time) (time.Duration, error) {
	if err := sleepUntil(ctx, at); err != nil {
		return 0, err
	}
	for {
		list, err := u.ledger.ListDue(ctx)
		if err != nil {
			return 0, err
		}
		left, err := u.expireListed(ctx)
		if err != nil {
			return 0, err
		}
		if list.Lots == 0 && !list.More && left == 0 {
			return time.Since(at), nil
		}
	}
}

// expireListed works the list, and says how many lots are left on it: others hold them.
func (u *use) expireListed(ctx context.Context) (left int, err error) {
	for {
		done, err := u.ledger.ExpireDue(ctx)
		if err != nil || done.Due == done.Left {
			return done.Left, err
		}
	}
}

// sleepUntil waits for a moment.
func sleepUntil(ctx context.Context, at time.Time) error {
	timer := time.NewTimer(time.Until(at))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// check says what the ledger should not look like afterwards.
func (u *use) check(ctx context.Context) error {
	const query = `SELECT (SELECT count(*) FROM money.point_lot WHERE remaining > 0 AND expiry_at <= now()),
		(SELECT count(*) FROM money.point_draw d JOIN money.point_member m USING (member_id, point_member_id)
			JOIN money.point_lot l ON l.member_id = d.member_id AND l.save_point_member_id = d.save_point_member_id
			WHERE m.point_status_code = 'U' AND m.created_at >= l.expiry_at)`
	var open, late int
	if err := u.pool.QueryRow(ctx, query).Scan(&open, &late); err != nil {
		return fmt.Errorf("check uses: %w", err)
	}
	u.run.Exact = open == 0 && late == 0
	if !u.run.Exact {
		u.run.Wrong = append(u.run.Wrong,
			fmt.Sprintf("%d lots that ran out are open, %d uses took from a lot after its instant", open, late))
	}
	return nil
}
