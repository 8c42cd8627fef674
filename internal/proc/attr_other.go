//go:build !linux

package proc

import "syscall"

// attr is the system's own: nothing here kills a child when we die.
func attr() *syscall.SysProcAttr { return nil }
