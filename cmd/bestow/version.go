package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"bestow/cmd/bestow/terminal"
	bestowhttp "bestow/http"
	"bestow/money/moneyhttp"
)

type versionCmd struct{ terminal.Format }

// version is what `bestow version -o json` prints.
type version struct {
	Version  string `json:"version"`
	Revision string `json:"revision"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

// buildVersion says what this binary is.
func buildVersion() version {
	v := version{Version: "unknown", Revision: "unknown", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if info, ok := debug.ReadBuildInfo(); ok {
		v.Version = info.Main.Version
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				v.Revision = s.Value
			}
		}
	}
	return v
}

// Run prints what this binary is.
func (c *versionCmd) Run(t *terminal.Terminal) error {
	v := buildVersion()
	return c.Print(t, v, func() error {
		_, err := fmt.Fprintf(t.Out, "bestow %s (revision %s, %s, %s)\n", v.Version, v.Revision, v.Go, v.Platform)
		return err
	})
}

type openAPICmd struct {
	Money bool `help:"Print the API of the ledger, which the role money serves, and not that of the service."`
}

// Run prints an API's description as JSON.
func (c *openAPICmd) Run(t *terminal.Terminal) error {
	describe := bestowhttp.OpenAPI
	if c.Money {
		describe = moneyhttp.OpenAPI
	}
	doc, err := describe()
	if err != nil {
		return err
	}
	_, err = t.Out.Write(doc)
	return err
}
