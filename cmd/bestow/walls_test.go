package main

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"log/slog"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"bestow/cmd/bestow/daemon"
	"bestow/cmd/bestow/upkeep"
	"bestow/internal/certtest"
	"bestow/internal/kafkatest"
	"bestow/internal/proc"
	"bestow/outbox"
	"bestow/outbox/secure"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const kafkaPassword = "correct-horse-battery"

// allowed are rights of a user on topics, groups or the cluster whose names begin with name.
func allowed(on kmsg.ACLResourceType, name string, operations ...kmsg.ACLOperation) (all []kfake.ACL) {
	pattern := kmsg.ACLResourcePatternTypePrefixed
	if on == kmsg.ACLResourceTypeCluster {
		pattern = kmsg.ACLResourcePatternTypeLiteral
	}
	for _, op := range operations {
		all = append(all, kfake.ACL{Resource: on, Name: name, Pattern: pattern, Operation: op, Allow: true})
	}
	return all
}

// walled gives w a broker that is reached by TLS and a password alone, and the rights there that docs/operating.md
// lists. The user reader may do less.
func (w *world) walled() (a *certtest.Authority) {
	w.Helper()
	a = certtest.New(w)
	onTopics := allowed(kmsg.ACLResourceTypeTopic, w.cfg.TopicPrefix+".", kmsg.ACLOperationDescribe,
		kmsg.ACLOperationDescribeConfigs, kmsg.ACLOperationRead, kmsg.ACLOperationWrite, kmsg.ACLOperationCreate)
	onGroups := allowed(kmsg.ACLResourceTypeGroup, "bestow.", kmsg.ACLOperationRead)
	onCluster := allowed(kmsg.ACLResourceTypeCluster, "kafka-cluster", kmsg.ACLOperationIdempotentWrite)
	w.cfg.Brokers = kafkatest.Walled(w, kfake.EnableSASL(), kfake.EnableACLs(),
		kfake.TLS(&tls.Config{Certificates: []tls.Certificate{a.Server().TLS}, MinVersion: tls.VersionTLS12}),
		kfake.Superuser(secure.Plain, "admin", "admin"),
		kfake.User(secure.ScramSHA512, "bestow", kafkaPassword, slices.Concat(onTopics, onGroups, onCluster)...),
		kfake.User(secure.ScramSHA512, "reader", kafkaPassword, slices.Concat(onTopics[:2], onCluster)...))
	w.cfg.KafkaSecurity = secure.Config{
		TLS:       &tls.Config{RootCAs: a.Pool(), MinVersion: tls.VersionTLS12},
		Mechanism: secure.ScramSHA512, User: "bestow", Password: kafkaPassword,
	}
	return a
}

// page is a log in memory.
type page struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (p *page) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.Write(b)
}

func (p *page) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.String()
}

// saidOf is what a diagnosis says of one thing.
func saidOf(d upkeep.Diagnosis, check string) string {
	var all []string
	for _, f := range d.Checks {
		if f.Check == check {
			all = append(all, f.Level+": "+f.Text)
		}
	}
	return strings.Join(all, "; ")
}

// Behind TLS, a password and rights an event is granted as anywhere, with no more rights than the docs list. The
// password is in no log, at any level, and in no word of the doctor.
func TestKafkaBehindWalls(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.walled()
	var log page
	w.log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	p, _ := w.start(t.Context(), daemon.Overrides{}, daemon.AllRoles...)
	e := w.event(p, "POINT", 2_000)
	w.run(p, e)
	w.exact(p, w.completed(p, e.ID))
	d := w.examined()
	require.Equal(t, "ok: answers at "+w.cfg.Brokers[0]+" (TLS, SCRAM-SHA-512)", saidOf(d, "kafka"))
	require.Equal(t, "ok: this user may do on topics and groups what the service does", saidOf(d, "kafka rights"))
	w.cfg.KafkaSecurity.User = "reader"
	lacks := saidOf(w.examined(), "kafka rights")
	require.Contains(t, lacks, "wrong: this user lacks rights on the topic "+w.cfg.TopicPrefix+".point: allow Read, Write;")
	require.Contains(t, lacks, w.cfg.TopicPrefix+".point: allow Describe, Read;")

	w.cfg.KafkaSecurity.Password = "wrong-horse-battery"
	_, err := daemon.New(t.Context(), w.cfg, daemon.AllRoles, w.log, daemon.Overrides{})
	require.ErrorContains(t, err, "KAFKA_SASL_USER")
	said, err := json.Marshal([]upkeep.Diagnosis{d, w.examined()})
	require.NoError(t, err)
	for _, text := range []string{log.String(), string(said)} {
		require.NotContains(t, text, kafkaPassword)
		require.NotContains(t, text, "wrong-horse-battery")
	}
	require.Contains(t, log.String(), "event is completed")
}

// The doctor says at which wall it stands, and a start ends there: waiting would not help.
func TestDoctorBeforeWalls(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.walled()
	right := w.cfg.KafkaSecurity
	for says, change := range map[string]func(c *secure.Config){
		"set KAFKA_TLS=on": func(c *secure.Config) { c.TLS = nil },
		"set KAFKA_CA_FILE": func(c *secure.Config) {
			c.TLS = &tls.Config{RootCAs: certtest.New(t).Pool(), MinVersion: tls.VersionTLS12}
		},
		"KAFKA_SERVER_NAME": func(c *secure.Config) { c.TLS = c.TLS.Clone(); c.TLS.ServerName = "kafka.example.com" },
	} {
		w.cfg.KafkaSecurity = right
		change(&w.cfg.KafkaSecurity)
		said := saidOf(w.examined(), "kafka")
		require.True(t, strings.HasPrefix(said, "wrong: "), said)
		require.Contains(t, said, says)
		_, err := daemon.New(t.Context(), w.cfg, []string{daemon.RoleRelay}, w.log, daemon.Overrides{})
		require.ErrorContains(t, err, says)
		require.True(t, secure.Refused(err))
	}
}

// The brokers' certificate is replaced while a process runs, by one that it does not trust: the event waits for a person,
// and what it waits for names the setting. With the old one back it completes, and no attempt was used up.
func TestWaitsBeforeWalls(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, other := certtest.New(t), certtest.New(t)
	addr, err := proc.FreeAddress(t.Context())
	require.NoError(t, err)
	_, text, err := net.SplitHostPort(addr)
	require.NoError(t, err)
	port, err := strconv.Atoi(text)
	require.NoError(t, err)
	broker := func(p certtest.Pair) *kfake.Cluster {
		t.Helper()
		c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.Ports(port),
			kfake.TLS(&tls.Config{Certificates: []tls.Certificate{p.TLS}, MinVersion: tls.VersionTLS12}))
		require.NoError(t, err)
		return c
	}
	known := broker(a.Server())
	w.cfg.Brokers = known.ListenAddrs()
	w.cfg.KafkaSecurity = secure.Config{TLS: &tls.Config{RootCAs: a.Pool(), MinVersion: tls.VersionTLS12}}
	p, _ := w.start(t.Context(), daemon.Overrides{}, daemon.AllRoles...)
	e := w.event(p, "POINT", 2_000)
	known.Close()
	unknown := broker(other.Server())
	w.run(p, e)
	require.Contains(t, w.waitsForCode(p, e, outbox.KafkaRefuses), "set KAFKA_CA_FILE")
	unknown.Close()
	again := broker(a.Server())
	defer again.Close()
	w.exact(p, w.completed(p, e.ID))
}
