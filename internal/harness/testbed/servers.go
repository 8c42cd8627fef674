package testbed

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"

	"bestow/internal/embedkafka"
	"bestow/internal/embedpg"
)

// The sub-commands with which a program starts itself as a server that can be killed alone.
const (
	servePostgres = "serve-postgres" // DIR PORT
	serveKafka    = "serve-kafka"    // DIR ADDR ADVERTISED
)

// Main is the main of a program that breaks an installation: run works its command line, unless the program was started
// as one of the installation's servers. An error is told, and the exit code is 1; asking for the flags is none.
func Main(name string, run func(ctx context.Context, args []string, out io.Writer) error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal kills
	served, err := serve(ctx, os.Args[1:])
	if !served {
		err = run(ctx, os.Args[1:], os.Stdout)
	}
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, name+":", err)
		os.Exit(1)
	}
}

// serve is a server, if the command line says so, until ctx or the server ends.
func serve(ctx context.Context, args []string) (served bool, err error) {
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	switch {
	case len(args) == 4 && args[0] == serveKafka:
		return true, beKafka(ctx, args[1], args[2], args[3], log)
	case len(args) == 3 && args[0] == servePostgres:
		return true, bePostgres(ctx, args[1], args[2], log)
	}
	return false, nil
}

func beKafka(ctx context.Context, dir, addr, advertised string, log *slog.Logger) error {
	s, err := embedkafka.Start(ctx, embedkafka.Options{Dir: dir, Addr: addr, Advertise: advertised, Log: log})
	if err != nil {
		return err
	}
	defer s.Close()
	fmt.Println(s.Brokers[0])
	<-ctx.Done()
	return nil
}

func bePostgres(ctx context.Context, dir, where string, log *slog.Logger) error {
	port, err := strconv.Atoi(where)
	if err != nil {
		return fmt.Errorf("read port: %w", err)
	}
	s, err := embedpg.Start(ctx, embedpg.Options{Dir: dir, Port: port, Log: log, Settings: map[string]string{
		"max_connections": "200", // of up to eight processes of 20, and ours
	}})
	if err != nil {
		return err
	}
	fmt.Println(s.PID, s.Version, s.URL)
	select {
	case <-s.Done():
		return errors.New("postgres ended")
	case <-ctx.Done():
		s.Kill() // its data are thrown away, or read after a recovery
		return nil
	}
}

// postmaster holds what the PostgreSQL server says when it is ready.
type postmaster struct {
	pid          int
	version, url string
}

func readPostmaster(line string) (p postmaster, err error) {
	words := strings.Fields(line)
	if len(words) != 3 {
		return p, fmt.Errorf("read what PostgreSQL's server said: %q", line)
	}
	if p.pid, err = strconv.Atoi(words[0]); err != nil {
		return p, fmt.Errorf("read what PostgreSQL's server said: %w", err)
	}
	p.version, p.url = words[1], words[2]
	return p, nil
}
