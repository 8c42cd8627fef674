package campaign

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"bestow/app/sheet"
	"bestow/cmd/bestow/terminal"
	"bestow/domain"
	"bestow/http/api"
	"bestow/http/client"
	"bestow/internal/english"

	"golang.org/x/text/unicode/norm"
)

// TargetsCmd is `bestow targets`.
type TargetsCmd struct {
	Import   targetsImportCmd   `cmd:"" help:"Upload a member list."`
	List     targetsListCmd     `cmd:"" help:"List the imports of an event, newest first."`
	Show     targetsShowCmd     `cmd:"" help:"Show what an import found in its list: the amounts, and the rejected rows by code."`
	Export   targetsExportCmd   `cmd:"" help:"Write the whole list to the output, as CSV or NDJSON."`
	Rejected targetsRejectedCmd `cmd:"" help:"Print the rejected rows, as CSV."`
	TakeBack targetsTakeBackCmd `cmd:"" help:"Remove an import from an event that has not started."`
	End      targetsEndCmd      `cmd:"" help:"End an upload that is in progress. None of its rows is kept."`
}

type targetsImportCmd struct {
	terminal.Format
	terminal.EventArg

	File    string `arg:"" offer:"FILE" help:"A .csv or .xlsx file with the header member_id,amount,reason, or .ndjson or .jsonl; - for CSV from standard input."`
	Sheet   string `placeholder:"NAME" help:"The sheet of a spreadsheet. Default: the first one that is not hidden."`
	Charset string `offer:"utf-8,cp949" help:"The encoding of a CSV file, utf-8 or cp949. If it is absent, the file itself shows it."`
	NDJSON  bool   `name:"ndjson" help:"Read the file as NDJSON, whatever its name."`
	DryRun  bool   `help:"Only check and count; nothing is stored."`
	Abort   bool   `help:"Refuse the whole list if one row is bad."`
	Resume  bool   `negatable:"" default:"true" help:"Send a file over 16 MiB in pieces, and go on where an earlier import of the same file broke off."`
}

// Run sends a member list.
func (c *targetsImportCmd) Run(ctx context.Context, t *terminal.Terminal) error {
	contentType, err := c.contentType()
	if err != nil {
		return err
	}
	zone, err := t.Zone()
	if err != nil {
		return err
	}
	body, size, err := c.open(t)
	if err != nil {
		return err
	}
	defer func() { _ = body.Close() }() // it was only read
	server, e, err := c.Find(ctx, t)
	if err != nil {
		return err
	}
	if c.Charset != "" {
		contentType = mime.FormatMediaType(contentType, map[string]string{"charset": c.Charset})
	}
	u := client.Upload{
		Size: size, ContentType: contentType, FileName: c.fileName(), Sheet: c.Sheet, Abort: c.Abort, DryRun: c.DryRun,
	}
	var r api.ImportResult
	if file, ok := body.(*os.File); ok && c.Resume && size > resumeFrom {
		r, err = c.resume(ctx, t, server, e, file, u)
	} else {
		sent := t.Send(body, size)
		u.Body = sent
		r, err = server.ImportTargets(ctx, e.ID, u)
		sent.End()
	}
	if err != nil {
		return err
	}
	return c.Print(t, r, func() error { return c.report(t, e, r, zone) })
}

// fileName returns the file's name for the service; "" where it has none that the service takes.
func (c *targetsImportCmd) fileName() string {
	name := norm.NFC.String(filepath.Base(c.File))
	if c.File == "-" || domain.CheckText(name, 255) != "" {
		return ""
	}
	return name
}

func (c *targetsImportCmd) report(t *terminal.Terminal, e api.Event, r api.ImportResult, zone *time.Location) error {
	verb := "imported"
	if c.DryRun {
		verb = "would be imported"
	}
	if _, err := fmt.Fprintf(t.Out, "%s %s, %s in all; %s rejected\n",
		english.Count(r.Accepted, "target"), verb, quantity(r.TotalAmount, r.Unit),
		english.Count(r.Rejected, "row")); err != nil {
		return err
	}
	sayWarnings(t, r.Warnings)
	switch {
	case c.DryRun:
		t.Say("nothing was kept: it was a dry run")
	case r.Rejected > 0:
		t.Say("see them: bestow targets rejected %d --import %d", e.ID, *r.ImportID)
	case startsByItself(e):
		t.Say("it starts by itself at %s; see: bestow queue", terminal.When(e.ReservationAt, zone))
	default:
		t.Say("next: bestow event start %d", e.ID)
	}
	return nil
}

func sayWarnings(t *terminal.Terminal, warnings []api.Warning) {
	for _, w := range warnings[:min(terminal.MaxPrinted, len(warnings))] {
		if w.Line != nil {
			t.Say("  warning: line %d: %s: %s", *w.Line, w.Code, w.Text)
			continue
		}
		t.Say("  warning: %s: %s", w.Code, w.Text)
	}
	if more := len(warnings) - terminal.MaxPrinted; more > 0 {
		t.Say("  and %s: -o json has them", english.Count(more, "more warning"))
	}
}

func (c *targetsImportCmd) contentType() (string, error) {
	switch extension := strings.ToLower(filepath.Ext(c.File)); {
	case c.NDJSON || extension == ".ndjson" || extension == ".jsonl":
		return "application/x-ndjson", nil
	case extension == ".csv" || c.File == "-":
		return "text/csv", nil
	case extension == ".xlsx":
		return sheet.MediaType, nil
	}
	return "", terminal.Usage("%s is neither .csv, .xlsx nor .ndjson: save a spreadsheet as .xlsx or CSV, say --ndjson, "+
		"or give a text with commas, semicolons or tabs as standard input: bestow targets import EVENT - <%s",
		c.File, c.File)
}

