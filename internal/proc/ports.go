package proc

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
)

// FreePorts are n ports below those that the kernel gives to outgoing connections: nobody takes the port of a killed
// process before it is started again.
func FreePorts(ctx context.Context, n int) ([]int, error) {
	const from, to = 18_000, 32_000
	var free []int
	for port := from + rand.IntN((to-from)/2); port < to && len(free) < n; port++ {
		l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", Address(port))
		if err != nil {
			continue // taken
		}
		if err := l.Close(); err != nil {
			return nil, fmt.Errorf("find free ports: %w", err)
		}
		free = append(free, port)
	}
	if len(free) < n {
		return nil, fmt.Errorf("find free ports: only %d of %d", len(free), n)
	}
	return free, nil
}

// Address is a port of this machine, which no other machine reaches.
func Address(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
