package bench

import (
	"bytes"
	"cmp"
	"fmt"
	"html"
	"strings"
	text "text/template"

	"bestow/internal/english"
)

// bar is one line of the plot.
type bar struct {
	Label, Figure string
	Class         string
	Y             int
	Width         float64
}

// plot holds what the template is given; all texts in it are escaped.
type plot struct {
	Title   string
	Bars    []bar
	Caption []string
	Height  int
	Lines   int // where the caption begins
}

const (
	plotTop    = 46 // above the first bar
	plotStep   = 34 // from one bar to the next
	plotLength = 330.0
)

// svg is drawn by hand; its colours follow the reader's, light or dark.
var svg = text.Must(
	text.New("plot").
		Parse(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 {{.Height}}" role="img" aria-label="{{.Title}}" font-family="system-ui, sans-serif" font-size="13">
<style>
  text { fill: #1f2328 } .small { fill: #59636e; font-size: 11px } .title { font-size: 15px; font-weight: 600 }
  .pipeline { fill: #0969da } .floor { fill: #8c959f } .rival { fill: #bc4c00 }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc } .small { fill: #9198a1 }
    .pipeline { fill: #4493f8 } .floor { fill: #656c76 } .rival { fill: #db6d28 }
  }
</style>
<title>{{.Title}}</title>
<text class="title" x="12" y="26">{{.Title}}</text>
{{- range .Bars}}
<text x="196" y="{{.Y}}" dy="16" text-anchor="end">{{.Label}}</text>
<rect class="{{.Class}}" x="206" y="{{.Y}}" width="{{printf "%.1f" .Width}}" height="22" rx="2"/>
<text x="{{printf "%.1f" .End}}" y="{{.Y}}" dy="16">{{.Figure}}</text>
{{- end}}
{{- range $i, $line := .Caption}}
<text class="small" x="12" y="{{$.CaptionY $i}}">{{$line}}</text>
{{- end}}
</svg>
`))

// End returns where the figure stands.
func (b bar) End() float64 { return 206 + b.Width + 8 }

// CaptionY returns where a line of the caption stands.
func (p plot) CaptionY(i int) int { return p.Lines + 16*i }

// Plot draws the targets a second of the medians as an SVG.
func (r Report) Plot() ([]byte, error) {
	p := plot{Title: "Targets a second, from list to COMPLETED", Bars: r.bars(), Caption: r.caption()}
	p.Lines = plotTop + plotStep*len(p.Bars) + 14
	p.Height = p.CaptionY(len(p.Caption)) - 2
	var b bytes.Buffer
	if err := svg.Execute(&b, p); err != nil {
		return nil, fmt.Errorf("draw plot: %w", err)
	}
	return b.Bytes(), nil
}

func (r Report) bars() (bars []bar) {
	most := 0.0
	var rates []float64
	for _, k := range []struct{ row, kind, label, class string }{
		{RowRounds, Floor, "floor: the SQL alone", "floor"},
		{RowRounds, Pipeline, "bestow", "pipeline"},
		{RowRivals, Outbox, "outbox row per target", "rival"},
		{RowRivals, Jobs, "River job per target", "rival"},
	} {
		runs := r.of(k.row, k.kind)
		if len(runs) == 0 {
			continue
		}
		rate := middle(runs).Rate()
		most, rates = max(most, rate), append(rates, rate)
		bars = append(bars, bar{
			Label: k.label, Class: k.class, Y: plotTop + plotStep*len(bars),
			Figure: english.Number(int64(rate)),
		})
	}
	for i, rate := range rates {
		bars[i].Width = max(1, plotLength*rate/most)
	}
	return bars
}

// caption says where and of what it was measured.
func (r Report) caption() []string {
	sizes := "Medians of " + english.Number(int64(r.Members)) + " members"
	if rivals := r.of(RowRivals, ""); len(rivals) > 0 {
		sizes += "; of " + english.Number(int64(rivals[0].Targets)) +
			" where each target is a message and a transaction"
	}
	version, _, _ := strings.Cut(r.Server.Version, " ")
	lines := []string{
		sizes,
		fmt.Sprintf("%d cores, %.1f GiB, %s, %s, PostgreSQL %s, a commit takes %d µs, %s", r.Machine.Cores,
			float64(r.Machine.Memory)/(1<<30),
			orUnknown(r.Machine.CPU), r.Machine.Go, orUnknown(version), r.Server.Commit.Microseconds(),
			orUnknown(r.Kafka)),
		fmt.Sprintf("bestow bench, commit %s, %s", orUnknown(r.Commit), r.date()),
	}
	for i, l := range lines {
		lines[i] = html.EscapeString(l)
	}
	return lines
}

func orUnknown(s string) string { return cmp.Or(s, "unknown") }
