package proc

import "syscall"

// attr puts a child into a process group of its own, since a Ctrl-C is ours to answer, and has the kernel kill it when
// we die.
func attr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
