package campaigns

import (
	"context"
	"net/http"
	"sync"
	"time"

	"bestow/app/known"
	"bestow/app/reports"
	"bestow/http/console/page"
	"bestow/http/console/words"
	"bestow/http/web"

	"github.com/go-json-experiment/json"
)

// accessTicks is how many ticks a stream goes on until it looks whether its reader still has access.
const accessTicks = int(known.For / reports.Tick)

// drawTicks is how many ticks there are from one drawing of what is more than texts to the next.
const drawTicks = int(reports.FlowStep / reports.Tick)

// writePatience is the longest time in which a reader must take a message.
const writePatience = 30 * time.Second

// told is what a stream tells at one tick.
type told struct {
	messages [][]byte
	last     bool // the stream ends with them
}

// add adds a message. One that cannot be made now is made the next time.
func (t *told) add(message []byte, err error) {
	if err == nil {
		t.messages = append(t.messages, message)
	}
}

// stream sends what tell returns each second, until that is the last, or the reader has gone or has no access any more.
func (h *Handlers) stream(
	w http.ResponseWriter, r *http.Request, tell func(ctx context.Context, tick int) (told, error),
) error {
	t, err := tell(r.Context(), 1)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", web.EventStream)
	w.Header().Set("X-Accel-Buffering", "no") // otherwise a proxy would hold the messages back
	w.WriteHeader(http.StatusOK)
	clock := time.NewTicker(reports.Tick)
	defer clock.Stop()
	for tick := 2; ; tick++ {
		if err := send(w, t.messages); err != nil || t.last {
			return nil
		}
		select {
		case <-clock.C:
		case <-r.Context().Done():
			return nil
		case <-web.Stopping(r.Context()):
			return nil
		}
		if tick%accessTicks == 0 && !web.MayGoOn(r.Context()) {
			return nil // the page reconnects, and is told to sign in
		}
		if t, err = tell(r.Context(), tick); err != nil {
			_ = h.API.Problem(context.WithoutCancel(r.Context()), err) // logs it; the page reconnects
			return nil
		}
	}
}

// send writes messages within writePatience.
func send(w http.ResponseWriter, messages [][]byte) error {
	control := http.NewResponseController(w)
	if err := control.SetWriteDeadline(time.Now().Add(writePatience)); err != nil {
		return err
	}
	defer func() { _ = control.SetWriteDeadline(time.Time{}) }()
	for _, m := range messages {
		if _, err := w.Write(m); err != nil {
			return err
		}
	}
	return control.Flush()
}

// drawnKey names a message and how its readers want to see it. What a message shows depends on nothing else of them.
type drawnKey struct {
	what     string
	id       int64
	language words.Language
	zone     string
}

func keyOf(v page.View, what string, id int64) drawnKey {
	return drawnKey{what, id, v.Language, v.Zone.Name}
}

// drawn keeps the newest messages of all streams: any number of readers who see the same cost one drawing.
type drawn struct {
	mu   sync.Mutex
	made map[drawnKey]drawing
}

// drawing is a message of the moment at.
type drawing struct {
	at      time.Time
	message []byte
}

// drawnFor is how long a message is kept that nobody asks for.
const drawnFor = time.Minute

// get returns the message of the moment at, which draw makes for the first who asks.
func (d *drawn) get(key drawnKey, at time.Time, draw func() (moment, error)) ([]byte, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if known, ok := d.made[key]; ok && known.at.Equal(at) {
		return known.message, nil
	}
	m, err := draw()
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	for other, old := range d.made {
		if at.Sub(old.at) > drawnFor {
			delete(d.made, other)
		}
	}
	message := []byte("data: " + string(text) + "\n\n")
	d.made[key] = drawing{at, message}
	return message, nil
}
