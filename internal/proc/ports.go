package proc

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
)

// handedOut are the ports that were given out; their users may not listen yet.
var handedOut = struct {
	sync.Mutex

	ports map[int]bool
}{ports: map[int]bool{}}

// FreePorts returns n ports below those that the kernel gives to outgoing connections, so that no connection takes the
// port of a killed process before it is started again. No port is given out twice.
func FreePorts(ctx context.Context, n int) ([]int, error) {
	const from, to = 18_000, 32_000
	handedOut.Lock()
	defer handedOut.Unlock()
	var free []int
	for port := from + rand.IntN((to-from)/2); port < to && len(free) < n; port++ {
		if handedOut.ports[port] {
			continue
		}
		l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", Address(port))
		if err != nil {
			continue // taken
		}
		if err := l.Close(); err != nil {
			return nil, fmt.Errorf("find free ports: %w", err)
		}
		handedOut.ports[port] = true
		free = append(free, port)
	}
	if len(free) < n {
		return nil, fmt.Errorf("find free ports: only %d of %d", len(free), n)
	}
	return free, nil
}

// Address is a port of this machine, which no other machine reaches.
func Address(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
