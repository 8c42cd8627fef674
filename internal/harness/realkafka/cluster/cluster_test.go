package cluster

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bestow/internal/exectest"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/rcrowley/go-metrics.(*meterArbiter).tick"))
}

// With three nodes a message is acknowledged when two have it, on each node that may be the controller.
func TestSettings(t *testing.T) {
	t.Parallel()
	nodes := []*node{
		{id: 1, address: "a:1", controller: "c:1"},
		{id: 2, address: "a:2", controller: "c:2"},
		{id: 3, address: "a:3", controller: "c:3"},
	}
	for _, n := range nodes {
		s := n.settings(nodes)
		for _, line := range []string{
			"min.insync.replicas=2", "default.replication.factor=3", "offsets.topic.replication.factor=3",
			"controller.quorum.voters=1@c:1,2@c:2,3@c:3", "auto.create.topics.enable=false",
		} {
			require.Contains(t, s, line+"\n")
		}
	}
	alone := nodes[0].settings(nodes[:1])
	for _, line := range []string{
		"min.insync.replicas=1", "default.replication.factor=1",
		"listeners=PLAINTEXT://a:1,CONTROLLER://c:1",
	} {
		require.Contains(t, alone, line+"\n")
	}
}

// A folder keeps its cluster's id, and is refused to a cluster of another size.
func TestClusterID(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "cluster")
	id, err := clusterID(file, 3)
	require.NoError(t, err)
	require.Regexp(t, `^[A-Za-z0-9_][A-Za-z0-9_-]{21}$`, id)
	again, err := clusterID(file, 3)
	require.NoError(t, err)
	require.Equal(t, id, again)
	_, err = clusterID(file, 1)
	require.ErrorContains(t, err, "choose another or delete it")
}

// Who has no Java is told what is needed, and so is who asks for two brokers.
func TestMissing(t *testing.T) {
	t.Parallel()
	nothing := machine{javaHome: t.TempDir(), look: func(string) (string, error) { return "", errors.New("not found") }}
	_, err := nothing.java()
	require.ErrorIs(t, err, ErrMissing)
	require.ErrorContains(t, err, "Java 17")
	_, err = nothing.jars(t.Context(), t.TempDir(), slog.New(slog.DiscardHandler))
	require.ErrorIs(t, err, ErrMissing)
	require.ErrorContains(t, err, "install Maven")
	_, err = Start(t.Context(), Options{Brokers: 2})
	require.ErrorContains(t, err, "it must be 1 or 3")
}

// The java of JAVA_HOME goes before that of the path.
func TestJavaHome(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	m := machine{javaHome: home, look: func(name string) (string, error) { return "/path/" + name, nil }}
	java, err := m.java()
	require.NoError(t, err)
	require.Equal(t, "/path/java", java)
	want := filepath.Join(home, "bin", "java")
	require.NoError(t, os.MkdirAll(filepath.Dir(want), 0o750))
	require.NoError(t, os.WriteFile(want, nil, 0o600))
	java, err = m.java()
	require.NoError(t, err)
	require.Equal(t, want, java)
}

// mvn is a machine whose mvn is a script; its last argument is -DoutputDirectory=….
func mvn(t *testing.T, script string) machine {
	t.Helper()
	file := filepath.Join(t.TempDir(), "mvn")
	body := "#!/bin/sh\nfor a; do dir=${a#-DoutputDirectory=}; done\n" + script
	exectest.Script(t, file, body)
	return machine{look: func(string) (string, error) { return file, nil }}
}

// A fetch that breaks off, or brings something else, leaves nothing; the next one fetches, and the one after need not.
func TestFetch(t *testing.T) {
	t.Parallel()
	cache, log := t.TempDir(), slog.New(slog.DiscardHandler)
	jar := "kafka_2.13-" + Version + ".jar"
	for want, script := range map[string]string{
		"no network":     `mkdir $dir; echo half > $dir/` + jar + `; echo no network; exit 1`,
		"without kafka_": `mkdir $dir; echo other > $dir/other.jar`,
	} {
		_, err := mvn(t, script).jars(t.Context(), cache, log)
		require.ErrorContains(t, err, want)
		left, err := filepath.Glob(filepath.Join(cache, "*kafka-*"))
		require.NoError(t, err)
		require.Empty(t, left)
	}
	place, err := mvn(t, `mkdir $dir; echo whole > $dir/`+jar).jars(t.Context(), cache, log)
	require.NoError(t, err)
	require.FileExists(t, filepath.Join(place, jar))
	again, err := mvn(t, `exit 1`).jars(t.Context(), cache, log)
	require.NoError(t, err)
	require.Equal(t, place, again)
}

// The version that is named is the one that is fetched.
func TestVersion(t *testing.T) {
	t.Parallel()
	require.Equal(t, 1, strings.Count(string(pom), "<version>"+Version+"</version>"))
}
