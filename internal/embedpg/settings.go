package embedpg

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// defaults suit a laptop or a small virtual machine. Durability is PostgreSQL's own: fsync and synchronous_commit on.
func defaults() map[string]string {
	return map[string]string{
		"shared_buffers":               "256MB",
		"max_connections":              "100",
		"max_wal_size":                 "4GB", // a checkpoint in the middle of an import costs more than the disk space
		"checkpoint_completion_target": "0.9",
		"maintenance_work_mem":         "128MB",
		"random_page_cost":             "1.1", // an SSD
		"jit":                          "off", // our statements are short; compiling them costs more than they take
		"log_line_prefix":              "%m [%p] ",
		"log_timezone":                 "UTC",
		"timezone":                     "UTC",
	}
}

// ours returns the settings that a caller may not change: other values would hide the server from us, or open it.
func ours(port int) map[string]string {
	return map[string]string{
		"listen_addresses":        "127.0.0.1",
		"port":                    strconv.Itoa(port),
		"unix_socket_directories": "",
		"data_directory":          "",
		"config_file":             "",
		"hba_file":                "",
		"ident_file":              "",
		"external_pid_file":       "",
		"logging_collector":       "off",
	}
}

func checkSettings(settings map[string]string) error {
	fixed := ours(0)
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		if _, bad := fixed[strings.ToLower(name)]; bad {
			return fmt.Errorf("check settings: %s is not the caller's to set", name)
		}
	}
	return nil
}

// arguments returns postgres' command line; no shell sees it.
func arguments(data string, port int, settings map[string]string) []string {
	all := defaults()
	maps.Copy(all, settings)
	for name, value := range ours(port) {
		if value != "" || name == "unix_socket_directories" {
			all[name] = value
		}
	}
	args := []string{"-D", data}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		args = append(args, "-c", name+"="+all[name])
	}
	return args
}

// fsyncOff reports whether the caller asked for a cluster that need not survive a crash of the machine.
func fsyncOff(settings map[string]string) bool {
	switch strings.ToLower(settings["fsync"]) {
	case "off", "false", "no", "0":
		return true
	}
	return false
}
