// Command bestow is the whole product in one binary: the service in all its roles, the demo, and the operator's commands.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
	_ "time/tzdata" // an image without a zone database knows Asia/Seoul too

	"bestow/domain"
	"bestow/http/api"
	"bestow/http/client"
	"bestow/internal/english"
	"bestow/internal/failpoint"

	"github.com/alecthomas/kong"
	"github.com/go-json-experiment/json"
	"golang.org/x/term"
)

// cli is all commands. Those of operators speak HTTP with BESTOW_URL and BESTOW_KEY, and those about the ledger's own with
// BESTOW_MONEY_URL and BESTOW_MONEY_TOKEN.
type cli struct {
	Demo         demoCmd         `cmd:"" help:"Show the whole product at work; it needs no other server."`
	Serve        serveCmd        `cmd:"" help:"Run the service, in all roles or in some."`
	Migrate      migrateCmd      `cmd:"" help:"Bring the database up to date."`
	Verify       verifyCmd       `cmd:"" help:"Prove that targets = published = results = ledger."`
	Event        eventCmd        `cmd:"" help:"Make, start and watch events."`
	Targets      targetsCmd      `cmd:"" help:"Import member lists."`
	Results      resultsCmd      `cmd:"" help:"Show what became of each member."`
	Queue        queueCmd        `cmd:"" help:"Show the lanes: running and waiting events in their order, with the expected starts."`
	Type         typeCmd         `cmd:"" help:"List event types, and set their units and limits."`
	Policy       policyCmd       `cmd:"" help:"Make, change and retire accrual policies of the ledger."`
	Member       memberCmd       `cmd:"" help:"Show a member's points and history; use points, and undo a use or a save."`
	Expiry       expiryCmd       `cmd:"" help:"Show how many points will expire on which day and in which month: what members still have."`
	Brake        brakeCmd        `cmd:"" help:"The emergency brake: until it is released no event starts or resumes, and no grant begins."`
	Retry        retryCmd        `cmd:"" help:"Ask again for the members that were given up, and run waiting retries now."`
	Parked       parkedCmd       `cmd:"" help:"List messages that no handler could use, and publish them again."`
	Doctor       doctorCmd       `cmd:"" help:"Find errors of the installation, and the reasons why events do not move."`
	Installation installationCmd `cmd:"" help:"Show the installation id of this database, or give a copied database a new one."`
	Ledger       ledgerCmd       `cmd:"" help:"Show the id of this database's ledger, or give a copied ledger a new one."`
	Secrets      secretsCmd      `cmd:"" help:"Change the master key, which encrypts voucher PINs and the hashes of lists."`

	OpenAPI openAPICmd `cmd:"" name:"openapi" help:"Print the description of the API, or of the ledger's."`
	Bench   benchCmd   `cmd:"" help:"Measure the speed of the service, and compare it with its bare SQL and with other designs."`
	Version versionCmd `cmd:"" help:"Print the version."`

	BenchBroker benchBrokerCmd `cmd:"" hidden:"" help:"Be the broker of a bench."`
	DemoServe   demoServeCmd   `cmd:"" hidden:"" help:"Be a process of the demo's service."`
}

// The exit codes: done, failed, wrong usage.
const (
	exitDone = iota
	exitFailed
	exitUsage
)

// terminal is what a command reads from and writes to.
type terminal struct {
	in          io.Reader
	out, err    io.Writer
	env         func(string) string
	interactive bool // err is a person's screen
	asJSON      bool // a program reads what is written
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), endings()...)
	context.AfterFunc(ctx, stop) // a second signal kills
	t := &terminal{in: os.Stdin, out: os.Stdout, err: os.Stderr, env: os.Getenv}
	t.interactive = term.IsTerminal(int(os.Stderr.Fd()))
	code := run(ctx, os.Args[1:], t)
	stop()
	os.Exit(code)
}

// endings are the signals that ask for an orderly end. A hang-up is one, unless the caller had it ignored, as nohup does.
func endings() []os.Signal {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		signals = append(signals, syscall.SIGHUP)
	}
	return signals
}

// run works one command line and returns the exit code.
func run(ctx context.Context, args []string, t *terminal) int {
	if err := failpoint.Check(); err != nil {
		return t.fail(err)
	}
	helped := false
	parser, err := newParser(t, func(int) { helped = true })
	if err != nil {
		return t.fail(err)
	}
	if len(args) == 0 { // somebody who wants to know what there is
		_, _ = parser.Parse([]string{"--help"})
		return exitUsage
	}
	command, err := parser.Parse(args)
	if helped {
		return exitDone
	}
	if err != nil {
		return t.fail(usageError{err})
	}
	command.BindTo(ctx, (*context.Context)(nil))
	t.asJSON = wantsJSON(command)
	if err := command.Run(t); err != nil {
		return t.fail(err)
	}
	return exitDone
}

