package cluster

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"bestow/internal/proc"
)

const (
	// readyLimit is the time that brokers may take to be ready, on a machine that does much else.
	readyLimit = 2 * time.Minute
	// stopLimit is the time that brokers have to write what they hold.
	stopLimit = 20 * time.Second
)

// Options say what cluster is started.
type Options struct {
	// Brokers is 1 or 3.
	Brokers int
	// Dir keeps the data and the logs, and is made if absent; "" is a temporary folder, deleted by Close. A folder is
	// good for the number of brokers that it was made with.
	Dir string
	// Walled are the security protocols, such as SASL_SSL, of further listeners of each broker, by their names, which are
	// words in capitals. Cluster.At has their addresses.
	Walled map[string]string
	// Settings are further settings of each broker.
	Settings map[string]string
	// Scram are the passwords, by user, that the brokers know by SCRAM-SHA-256 and SCRAM-SHA-512 from their first start
	// on.
	Scram map[string]string
	// Log hears of the fetch; nil is silent.
	Log *slog.Logger
}

// Cluster is a running Apache Kafka; end it with Close.
type Cluster struct {
	dir       string
	temporary bool

	mu    sync.Mutex // of each node's now
	nodes []*node
}

// Start starts the brokers and returns when topics can be made that have a replica on each. It returns [ErrMissing]
// where java is missing, or mvn when the jars are not in the cache yet.
func Start(ctx context.Context, o Options) (*Cluster, error) {
	c, err := start(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("start Apache Kafka: %w", err)
	}
	return c, nil
}

