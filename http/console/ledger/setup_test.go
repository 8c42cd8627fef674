package ledger_test

import (
	"testing"

	"bestow/internal/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }
