package cluster

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"bestow/internal/proc"
)

// node is one broker, which is a controller too.
type node struct {
	id         int // from 1
	address    string
	controller string // the address of its other role
	dir        string
	options    Options
	walled     map[string]string // its addresses by the names of Options.Walled
	program    proc.Program
	now        *proc.Child // nil before its first start
}

func (n *node) file(name string) string { return filepath.Join(n.dir, name) }

// settings are the node's server.properties. With three nodes each message is on all of them, and acknowledged when two
// have it.
func (n *node) settings(all []*node) string {
	var voters []string
	for _, other := range all {
		voters = append(voters, fmt.Sprintf("%d@%s", other.id, other.controller))
	}
	replicas := strconv.Itoa(len(all))
	inSync := strconv.Itoa(len(all)/2 + 1) // the controller's counts, so each node has it
	listeners, protocols := "PLAINTEXT://"+n.address, "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT"
	for _, name := range slices.Sorted(maps.Keys(n.walled)) {
		listeners += "," + name + "://" + n.walled[name]
		protocols += "," + name + ":" + n.options.Walled[name]
	}
	var b strings.Builder
	for _, line := range [][2]string{
		{"process.roles", "broker,controller"},
		{"node.id", strconv.Itoa(n.id)},
		{"listeners", listeners + ",CONTROLLER://" + n.controller},
		{"advertised.listeners", listeners},
		{"listener.security.protocol.map", protocols},
		{"controller.listener.names", "CONTROLLER"},
		{"controller.quorum.voters", strings.Join(voters, ",")},
		{"log.dirs", n.file("data")},
		{"default.replication.factor", replicas},
		{"min.insync.replicas", inSync},
		{"offsets.topic.replication.factor", replicas},
		{"offsets.topic.num.partitions", "8"},
		{"transaction.state.log.replication.factor", replicas},
		{"transaction.state.log.min.isr", inSync},
		{"share.coordinator.state.topic.replication.factor", replicas},
		{"share.coordinator.state.topic.min.isr", inSync},
		{"auto.create.topics.enable", "false"},
		{"group.initial.rebalance.delay.ms", "0"},
		{"log.cleaner.dedupe.buffer.size", "2097152"}, // its default is as large as our heap
		{"broker.session.timeout.ms", "3000"},         // a killed broker must be missed before it may come back
		{"broker.heartbeat.interval.ms", "500"},
	} {
		b.WriteString(line[0] + "=" + line[1] + "\n")
	}
	for _, name := range slices.Sorted(maps.Keys(n.options.Settings)) {
		b.WriteString(name + "=" + n.options.Settings[name] + "\n")
	}
	return b.String()
}

// prepare writes the settings and, the first time, the folder of the node's data.
func (n *node) prepare(ctx context.Context, java, libs, clusterID string, all []*node) error {
	if err := os.MkdirAll(n.dir, 0o750); err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	settings := n.file("server.properties")
	if err := os.WriteFile(settings, []byte(n.settings(all)), 0o600); err != nil {
		return fmt.Errorf("write settings: %w", err)
	}
	classes := filepath.Join(libs, "*")
	n.program = proc.Program{
		Name: "kafka-" + strconv.Itoa(n.id), Env: os.Environ(), Log: n.dir + ".log",
		Args: []string{
			java, "-Xms32m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
			"-Dorg.apache.logging.log4j.level=INFO", "-cp", classes, "kafka.Kafka", settings,
		},
	}
	if _, err := os.Stat(n.file("data/meta.properties")); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	args := []string{"-Xmx64m", "-cp", classes, "kafka.tools.StorageTool", "format", "-t", clusterID, "-c", settings}
	for _, user := range slices.Sorted(maps.Keys(n.options.Scram)) {
		for _, mechanism := range []string{"SCRAM-SHA-256", "SCRAM-SHA-512"} {
			args = append(args, "--add-scram",
				fmt.Sprintf("%s=[name=%s,password=%s]", mechanism, user, n.options.Scram[user]))
		}
	}
	cmd := exec.CommandContext(ctx, java, args...) //nolint:gosec // the machine's own java
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("format folder of broker %d: %w: %s", n.id, err, strings.TrimSpace(string(said)))
	}
	return nil
}
