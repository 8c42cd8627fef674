package embedpg

import (
	"os"
	"runtime"
	"syscall"
)

// attr makes a child run as the account, in a process group of its own: a Ctrl-C on the terminal is ours to answer, we
// still need the database then. If we die, the kernel asks a server for a fast shutdown and kills anything else.
func (a account) attr(server bool) *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if server {
		attr.Pdeathsig = syscall.SIGINT
	}
	if a.nobody {
		attr.Credential = &syscall.Credential{Uid: a.uid, Gid: a.gid, NoSetGroups: a.mapped}
	}
	if a.mapped {
		attr.Cloneflags = syscall.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: int(a.uid), HostID: os.Getuid(), Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: int(a.gid), HostID: os.Getgid(), Size: 1}}
	}
	return attr
}

// onThread runs f on a thread that lasts as long as f: Pdeathsig is bound to the thread that makes the child.
func onThread[T any](f func() (T, error)) (T, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	return f()
}

// guard has nothing to do: Pdeathsig watches.
func guard(int) (func(), error) { return func() {}, nil }
