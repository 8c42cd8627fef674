//go:build unix && !linux

package embedpg

import "syscall"

// attr makes a child run as the account, in a process group of its own: a Ctrl-C on the terminal is ours to answer, we
// still need the database then. There are no user namespaces here.
func (a account) attr(bool) *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setpgid: true}
	if a.nobody {
		attr.Credential = &syscall.Credential{Uid: a.uid, Gid: a.gid}
	}
	return attr
}

// onThread just runs f: nothing is bound to a thread here.
func onThread[T any](f func() (T, error)) (T, error) { return f() }

// guard stops the process when we die.
func guard(pid int) (func(), error) { return watch(pid) }
