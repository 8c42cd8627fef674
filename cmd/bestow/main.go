// Command bestow is the whole product in one binary: the service in all its roles, the demo, and the operator's
// commands.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata"

	"bestow/cmd/bestow/campaign"
	"bestow/cmd/bestow/completion"
	"bestow/cmd/bestow/demo"
	"bestow/cmd/bestow/points"
	"bestow/cmd/bestow/terminal"
	"bestow/cmd/bestow/upkeep"
	"bestow/internal/failpoint"

	"github.com/alecthomas/kong"
	"golang.org/x/term"
)

// cli is all commands. Those of operators speak HTTP with BESTOW_URL and BESTOW_KEY, and those about the ledger's own
// with BESTOW_MONEY_URL and BESTOW_MONEY_TOKEN.
type cli struct {
	Demo         demo.Cmd               `cmd:"" help:"Show the whole product at work; it needs no other server."`
	Serve        serveCmd               `cmd:"" help:"Run the service, in all roles or in some."`
	Migrate      upkeep.MigrateCmd      `cmd:"" help:"Bring the database up to date."`
	Verify       upkeep.VerifyCmd       `cmd:"" help:"Prove that targets = published = results = ledger."`
	Event        campaign.EventCmd      `cmd:"" help:"Make, start and watch events."`
	Targets      campaign.TargetsCmd    `cmd:"" help:"Import member lists."`
	Results      campaign.ResultsCmd    `cmd:"" help:"Show what became of each member."`
	Queue        campaign.QueueCmd      `cmd:"" help:"Show the lanes: running and waiting events in their order, with the expected starts."`
	Type         campaign.TypeCmd       `cmd:"" help:"List event types, and set their units and limits."`
	Policy       points.PolicyCmd       `cmd:"" help:"Make, change and retire accrual policies of the ledger."`
	Member       points.MemberCmd       `cmd:"" help:"Show a member's points and history; use points, and undo a use or a save."`
	Expiry       points.ExpiryCmd       `cmd:"" help:"Show how many points will expire on which day and in which month: what members still have."`
	Brake        campaign.BrakeCmd      `cmd:"" help:"The emergency brake: until it is released no event starts or resumes, and no grant begins."`
	Retry        campaign.RetryCmd      `cmd:"" help:"Ask again for the members that were given up, and run waiting retries now."`
	Parked       campaign.ParkedCmd     `cmd:"" help:"List messages that no handler could use, and publish them again."`
	Audit        campaign.AuditCmd      `cmd:"" help:"List what people and keys have changed: who, what, when and why."`
	Key          upkeep.KeyCmd          `cmd:"" help:"Make, list and revoke API keys."`
	Admin        upkeep.AdminCmd        `cmd:"" help:"Invite people to sign in."`
	Doctor       upkeep.DoctorCmd       `cmd:"" help:"Find errors of the installation, and the reasons why events do not move."`
	Installation upkeep.InstallationCmd `cmd:"" help:"Show the installation id of this database, or give a copied database a new one."`
	Ledger       upkeep.LedgerCmd       `cmd:"" help:"Show the id of this database's ledger, or give a copied ledger a new one."`
	Secrets      upkeep.SecretsCmd      `cmd:"" help:"Change the master key, which encrypts voucher PINs and the hashes of lists."`

	OpenAPI openAPICmd `cmd:"" name:"openapi" help:"Print the description of the API, or of the ledger's."`
	Bench   benchCmd   `cmd:"" help:"Measure the speed of the service, and compare it with its bare SQL and with other designs."`
	Version versionCmd `cmd:"" help:"Print the version."`

	Completion completion.Cmd `cmd:"" help:"Print a script that completes command lines in bash, zsh or fish."`

	BenchBroker benchBrokerCmd `cmd:"" hidden:"" help:"Be the broker of a bench."`
	DemoServe   demo.ServeCmd  `cmd:"" hidden:"" help:"Be a process of the demo's service."`

	Offer completion.OfferCmd `cmd:"" name:"__complete" hidden:"" help:"List the words that can stand at the end of a command line."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), endings()...)
	context.AfterFunc(ctx, stop) // a second signal kills
	t := &terminal.Terminal{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Env: os.Getenv}
	t.Screen = terminal.OpenScreen(os.Stdout, os.Getenv)
	t.Interactive = term.IsTerminal(int(os.Stderr.Fd()))
	code := run(ctx, os.Args[1:], t)
	stop()
	os.Exit(code)
}

// endings are the signals that ask for an orderly end. A hang-up is one, unless the caller had it ignored, as nohup
// does.
func endings() []os.Signal {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		signals = append(signals, syscall.SIGHUP)
	}
	return signals
}

// run works one command line and returns the exit code.
func run(ctx context.Context, args []string, t *terminal.Terminal) int {
	if err := failpoint.Check(); err != nil {
		return t.Fail(err)
	}
	helped := false
	parser, err := newParser(t, func(int) { helped = true })
	if err != nil {
		return t.Fail(err)
	}
	if len(args) == 0 { // without arguments, show the commands
		_, _ = parser.Parse([]string{"--help"})
		return terminal.ExitUsage
	}
	command, err := parser.Parse(args)
	if helped {
		return terminal.ExitDone
	}
	if err != nil {
		return t.Fail(terminal.Usage("%w", err))
	}
	command.BindTo(ctx, (*context.Context)(nil))
	t.AsJSON = wantsJSON(command)
	if err := command.Run(t); err != nil {
		return t.Fail(err)
	}
	return terminal.ExitDone
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
func newParser(t *terminal.Terminal, exit func(int)) (*kong.Kong, error) {
	return kong.New(&cli{}, kong.Name("bestow"),
		kong.Description("Grants points and vouchers to millions of members, each exactly once.\n\n"+
			"Commands ask the service at BESTOW_URL (default http://127.0.0.1:8080) with the API key BESTOW_KEY. "+
			"Those about points of a member ask the ledger at BESTOW_MONEY_URL with BESTOW_MONEY_TOKEN. "+
			"migrate, key, admin, ledger, secrets and installation use the database DATABASE_URL; "+
			"verify and doctor do so if it is set."),
		kong.Writers(t.Out, t.Err), kong.Vars{"bench_rows": benchRows()}, kong.Exit(exit),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		terminal.PlainNumbers(), terminal.AnyCase())
}
