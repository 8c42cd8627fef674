package moneydb_test

import (
	"context"
	"fmt"
	"time"

	"bestow/internal/pgtest"
	"bestow/money"
	"bestow/money/moneydb"
)

// A batch that is sent once more, because its answer was lost, is applied once. A key that stands for something else is
// a conflict.
func ExampleLedger_grantPoints() {
	pool, end := pgtest.Example()
	defer end()
	ledger, err := moneydb.New(moneydb.Config{Pool: pool})
	if err != nil {
		fmt.Println(err)
		return
	}
	grant := func(items ...money.Item) {
		answers, err := ledger.GrantPoints(context.Background(), time.Now().Add(time.Minute), items)
		if err != nil {
			fmt.Println(err)
			return
		}
		for i, a := range answers {
			fmt.Println(items[i].MemberID, a.Outcome)
		}
	}
	ann := money.Item{Key: "spring:ann", MemberID: "ann", Amount: 500, TypeCode: "EVENT"}
	grant(ann)
	grant(ann, money.Item{Key: "spring:bob", MemberID: "bob", Amount: 500, TypeCode: "EVENT"})
	ann.Amount = 900
	grant(ann)
	// Output:
	// ann granted
	// ann replayed
	// bob granted
	// ann conflict
}