// open returns the list and its size, 0 if that is not known.
func (c *targetsImportCmd) open(t *terminal.Terminal) (io.ReadCloser, int64, error) {
	if c.File == "-" {
		return io.NopCloser(t.In), 0, nil
	}
	f, err := os.Open(c.File)
	if err != nil {
		return nil, 0, fmt.Errorf("read member list: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		return nil, 0, fmt.Errorf("open member list: %w", err)
	}
	if !info.Mode().IsRegular() {
		return f, 0, nil
	}
	return f, info.Size(), nil
}

type targetsRejectedCmd struct {
	terminal.EventArg

	Import   int64 `placeholder:"ID" help:"The upload. Default: the last one with rejected rows."`
	Original bool  `help:"The original lines under their own header, to correct and import again."`
}

// Run prints the rejected rows of an upload.
func (c *targetsRejectedCmd) Run(ctx context.Context, t *terminal.Terminal) error {
	server, e, err := c.Find(ctx, t)
	if err != nil {
		return err
	}
	list, err := server.Imports(ctx, e.ID)
	if err != nil {
		return err
	}
	id := c.Import
	if id == 0 {
		if id, err = lastRejected(e, list); err != nil {
			return err
		}
	}
	if slices.ContainsFunc(list.Items, func(i api.Import) bool { return i.ImportID == id && i.Rejected == 0 }) {
		t.Say("import %d of event %d has no rejected rows", id, e.ID)
		return nil
	}
	if c.Original && t.IsScreen() {
		return c.showOriginal(ctx, t, server, e, id)
	}
	if c.Original {
		t.Say("a spreadsheet removes the zeros at the beginning of ids: open the column member_id as text")
	}
	return visibly(t, func(w io.Writer) error { return server.Rejected(ctx, e.ID, id, c.Original, w) })
}

// showOriginal prints the rejected lines on a terminal. A spreadsheet is refused, since it is no text.
func (c *targetsRejectedCmd) showOriginal(
	ctx context.Context, t *terminal.Terminal, server *client.Client, e api.Event, id int64,
) error {
	refusal := domain.InvalidError(
		fmt.Sprintf("import %d is a spreadsheet, which a terminal cannot show", id),
		fmt.Sprintf("write it to a file: bestow targets rejected %d --import %d --original >rejected.xlsx", e.ID, id),
	)
	err := visibly(t, func(w io.Writer) error {
		return server.Rejected(ctx, e.ID, id, true, &textOnly{w: w, refusal: refusal})
	})
	if errors.Is(err, refusal) {
		return refusal
	}
	return err
}

// textOnly passes text on, and refuses a spreadsheet by its first bytes.
type textOnly struct {
	w       io.Writer
	begun   bool
	refusal error
}

// Write implements io.Writer.
func (o *textOnly) Write(p []byte) (int, error) {
	if !o.begun && bytes.HasPrefix(p, []byte("PK")) {
		return 0, o.refusal
	}
	o.begun = true
	return o.w.Write(p) //nolint:wrapcheck // an error of the output, as it is
}

func lastRejected(e api.Event, list api.Imports) (int64, error) {
	for _, i := range list.Items { // newest first
		if i.Rejected > 0 {
			return i.ImportID, nil
		}
	}
	return 0, domain.NotFoundError(fmt.Sprintf("no upload of event %d has rejected rows", e.ID), "")
}

type targetsListCmd struct {
	terminal.Format
	terminal.EventArg
}

// Run lists the imports of an event.
func (c *targetsListCmd) Run(ctx context.Context, t *terminal.Terminal) error {
	zone, err := t.Zone()
	if err != nil {
		return err
	}
	server, e, err := c.Find(ctx, t)
	if err != nil {
		return err
	}
	list, err := server.Imports(ctx, e.ID)
	if err != nil {
		return err
	}
	return c.Print(t, list, func() error {
		return t.Table(func(w io.Writer) {
			fmt.Fprintln(w, "IMPORT\tACCEPTED\tREJECTED\tAMOUNT\tCREATED\tBY\tFILE")
			for _, i := range list.Items {
				fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%s\t%s\n", i.ImportID, english.Number(i.Accepted),
					english.Number(i.Rejected),
					quantity(i.TotalAmount, e.Unit), terminal.When(&i.CreatedAt, zone), i.CreatedBy,
					terminal.OrDash(i.FileName))
			}
		}, "BY", "FILE")
	})
}

type targetsEndCmd struct{ terminal.EventArg }

// Run ends an upload that is under way.
func (c *targetsEndCmd) Run(ctx context.Context, t *terminal.Terminal) error {
	server, e, err := c.Find(ctx, t)
	if err != nil {
		return err
	}
	if err := server.EndImport(ctx, e.ID); err != nil {
		return err
	}
	t.Say("the upload into event %d is ended, and nothing of it was kept", e.ID)
	return nil
}

type targetsTakeBackCmd struct {
	terminal.EventArg

	Import int64 `arg:"" help:"The import's id: bestow targets list shows it."`
}

// Run takes an import back.
func (c *targetsTakeBackCmd) Run(ctx context.Context, t *terminal.Terminal) error {
	server, e, err := c.Find(ctx, t)
	if err != nil {
		return err
	}
	if err := server.TakeBack(ctx, e.ID, c.Import); err != nil {
		return err
	}
	t.Say("import %d is taken back: event %d does not have its members any more", c.Import, e.ID)
	return nil
}
