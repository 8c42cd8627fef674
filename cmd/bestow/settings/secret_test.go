package settings

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/caarlos0/env/v11"
	"github.com/stretchr/testify/require"
)

// B5: a file with a secret is read to its end or to 4 KiB, whatever it is, and its name is not repeated.
func TestReadSecret(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, "s3cret-"+name)
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		return path
	}
	pipe := func(name string) string {
		path := filepath.Join(dir, "s3cret-"+name)
		require.NoError(t, syscall.Mkfifo(path, 0o600))
		return path
	}
	silent := pipe("silent")
	writer, err := os.OpenFile(silent, os.O_RDWR, 0)
	require.NoError(t, err)
	defer func() { require.NoError(t, writer.Close()) }()
	for path, says := range map[string]string{
		file("long", strings.Repeat("k", maxSecret+1)): "more than 4096 bytes",
		"/dev/zero":                          "more than 4096 bytes",
		silent:                               "no end: nothing came for 50ms",
		dir + "/s3cret-none":                 "open the file: no such file or directory",
		dir + "/" + strings.Repeat("s", 300): "open the file: file name too long",
		dir:                                  "read the file: is a directory",
	} {
		_, err := ReadSecret(path, 50*time.Millisecond)
		require.ErrorContains(t, err, says)
		require.NotContains(t, err.Error(), dir)
	}
	for path, want := range map[string]string{
		file("key", "key\n"):                         "key\n",
		file("most", strings.Repeat("k", maxSecret)): strings.Repeat("k", maxSecret),
		"/dev/null": "", pipe("without a writer"): "",
	} {
		body, err := ReadSecret(path, time.Minute)
		require.NoError(t, err)
		require.Equal(t, want, string(body))
	}
	read, write, err := os.Pipe()
	require.NoError(t, err)
	defer func() { require.NoError(t, read.Close()) }()
	go func() {
		_, _ = write.WriteString("key\n")
		_ = write.Close()
	}()
	body, err := ReadSecret(fmt.Sprintf("/dev/fd/%d", read.Fd()), time.Minute)
	require.NoError(t, err)
	require.Equal(t, "key\n", string(body), "as the shell's <(…) gives it")
}

// B5: a number that means nothing stops the start, and the setting is named.
func TestAbsurdSettings(t *testing.T) {
	t.Parallel()
	for name, values := range map[string][]string{
		"BESTOW_SHUTDOWN_TIMEOUT":  {"-1s", "0s", "1h1s", "8760h"},
		"BESTOW_TOPIC_REPLICATION": {"-1", "101", "32768"},
		"BESTOW_TOPIC_PARTITIONS":  {"-1", "0", "1001", "100000000"},
		"BESTOW_TOPIC_PREFIX":      {"a/b", "a b", "쿠폰", "a\n", strings.Repeat("a", 101)},
		"BESTOW_RETRY_LIMIT":       {"-1", "1001", "2147483647"},
		"BESTOW_RETRY_BACKOFF":     {"-1m", "0s", "1h1s"},
		"BESTOW_DB_MAX_CONNS":      {"-1", "5", "10001", "2147483647"},
		"BESTOW_RELAY_CHUNKS":      {"0", "101"},
		"BESTOW_MESSAGE_TARGETS":   {"0", "5001"},
	} {
		for _, value := range values {
			err := settingsWith(t, name, value).validate()
			require.ErrorContains(t, err, name, "%q", value)
			require.Equal(t, 1, strings.Count(err.Error(), "BESTOW_"), "%v", err)
		}
	}
	for name, values := range map[string][]string{
		"BESTOW_SHUTDOWN_TIMEOUT": {"1ms", "1h"}, "BESTOW_TOPIC_REPLICATION": {"0", "3"}, "BESTOW_TOPIC_PARTITIONS": {"1", "1000"},
		"BESTOW_TOPIC_PREFIX": {"grants", "Team-1_a.grants", strings.Repeat("a", 100)}, "BESTOW_RETRY_LIMIT": {"0", "1000"}, "BESTOW_RETRY_BACKOFF": {"1ms", "1h"},
	} {
		for _, value := range values {
			require.NoError(t, settingsWith(t, name, value).validate(), "%s=%s", name, value)
		}
	}
}

// settingsWith are the default settings but for one.
func settingsWith(t *testing.T, name, value string) Config {
	t.Helper()
	c, err := env.ParseAsWithOptions[Config](env.Options{Environment: map[string]string{name: value}})
	require.NoError(t, err)
	return c
}
