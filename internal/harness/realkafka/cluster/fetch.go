package cluster

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"bestow/internal/embedpg/flock"
)

// Version is the Apache Kafka that is run; pom.xml names it too.
const Version = "4.3.1"

// ErrMissing is returned by Start where a program is missing that cannot be fetched: java or mvn.
var ErrMissing = errors.New("a program is missing")

//go:embed pom.xml
var pom []byte

// copyJars is the goal that puts all of the pom's jars into one folder.
const copyJars = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"

// fetchLimit is the time that the fetch may take: 44 MB.
const fetchLimit = 5 * time.Minute

// machine says where programs are looked for.
type machine struct {
	javaHome string
	look     func(name string) (string, error)
}

func thisMachine() machine { return machine{os.Getenv("JAVA_HOME"), exec.LookPath} }

// java is the java of JAVA_HOME, else of the path.
func (m machine) java() (string, error) {
	if m.javaHome != "" {
		java := filepath.Join(m.javaHome, "bin", "java")
		if _, err := os.Stat(java); err == nil {
			return java, nil
		}
	}
	java, err := m.look("java")
	if err != nil {
		return "", fmt.Errorf("find java: %w: Apache Kafka %s needs Java 17 or later, in JAVA_HOME or the PATH",
			ErrMissing, Version)
	}
	return java, nil
}

// jars is the folder with Kafka's jars below cache, fetched if they are not there. A fetch that was cut off leaves
// nothing that a later one trips over.
func (m machine) jars(ctx context.Context, cache string, log *slog.Logger) (string, error) {
	sum := sha256.Sum256(pom)
	place := filepath.Join(cache, "kafka-"+Version+"-"+hex.EncodeToString(sum[:4]))
	if complete(place) {
		return place, nil
	}
	if err := os.MkdirAll(cache, 0o750); err != nil {
		return "", fmt.Errorf("make cache folder: %w", err)
	}
	lock, err := flock.Take(ctx, filepath.Join(cache, "kafka.lock"), fetchLimit)
	if err != nil {
		return "", fmt.Errorf("lock cache folder %s: %w", cache, err)
	}
	defer func() { _ = lock.Close() }() // the file holds nothing
	if complete(place) {
		return place, nil // another process has fetched them while we waited
	}
	log.InfoContext(ctx, "fetching Apache Kafka, once", "version", Version, "folder", place)
	if err := m.fetch(ctx, cache, place); err != nil {
		return "", fmt.Errorf("fetch Apache Kafka %s: %w", Version, err)
	}
	return place, nil
}

// complete reports whether the jars are there: a folder is renamed into its place only when it is whole.
func complete(place string) bool {
	_, err := os.Stat(filepath.Join(place, "kafka_2.13-"+Version+".jar"))
	return err == nil
}

func (m machine) fetch(ctx context.Context, cache, place string) error {
	mvn, err := m.look("mvn")
	if err != nil {
		return fmt.Errorf("find mvn: %w: install Maven, which is needed once", ErrMissing)
	}
	dir, err := os.MkdirTemp(cache, "fetch-kafka-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }() // what is left of it disturbs nothing
	project, libs := filepath.Join(dir, "pom.xml"), filepath.Join(dir, "libs")
	if err := os.WriteFile(project, pom, 0o600); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, fetchLimit)
	defer cancel()
	//nolint:gosec // the machine's own mvn
	cmd := exec.CommandContext(ctx, mvn, "-q", "-B", "--strict-checksums", "-f", project, copyJars,
		"-DincludeScope=runtime", "-DoutputDirectory="+libs)
	cmd.Dir = dir
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("run mvn: %w: %s", errors.Join(err, ctx.Err()), strings.TrimSpace(string(said)))
	}
	if !complete(libs) {
		return fmt.Errorf("run mvn: it ended well, without kafka_2.13-%s.jar in %s", Version, libs)
	}
	if err := os.RemoveAll(place); err != nil {
		return err
	}
	return os.Rename(libs, place)
}
