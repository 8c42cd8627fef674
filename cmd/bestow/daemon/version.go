package daemon

import (
	"context"
	"runtime"
	"runtime/debug"
	"strings"

	"bestow/internal/obs"
)

// Version holds what `bestow version -o json` prints.
type Version struct {
	Version  string `json:"version"`
	Revision string `json:"revision"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

// BuildVersion says what this binary is.
func BuildVersion() Version {
	v := Version{
		Version: "unknown", Revision: "unknown", Go: runtime.Version(),
		Platform: runtime.GOOS + "/" + runtime.GOARCH,
	}
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

// tellStart logs what begins to work here, and where: what an engineer asks first.
func (p *Process) tellStart(ctx context.Context) {
	build := BuildVersion()
	of := p.Pool.Config().ConnConfig
	told := []any{
		"version", build.Version, "revision", build.Revision, "roles", strings.Join(p.roles, ","), "process", p.id,
		"database", of.Host + "/" + of.Database, "kafka", strings.Join(p.cfg.Brokers, ","),
		"topic_prefix", p.cfg.TopicPrefix,
	}
	const query = `SELECT current_setting('server_version'), max(version_id) FROM goose_db_version WHERE is_applied`
	var server string
	var schema int64
	if err := p.Pool.QueryRow(ctx, query).Scan(&server, &schema); err == nil {
		told = append(told, "postgresql", server, "schema", schema)
	}
	p.log.InfoContext(ctx, "bestow starts", append(told, obs.Installation, p.installation.ID)...)
}
