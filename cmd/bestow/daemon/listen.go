package daemon

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"

	bestowhttp "bestow/http"
	"bestow/internal/obs"

	"riverqueue.com/riverui"
)

func (p *Process) serveAPI(ctx context.Context) error {
	if p.cfg.AdminKey == "" {
		p.log.WarnContext(ctx, "BESTOW_ADMIN_KEY is not set: the API takes keys of `bestow key` and people who sign in")
	}
	if p.cfg.WeakAdminKey() {
		p.log.WarnContext(ctx,
			"the API key can be guessed: give BESTOW_ADMIN_KEY 24 characters or more, such as `openssl rand -hex 24`")
	}
	proxies, err := p.cfg.Proxies()
	if err != nil {
		return err
	}
	ui, err := p.riverUI(ctx)
	if err != nil {
		return err
	}
	h, err := bestowhttp.New(bestowhttp.Config{
		App: p.App, AdminKey: p.cfg.AdminKey, RiverUI: ui, Log: p.log,
		LocalCookies: p.cfg.Env != "production", TrustedProxies: proxies,
		Link: p.with.Link, Zone: p.cfg.TimeZone, Version: BuildVersion().Version,
		Answered: p.metrics.Requests.Answered,
	})
	if err != nil {
		return err
	}
	return p.listen(ctx, p.cfg.Addr, h)
}

func (p *Process) riverUI(ctx context.Context) (http.Handler, error) {
	ui, err := riverui.NewHandler(&riverui.HandlerOpts{
		Endpoints: riverui.NewEndpoints(p.River, nil), Logger: obs.Sparing(p.log, time.Minute),
		Prefix: "/river", JobListHideArgsByDefault: false,
	})
	if err != nil {
		return nil, fmt.Errorf("make river ui: %w", err)
	}
	if err := ui.Start(ctx); err != nil {
		return nil, fmt.Errorf("start river ui: %w", err)
	}
	return ui, nil
}

// listen serves h on addr until ctx ends, then lets requests finish.
func (p *Process) listen(ctx context.Context, addr string, h http.Handler) error {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", addr, err)
	}
	p.log.InfoContext(ctx, "listening", "url", "http://"+l.Addr().String())
	return bestowhttp.Serve(ctx, l, h, p.cfg.ShutdownTimeout, p.log)
}
