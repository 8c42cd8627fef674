package main

import (
	"fmt"

	"bestow/cmd/bestow/daemon"
	"bestow/cmd/bestow/terminal"
	bestowhttp "bestow/http"
	"bestow/money/moneyhttp"
)

type versionCmd struct{ terminal.Format }

// Run prints what this binary is.
func (c *versionCmd) Run(t *terminal.Terminal) error {
	v := daemon.BuildVersion()
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
