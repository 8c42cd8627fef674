//go:build unix

package embedpg

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// account is the user that runs postgres, which refuses to run as root: ourselves, or the user nobody if we are root.
type account struct {
	uid, gid uint32
	nobody   bool
	mapped   bool // the user nobody is only a name for us in a user namespace: files stay ours
}

// chooseAccount returns ourselves, or for root the first way to become the user nobody that works here.
func chooseAccount() (account, error) {
	if os.Geteuid() != 0 {
		return account{}, nil
	}
	u, err := user.Lookup("nobody")
	if err != nil {
		return account{}, fmt.Errorf("find an account for postgres, which refuses to run as root: %w: "+
			"add nobody to /etc/passwd, run as another user, or set DATABASE_URL", err)
	}
	uid, err := strconv.ParseInt(u.Uid, 10, 64) // -2 on macOS
	if err != nil {
		return account{}, fmt.Errorf("read uid of nobody: %w", err)
	}
	gid, err := strconv.ParseInt(u.Gid, 10, 64)
	if err != nil {
		return account{}, fmt.Errorf("read gid of nobody: %w", err)
	}
	a := account{uid: uint32(uid), gid: uint32(gid), nobody: true}
	if err = a.works(); err == nil {
		return a, nil
	}
	a.mapped = true
	if a.works() == nil {
		return a, nil
	}
	return account{}, fmt.Errorf("run postgres as nobody: %w: this root may not change its user (a rootless "+
		"container?) and no user namespace can be made: run as another user, or set DATABASE_URL", err)
}

// works returns nil if a program can be started as the account.
func (a account) works() error {
	process, err := os.StartProcess("/bin/sh", []string{"sh", "-c", ":"}, &os.ProcAttr{Dir: "/", Sys: a.attr(false)})
	if err != nil {
		return err
	}
	state, err := process.Wait()
	if err == nil && !state.Success() {
		err = fmt.Errorf("sh: %s", state)
	}
	return err
}

// other reports whether postgres runs as another user than we do.
func (a account) other() bool { return a.nobody && !a.mapped }

// own gives a file or folder of ours to the account.
func (a account) own(path string) error {
	if !a.other() {
		return nil
	}
	return os.Chown(path, int(a.uid), int(a.gid))
}

// reach returns nil if the account can pass path and every folder above it, and otherwise names the one that it cannot
// pass.
func (a account) reach(path string) error {
	if !a.other() {
		return nil
	}
	for at := path; ; at = filepath.Dir(at) {
		info, err := os.Stat(at)
		if err != nil {
			return err
		}
		if !a.enters(info) {
			return fmt.Errorf("%s has mode %#o, and postgres, which must run as nobody because we are root, "+
				"cannot pass it",
				at, info.Mode().Perm())
		}
		if at == filepath.Dir(at) {
			return nil
		}
	}
}

func (a account) enters(info os.FileInfo) bool {
	needed := os.FileMode(0o001)
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		switch {
		case st.Uid == a.uid:
			needed = 0o100
		case st.Gid == a.gid:
			needed = 0o010
		}
	}
	return info.Mode().Perm()&needed != 0
}
