// Command realkafka runs the real Apache Kafka without Docker, for tests:
//
//	go run ./internal/harness/realkafka -brokers 3
//
// prints the brokers' addresses as a comma list when they are ready, and stays until Ctrl-C or TERM. With a command it
// runs that instead, with the list in BESTOW_TEST_KAFKA_BROKERS, which tests read, and in KAFKA_BROKERS, and ends as
// the command does:
//
//	go run ./internal/harness/realkafka -brokers 1 -- go test ./outbox
//	go run ./internal/harness/realkafka -brokers 1 -- go run ./cmd/bestow bench
//
// What it must never do: serve another machine, or leave a broker behind; see package cluster.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"bestow/internal/harness/realkafka/cluster"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal kills
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	var ended *exec.ExitError
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
	case errors.As(err, &ended):
		os.Exit(max(ended.ExitCode(), 1)) // it has said why
	default:
		fmt.Fprintln(os.Stderr, "realkafka:", err)
		os.Exit(1)
	}
}

// run works one command line.
func run(ctx context.Context, args []string, out io.Writer) (err error) {
	o := cluster.Options{Log: slog.New(slog.NewTextHandler(os.Stderr, nil))}
	flags := flag.NewFlagSet("realkafka", flag.ContinueOnError)
	flags.IntVar(&o.Brokers, "brokers", 1, "how many: 1, or 3 with replication 3")
	flags.StringVar(&o.Dir, "dir", "", "folder of data and logs (default: one that is deleted at the end)")
	if err := flags.Parse(args); err != nil {
		return err
	}
	c, err := cluster.Start(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	list := strings.Join(c.Brokers(), ",")
	if flags.NArg() > 0 {
		return command(ctx, flags.Args(), list)
	}
	fmt.Fprintln(out, list)
	return stay(ctx, c)
}

// stay waits for the end of ctx; a broker that ends by itself ends us.
func stay(ctx context.Context, c *cluster.Cluster) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if err := c.Ended(); err != nil {
				return err
			}
		}
	}
}

// command runs a command beside the brokers. When we are asked to end, so is it.
func command(ctx context.Context, args []string, brokers string) error {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...) //nolint:gosec // what the caller wants
	cmd.Env = append(os.Environ(), "BESTOW_TEST_KAFKA_BROKERS="+brokers, "KAFKA_BROKERS="+brokers)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	return cmd.Run()
}
