package proc

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
)

// The ports that are given out: below those that the kernel gives to outgoing connections, so that no connection takes
// the port of a killed process before it is started again.
const (
	firstPort, lastPort = 18_000, 31_999
	blockSize           = 100
	blocks              = (lastPort - firstPort + 1) / blockSize
)

// own are the blocks of ports that this process gives out. It listens on the first port of each for as long as it
// lives, so that no other process gives out ports of the same block: a port that is given out may be listened on much
// later.
var own struct {
	sync.Mutex

	guards []net.Listener
	next   int // the port to be tried next
	end    int // behind the block
}

// FreePorts returns n ports that are free, and that no process which asks here gets too.
func FreePorts(ctx context.Context, n int) ([]int, error) {
	own.Lock()
	defer own.Unlock()
	var free []int
	for len(free) < n {
		if own.next == own.end {
			if err := takeBlock(ctx); err != nil {
				return nil, fmt.Errorf("find %d free ports: %w", n, err)
			}
		}
		port := own.next
		own.next++
		l, err := listen(ctx, port)
		if err != nil {
			continue // taken by another program
		}
		if err := l.Close(); err != nil {
			return nil, fmt.Errorf("find free ports: %w", err)
		}
		free = append(free, port)
	}
	return free, nil
}

// FreeAddress returns an address of this machine with a port of FreePorts.
func FreeAddress(ctx context.Context) (string, error) {
	ports, err := FreePorts(ctx, 1)
	if err != nil {
		return "", err
	}
	return Address(ports[0]), nil
}

// errNoBlock says that other processes have all of the blocks.
var errNoBlock = fmt.Errorf("no block of ports from %d to %d is free", firstPort, lastPort)

// takeBlock makes a block this process's that is no other's.
func takeBlock(ctx context.Context) error {
	begin := rand.IntN(blocks)
	for i := range blocks {
		first := firstPort + (begin+i)%blocks*blockSize
		guard, err := listen(ctx, first)
		if err != nil {
			continue // another process's
		}
		own.guards = append(own.guards, guard)
		own.next, own.end = first+1, first+blockSize
		return nil
	}
	return errNoBlock
}

func listen(ctx context.Context, port int) (net.Listener, error) {
	return (&net.ListenConfig{}).Listen(ctx, "tcp", Address(port))
}

// Address is a port of this machine, which no other machine reaches.
func Address(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