// wantsJSON reports whether the command line asks for output that a program reads.
func wantsJSON(command *kong.Context) bool {
	for _, flag := range command.Flags() {
		if flag.Name == "output" && command.FlagValue(flag) == "json" {
			return true
		}
	}
	return false
}

// newParser reads command lines; exit is called after a help text.
func newParser(t *terminal, exit func(int)) (*kong.Kong, error) {
	return kong.New(&cli{}, kong.Name("bestow"), kong.Description("Grants points and vouchers to millions of members, each exactly once."),
		kong.Writers(t.out, t.err), kong.Vars{"bench_rows": benchRows()}, kong.Exit(exit), kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		plainNumbers(), anyCase())
}

// usageError is a command line that cannot be worked.
type usageError struct{ error }

// usage says what is wrong with a command line; the command ends with exit code 2.
func usage(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// fail prints what went wrong and what to do next, and returns the exit code.
func (t *terminal) fail(err error) int {
	if errors.Is(err, context.Canceled) {
		err = errors.New("interrupted")
	}
	if t.asJSON {
		t.failJSON(err)
		return exitCode(err)
	}
	zone, zoneErr := t.zone()
	if zoneErr != nil {
		zone = time.UTC // err tells of it, or is of a command that needs none
	}
	t.say("bestow: %s", inZone(err.Error(), zone))
	if e, ok := errors.AsType[*domain.Error](err); ok {
		for _, f := range e.Fields {
			t.say("  %s: %s", strings.TrimPrefix(f.Name, "query."), f.Message)
		}
		t.sayRejected(err)
		if e.Hint != "" {
			t.say("  %s", e.Hint)
		}
	}
	if exitCode(err) == exitUsage {
		t.say("  `bestow --help` lists the commands, `bestow COMMAND --help` what one takes")
	}
	return exitCode(err)
}

func exitCode(err error) int {
	if _, ok := errors.AsType[usageError](err); ok {
		return exitUsage
	}
	return exitFailed
}

// failure is an error with -o json, on standard error: its names are those of the API's problems.
type failure struct {
	Detail       string            `json:"detail"`
	Code         string            `json:"code,omitempty"`
	Hint         string            `json:"hint,omitempty"`
	Errors       []api.FieldError  `json:"errors,omitempty"`
	Rejected     int               `json:"rejected,omitzero"`
	RejectedRows []api.RejectedRow `json:"rejected_rows,omitempty"`
}

func (t *terminal) failJSON(err error) {
	f := failure{Detail: err.Error()}
	if e, ok := errors.AsType[*domain.Error](err); ok {
		f.Code, f.Hint = e.Code, e.Hint
		for _, field := range e.Fields {
			f.Errors = append(f.Errors, api.FieldError{Location: field.Name, Message: field.Message})
		}
	}
	if r, ok := errors.AsType[*client.RejectedError](err); ok {
		f.Rejected, f.RejectedRows = r.Rejected, r.Rows
	}
	_ = json.MarshalWrite(t.err, f) // the exit code tells it too
	t.say("")
}

// maxPrinted is the most rejected rows that a person is shown.
const maxPrinted = 10

func (t *terminal) sayRejected(err error) {
	r, ok := errors.AsType[*client.RejectedError](err)
	if !ok {
		return
	}
	for _, row := range r.Rows[:min(maxPrinted, len(r.Rows))] {
		t.say("  line %d: %s: %s", row.Line, row.ErrorCode, row.Reason)
	}
	if more := r.Rejected - maxPrinted; more > 0 {
		t.say("  and %s more", english.Number(more))
	}
}

// say prints a line for people, beside the output.
func (t *terminal) say(format string, args ...any) {
	_, _ = fmt.Fprintf(t.err, strings.TrimSuffix(format, "\n")+"\n", args...) // nobody is left to tell
}

// client returns the API of BESTOW_URL, opened by BESTOW_KEY.
func (t *terminal) client() (*client.Client, error) {
	key := t.env("BESTOW_KEY")
	if key == "" {
		return nil, &domain.Error{Code: domain.Invalid, Message: "BESTOW_KEY is not set",
			Hint: "set it to an API key: at the first set-up that is what the service has in BESTOW_ADMIN_KEY"}
	}
	url := t.env("BESTOW_URL")
	if url == "" {
		url = "http://127.0.0.1:8080"
	}
	return client.New(url, key)
}
