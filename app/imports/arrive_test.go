package imports

import (
	"io"
	"strings"
	"testing"

	"bestow/app/command"
	"bestow/internal/places"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
)

// held is an upload of which some bytes have come; reached is closed when more are waited for, and the rest comes when
// free is closed.
type held struct {
	first, rest   io.Reader
	reached, free chan struct{}
	waited        bool
}

// Read waits once, behind the first bytes.
func (h *held) Read(p []byte) (int, error) {
	if n, err := h.first.Read(p); err == nil {
		return n, nil
	}
	if !h.waited {
		h.waited = true
		close(h.reached)
		<-h.free
	}
	return h.rest.Read(p)
}

// C9: an upload of which less than 64 KiB has come takes no place and no connection: another one is taken in meanwhile.
func TestUploadTakesItsPlaceWhenItArrives(t *testing.T) {
	t.Parallel()
	s := setupImport(t)
	waiting, other := s.Event(), s.Event()
	config := s.Pool.Config()
	config.MaxConns = 1
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	s.targets.pool, s.targets.places = pool, places.New(places.ButOne(1))
	slow := &held{
		first: strings.NewReader("member_id,amount\nm1,1\n"), rest: strings.NewReader("m2,1\n"),
		reached: make(chan struct{}), free: make(chan struct{}),
	}
	imported := make(chan error, 1)
	go func() {
		_, err := s.targets.Import(t.Context(), command.Caller{Actor: "test"}, waiting,
			Upload{Body: slow, ContentType: typeCSV})
		imported <- err
	}()
	<-slow.reached
	_, err = s.importCSV(other, "member_id,amount\nm1,1\n")
	close(slow.free)
	require.NoError(t, err)
	require.NoError(t, <-imported)
	require.Len(t, s.Targets(waiting), 2)
}
