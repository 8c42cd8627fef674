package rig

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"bestow/internal/embedkafka"
	"bestow/internal/proc"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
)

// broker is a broker that shares no processor time, and no memory, with what is measured.
type broker struct {
	addr string
	dir  string
	cmd  *exec.Cmd
	in   io.Closer
}

// brokerPatience is the time that a broker may take to start, and to end. Then it is killed.
const brokerPatience = 30 * time.Second

// startBroker runs program as a broker with new data in dir whose answers come later by delay. It ends with us in any
// case: its standard input is closed then. One that names no address within patience is killed.
func startBroker(ctx context.Context, program, dir string, delay, patience time.Duration) (*broker, error) {
	if err := os.RemoveAll(dir); err != nil {
		return nil, fmt.Errorf("remove the last bench's broker: %w", err)
	}
	//nolint:gosec // the caller's own program
	cmd := exec.CommandContext(context.WithoutCancel(ctx), program, "bench-broker", dir, "--delay", delay.String())
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start broker: %w", err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start broker: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start broker: %w", err)
	}
	b := &broker{dir: dir, cmd: cmd, in: in}
	late := time.AfterFunc(patience, b.kill)
	addr, err := bufio.NewReader(out).ReadString('\n')
	switch inTime := late.Stop(); {
	case !inTime:
		return nil, errors.Join(fmt.Errorf("start broker: it named no address within %s", patience), b.stop())
	case err != nil:
		return nil, errors.Join(fmt.Errorf("start broker: it ended at once: %w", err), b.stop())
	}
	b.addr = strings.TrimSpace(addr)
	return b, nil
}

// stop ends the broker and removes its data.
func (b *broker) stop() error {
	defer time.AfterFunc(brokerPatience, b.kill).Stop()
	_ = b.in.Close()
	_ = b.cmd.Wait() // its data are not needed
	return os.RemoveAll(b.dir)
}

func (b *broker) kill() { _ = b.cmd.Process.Kill() } // an error says that it has ended

// ServeBroker is a broker with its data in dir, whose answers come later by delay. It writes its address to out, and ends
// when in ends.
func ServeBroker(ctx context.Context, dir string, delay time.Duration, out io.Writer, in io.Reader) error {
	options := embedkafka.Options{Dir: dir}
	if delay > 0 {
		proxy, err := delayed(ctx, &options, delay)
		if err != nil {
			return err
		}
		defer proxy.Stop()
	}
	s, err := embedkafka.Start(ctx, options)
	if err != nil {
		return err
	}
	defer s.Close()
	fmt.Fprintln(out, s.Brokers[0])
	_, err = io.Copy(io.Discard, in)
	return err
}

// delayed starts a proxy before the broker that options describe, which it lets stand on a port of its own. What the
// broker says comes to its clients later by delay.
func delayed(ctx context.Context, options *embedkafka.Options, delay time.Duration) (*toxiproxy.Proxy, error) {
	addr, err := proc.FreeAddress(ctx)
	if err != nil {
		return nil, err
	}
	options.Addr = addr
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	proxy := toxiproxy.NewProxy(server, "kafka", "127.0.0.1:0", options.Addr)
	if err := proxy.Start(); err != nil {
		return nil, fmt.Errorf("start proxy: %w", err)
	}
	options.Advertise = proxy.Listen
	toxic := fmt.Sprintf(`{"type": "latency", "stream": "downstream", "attributes": {"latency": %d}}`,
		delay.Milliseconds())
	if _, err := proxy.Toxics.AddToxicJson(strings.NewReader(toxic)); err != nil {
		proxy.Stop()
		return nil, fmt.Errorf("delay answers: %w", err)
	}
	return proxy, nil
}
