//go:build browser

package journey

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"bestow/internal/chrometest"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// line lets browsers reach a service, until it is cut after so many bytes of theirs.
type line struct {
	net.Listener

	to   string
	left atomic.Int64 // bytes until the cut
	sent atomic.Int64 // bytes that went through, of all connections

	mu   sync.Mutex
	open map[net.Conn]bool
}

// far is more than a test sends.
const far = 1 << 40

// newLine returns a line to the address of a service.
func newLine(t *testing.T, to string) *line {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	l := &line{Listener: listener, to: to, open: map[net.Conn]bool{}}
	l.left.Store(far)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go l.carry(c)
		}
	}()
	return l
}

// carry joins a connection with the service, unless the line is cut.
func (l *line) carry(c net.Conn) {
	defer func() { _ = c.Close() }()
	if l.left.Load() <= 0 {
		return
	}
	s, err := (&net.Dialer{}).Dial("tcp", l.to)
	if err != nil {
		return
	}
	defer func() { _ = s.Close() }()
	l.mu.Lock()
	l.open[c] = true
	l.mu.Unlock()
	go func() {
		_, _ = io.Copy(c, s)
		_ = c.Close()
	}()
	_, _ = io.Copy(s, &counted{c, l})
	l.mu.Lock()
	delete(l.open, c)
	l.mu.Unlock()
}

// counted is what a browser sends over the line.
type counted struct {
	net.Conn

	line *line
}

// Read reads on, and cuts the whole line where its bytes are used up.
func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err != nil {
		return n, err
	}
	c.line.sent.Add(int64(n))
	if c.line.left.Add(-int64(n)) > 0 {
		return n, nil
	}
	c.line.mu.Lock()
	defer c.line.mu.Unlock()
	for conn := range c.line.open {
		_ = conn.Close()
	}
	return 0, io.ErrUnexpectedEOF
}

// A large list that is cut off twice goes on where it was, first on the page itself and then on one that was opened
// anew, and is in the campaign to the byte.
func TestBrowserUploadGoesOn(t *testing.T) {
	s := serve(t)
	l := newLine(t, strings.TrimPrefix(s.base, "http://"))
	tab := chrometest.New(t, "http://"+l.Addr().String(), s.key)
	tab.Choose("en", "light", 1440)
	here := draft(tab, "in-pieces")

	var text bytes.Buffer
	text.WriteString("member_id,amount,reason\n")
	const rows = 40_000
	for n := range rows {
		fmt.Fprintf(&text, "p%06d,1000,%s\n", n, strings.Repeat("r", 480))
	}
	path := filepath.Join(t.TempDir(), "large.csv")
	require.NoError(t, os.WriteFile(path, text.Bytes(), 0o600))
	send := func() {
		tab.Do(chromedp.SetUploadFiles("#f-file", []string{path}), chromedp.Click("form.drop button.pri", chromedp.ByQuery))
	}
	const mega = 1 << 20
	tab.ExpectBreaks()
	l.left.Store(10 * mega)
	send()
	tab.There("#upload.cut")
	require.Contains(t, tab.Ask(`document.querySelector('#upload').innerText`), "The connection broke")

	l.left.Store(5 * mega)
	tab.Do(chromedp.Click(`[data-u=go]`, chromedp.ByQuery))
	tab.Until(`document.querySelector('#upload.cut [data-u=go]:not([hidden])') !== null`)
	require.Less(t, l.left.Load(), int64(1), "the line was cut a second time")
	l.left.Store(far)
	tab.Open(here)
	send()
	tab.There(".upfile:not(.going)")
	require.Contains(t, tab.Ask(`document.querySelector('main').innerText`), "accepted 40,000 · rejected 0")
	sum := sha256.Sum256(text.Bytes())
	hash := hex.EncodeToString(sum[:])
	require.Contains(t, tab.Ask(`document.querySelector('.upfile:not(.going)').innerText`), hash[:4]+" "+hash[4:8])
	const slack = 5 * mega // what was under way at the cuts, and the pages
	require.Less(t, l.sent.Load(), int64(text.Len()+slack), "what had come was not sent again")

	tab.Do(chromedp.Evaluate(`{
		const dragged = new DataTransfer();
		dragged.items.add(new File(['member_id,amount\nd1,1000\n'], 'dropped.csv'));
		document.querySelector('form.drop').dispatchEvent(
			new DragEvent('drop', {dataTransfer: dragged, bubbles: true, cancelable: true}));
	}`, nil))
	tab.Until(`document.querySelector('main').innerText.includes('dropped.csv')`)
	tab.Until(`document.querySelector('main').innerText.includes('40,001')`)
}
