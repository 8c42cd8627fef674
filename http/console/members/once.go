package members

import (
	"context"
	"errors"
	"sync"
	"time"

	"bestow/app/command"
	"bestow/app/pins"
	"bestow/http/web"
)

// keptFor is the time for which the answer to a form is kept: long enough for a second click.
const keptFor = 10 * time.Second

// reveals makes a form that is sent twice to this process show its PIN by one act: the audit has it once, and it counts
// once. The answer is kept here, and not in the database, since it holds a PIN.
type reveals struct {
	mu  sync.Mutex
	all map[formID]*revealed
}

// formID is what a form says, and whose it is.
type formID struct{ actor, key, fingerprint string }

// revealed is the answer to a form, once done is closed.
type revealed struct {
	done    chan struct{}
	voucher pins.Voucher
	err     error
}

// do returns what act returns for the caller's form. act goes on without the first sender, who has left by the second
// click.
func (r *reveals) do(
	ctx context.Context, by command.Caller, act func(context.Context) (pins.Voucher, error),
) (pins.Voucher, error) {
	if by.Once == nil {
		return act(ctx)
	}
	id := formID{by.Actor, by.Once.Key, string(by.Once.Fingerprint)}
	r.mu.Lock()
	a, found := r.all[id]
	if !found {
		a = &revealed{done: make(chan struct{})}
		r.all[id] = a
	}
	r.mu.Unlock()
	if !found {
		r.run(context.WithoutCancel(ctx), id, a, act)
	}
	select {
	case <-a.done:
		return a.voucher, a.err
	case <-ctx.Done():
		return pins.Voucher{}, ctx.Err()
	}
}

// run does the act, and keeps its answer for a while. A refusal is not kept.
func (r *reveals) run(
	ctx context.Context, id formID, a *revealed, act func(context.Context) (pins.Voucher, error),
) {
	ctx, cancel := context.WithTimeout(ctx, web.RequestTimeout)
	defer cancel()
	defer close(a.done)
	forget := func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.all, id)
	}
	a.err = errNoAnswer
	defer func() {
		if a.err != nil {
			forget()
		}
	}()
	if a.voucher, a.err = act(ctx); a.err == nil {
		time.AfterFunc(keptFor, forget)
	}
}

// errNoAnswer is what a second sender gets if the first one's act has panicked.
var errNoAnswer = errors.New("reveal PIN: the form's first sender got no answer")
