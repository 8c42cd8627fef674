package members

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"bestow/app/command"
	"bestow/app/pins"

	"github.com/stretchr/testify/require"
)

// A form that is sent twice is one act, also when its first sender has left; a refused one can be sent again.
func TestASecondClickIsNoSecondAct(t *testing.T) {
	t.Parallel()
	r := &reveals{all: map[formID]*revealed{}}
	by := command.Caller{Actor: "kim", Once: &command.Once{Key: "k", Fingerprint: []byte("f")}}
	var acts atomic.Int32
	begun, free := make(chan struct{}), make(chan struct{})
	act := func(ctx context.Context) (pins.Voucher, error) {
		acts.Add(1)
		close(begun)
		<-free
		return pins.Voucher{PIN: "1234"}, ctx.Err()
	}
	first, leave := context.WithCancel(t.Context())
	left := make(chan struct{})
	go func() {
		_, _ = r.do(first, by, act) // it has left
		close(left)
	}()
	<-begun
	leave()
	go close(free) // before or after the second one waits: either is right
	for range 2 {
		v, err := r.do(t.Context(), by, act)
		require.NoError(t, err)
		require.Equal(t, "1234", v.PIN)
	}
	<-left
	require.EqualValues(t, 1, acts.Load())

	refusal := errors.New("no")
	refuse := func(context.Context) (pins.Voucher, error) { acts.Add(1); return pins.Voucher{}, refusal }
	for _, other := range []command.Caller{
		{Actor: "lee", Once: by.Once},
		{Actor: "kim", Once: &command.Once{Key: "k", Fingerprint: []byte("g")}},
		{Actor: "kim", Once: &command.Once{Key: "l", Fingerprint: []byte("f")}},
		{Actor: "kim"},
	} {
		before := acts.Load()
		for range 2 {
			_, err := r.do(t.Context(), other, refuse)
			require.ErrorIs(t, err, refusal)
		}
		require.Equal(t, before+2, acts.Load())
	}
}