func start(ctx context.Context, o Options) (*Cluster, error) {
	if o.Brokers != 1 && o.Brokers != 3 {
		return nil, fmt.Errorf("%d brokers: it must be 1 or 3", o.Brokers)
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	m := thisMachine()
	java, err := m.java()
	if err != nil {
		return nil, err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return nil, fmt.Errorf("find cache folder: %w", err)
	}
	libs, err := m.jars(ctx, filepath.Join(cache, "bestow"), o.Log)
	if err != nil {
		return nil, err
	}
	c := &Cluster{}
	if err := c.open(o.Dir); err != nil {
		return nil, err
	}
	if err := c.run(ctx, java, libs, o); err != nil {
		if !c.temporary {
			return nil, errors.Join(err, c.Close())
		}
		c.Kill()
		return nil, fmt.Errorf("%w: the logs are in %s", err, c.dir)
	}
	return c, nil
}

// open makes the folder.
func (c *Cluster) open(dir string) (err error) {
	if dir == "" {
		c.temporary = true
		if c.dir, err = os.MkdirTemp("", "bestow-kafka-"); err != nil {
			return fmt.Errorf("make folder: %w", err)
		}
		return nil
	}
	if c.dir, err = filepath.Abs(dir); err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	if err := os.MkdirAll(c.dir, 0o750); err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	return nil
}

// run starts the nodes on free ports, all at once, since none is ready without the others.
func (c *Cluster) run(ctx context.Context, java, libs string, o Options) error {
	n, walls := o.Brokers, slices.Sorted(maps.Keys(o.Walled))
	id, err := clusterID(filepath.Join(c.dir, "cluster"), n)
	if err != nil {
		return err
	}
	ports, err := proc.FreePorts(ctx, (2+len(walls))*n)
	if err != nil {
		return err
	}
	for i := range n {
		own := &node{
			id: i + 1, address: proc.Address(ports[2*i]), controller: proc.Address(ports[2*i+1]),
			dir: filepath.Join(c.dir, "kafka-"+strconv.Itoa(i+1)), options: o, walled: map[string]string{},
		}
		for j, name := range walls {
			own.walled[name] = proc.Address(ports[2*n+i*len(walls)+j])
		}
		c.nodes = append(c.nodes, own)
	}
	for _, n := range c.nodes {
		if err := n.prepare(ctx, java, libs, id, c.nodes); err != nil {
			return err
		}
	}
	for _, n := range c.nodes {
		if err := c.startNode(ctx, n); err != nil {
			return err
		}
	}
	return c.await(ctx, c.ready)
}

// clusterID is the id that a folder was made with, or a new one. It must be the same on every node.
func clusterID(file string, nodes int) (string, error) {
	said, err := os.ReadFile(file) //nolint:gosec // the folder of the caller's choice
	if errors.Is(err, fs.ErrNotExist) {
		var id [16]byte
		_, _ = rand.Read(id[:]) // it does not fail
		id[0] &= 0x7f           // no id begins with a dash, which the tool would take for an option
		text := base64.RawURLEncoding.EncodeToString(id[:])
		return text, os.WriteFile(file, fmt.Appendf(nil, "%s %d\n", text, nodes), 0o600)
	}
	if err != nil {
		return "", fmt.Errorf("read cluster's id: %w", err)
	}
	words := strings.Fields(string(said))
	if len(words) != 2 || words[1] != strconv.Itoa(nodes) {
		return "", fmt.Errorf("read cluster's id: %s says %q: the folder is another cluster's, "+
			"choose another or delete it", file, said)
	}
	return words[0], nil
}

func (c *Cluster) startNode(ctx context.Context, n *node) error {
	now, err := n.program.Start(ctx)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	n.now = now
	return nil
}

// Brokers are the addresses of all brokers, dead ones too.
func (c *Cluster) Brokers() []string {
	var list []string
	for _, n := range c.nodes {
		list = append(list, n.address)
	}
	return list
}

// At are the addresses of a listener of Options.Walled.
func (c *Cluster) At(listener string) []string {
	var list []string
	for _, n := range c.nodes {
		list = append(list, n.walled[listener])
	}
	return list
}

// KillBroker kills broker i, counted from 1, with SIGKILL, and waits for its end.
func (c *Cluster) KillBroker(i int) error {
	n, err := c.node(i)
	if err != nil {
		return fmt.Errorf("kill broker: %w", err)
	}
	c.child(n).Kill()
	return nil
}

// StartBroker starts a killed broker i, counted from 1, with the data it had, and waits until it answers and knows all
// brokers that run. The others wait for its session to end before they let it in again.
func (c *Cluster) StartBroker(ctx context.Context, i int) error {
	n, err := c.node(i)
	if err == nil {
		err = c.startNode(ctx, n)
	}
	if err == nil {
		err = c.await(ctx, func() error { return c.joined(n) })
	}
	if err != nil {
		return fmt.Errorf("start broker: %w", err)
	}
	return nil
}

func (c *Cluster) node(i int) (*node, error) {
	if i < 1 || i > len(c.nodes) {
		return nil, fmt.Errorf("there is no broker %d of %d", i, len(c.nodes))
	}
	return c.nodes[i-1], nil
}

func (c *Cluster) child(n *node) *proc.Child {
	c.mu.Lock()
	defer c.mu.Unlock()
	return n.now
}

// Ended returns an error if a broker has ended without being killed.
func (c *Cluster) Ended() error {
	var errs []error
	for _, n := range c.nodes {
		if now := c.child(n); now != nil {
			errs = append(errs, now.Ended())
		}
	}
	return errors.Join(errs...)
}

// await looks until what it is told is so, a broker ends, or it has taken too long.
func (c *Cluster) await(ctx context.Context, look func() error) error {
	ctx, cancel := context.WithTimeout(ctx, readyLimit)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		err := look()
		if err == nil {
			return nil
		}
		if ended := c.Ended(); ended != nil {
			return ended
		}
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-tick.C:
		}
	}
}

// Close ends all brokers. With a folder of the caller's they are asked to, so that the next start is quick; all at
// once, since the last one would wait five minutes for the others.
func (c *Cluster) Close() error {
	if c.temporary {
		c.Kill()
		if err := os.RemoveAll(c.dir); err != nil {
			return fmt.Errorf("delete folder: %w", err)
		}
		return nil
	}
	for _, n := range c.nodes {
		if now := c.child(n); now != nil {
			now.Term()
		}
	}
	late := time.After(stopLimit)
	for _, n := range c.nodes {
		now := c.child(n)
		if now == nil {
			continue
		}
		select {
		case <-now.Done():
		case <-late:
			c.Kill()
			return nil
		}
	}
	return nil
}

// Kill ends all brokers with SIGKILL, and leaves the folder as it is.
func (c *Cluster) Kill() {
	for _, n := range c.nodes {
		if now := c.child(n); now != nil {
			now.Kill()
		}
	}
}
