package memberlist_test

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"bestow/app/memberlist"
)

// A list is read row by row. A row that cannot be a target has a code, and the reading goes on.
func ExampleOpen() {
	list := "member_id,amount,reason\nM1,500,spring\nM2,five,\nM3,,\n"
	any := func(int64) string { return "" } // no limit of the event's type
	rows, err := memberlist.Open("text/csv", strings.NewReader(list), 100, any)
	if err != nil {
		fmt.Println(err)
		return
	}
	for row := (memberlist.Row{}); ; {
		err := rows.Next(&row)
		switch {
		case errors.Is(err, io.EOF):
			return
		case err != nil:
			fmt.Println(err)
			return
		case row.Code != "":
			fmt.Printf("line %d: %s\n", row.Line, row.Code)
		default:
			fmt.Printf("line %d: %s gets %d\n", row.Line, row.Member, row.Amount)
		}
	}
	// Output:
	// line 2: M1 gets 500
	// line 3: bad_amount
	// line 4: M3 gets 100
}
