//go:build unix

package ownfiles

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"bestow/internal/exectest"

	"github.com/stretchr/testify/require"
)

// helperEnv makes a copy of the test binary a process with a umask of its own, which makes inner where it stands.
const (
	helperEnv = "BESTOW_TEST_OWNFILES"
	inner     = "above/data/demo"
	usableEnv = "BESTOW_TEST_USABLE" // the folder that a copy checks
)

func TestMain(m *testing.M) {
	if folder := os.Getenv(usableEnv); folder != "" {
		if err := CheckUsable(folder); err != nil {
			println(err.Error())
			os.Exit(1)
		}
		return
	}
	if os.Getenv(helperEnv) != "" {
		if err := SharedFolder(inner); err != nil {
			println(err.Error())
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func mode(t *testing.T, path string) fs.FileMode {
	t.Helper()
	info, err := os.Stat(path)
	require.NoError(t, err)
	return info.Mode()
}

// Whatever mode a folder of ours has, it ends with the right one.
func TestModesArePutRight(t *testing.T) {
	t.Parallel()
	root := os.Geteuid() == 0
	for _, test := range []struct {
		name         string
		make         func(string) error
		before, want fs.FileMode
	}{
		{"shared, closed by hand", SharedFolder, 0o700, 0o755},
		{"shared, passable only", SharedFolder, 0o711, 0o755},
		{"shared, without any bit", SharedFolder, 0o000, 0o755},
		{"shared, not even ours to write", SharedFolder, 0o555, 0o755},
		{"shared with a group", SharedFolder, 0o770, 0o775},
		{"shared, sticky", SharedFolder, fs.ModeSticky | 0o700, fs.ModeSticky | 0o755},
		{"private, open", PrivateFolder, 0o755, 0o700},
		{"private, without any bit", PrivateFolder, 0o000, 0o700},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "ours")
			require.NoError(t, os.Mkdir(dir, 0o700))
			require.NoError(t, os.Chmod(dir, test.before))
			require.NoError(t, test.make(dir))
			want := test.want
			if !root && test.want.Perm()&0o055 == 0o055 { // an ordinary user's folder stays as closed as it is
				want = test.before | 0o700
			}
			require.Equal(t, want, mode(t, dir)&^fs.ModeDir)
		})
	}
}

// A first command under a strict umask leaves folders that others pass, also those above its own.
func TestUmask(t *testing.T) {
	t.Parallel()
	top := t.TempDir()
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command("sh", "-c", `umask 077; exec "$0"`, self)
	cmd.Dir, cmd.Env = top, append(os.Environ(), helperEnv+"=1")
	said, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", said)
	for at := filepath.Join(top, inner); at != top; at = filepath.Dir(at) {
		require.Equal(t, fs.FileMode(0o755), mode(t, at).Perm(), at)
	}
}

// What lies above is not ours and stays as it is, and so is the home of the user.
func TestForeignFoldersStay(t *testing.T) {
	top := t.TempDir()
	require.NoError(t, os.Chmod(top, 0o700))
	require.NoError(t, SharedFolder(filepath.Join(top, "a", "b")))
	require.Equal(t, fs.FileMode(0o700), mode(t, top).Perm())
	require.NoError(t, GivenFolder(top, "b"))
	require.Equal(t, fs.FileMode(0o700), mode(t, top).Perm(), "a is not ours")
	require.NoError(t, GivenFolder(filepath.Join(top, "a", "c")))
	require.Equal(t, fs.FileMode(0o755), mode(t, filepath.Join(top, "a", "c")).Perm())
	t.Setenv("HOME", top)
	require.NoError(t, SharedFolder(top))
	require.Equal(t, fs.FileMode(0o700), mode(t, top).Perm())
}

// A secret that others may read is closed; what is no folder is said.
func TestSecretFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "key")
	require.ErrorIs(t, SecretFile(file), fs.ErrNotExist)
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	require.NoError(t, os.Chmod(file, 0o644))
	require.NoError(t, SecretFile(file))
	require.Equal(t, fs.FileMode(0o600), mode(t, file).Perm())
	require.ErrorContains(t, SharedFolder(file), "not a folder")
	require.Error(t, SharedFolder(filepath.Join(file, "below")))
}

// A file that another user left in a folder of ours is named: root's, for one who is not root.
func TestCheckUsable(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "usable") //nolint:usetesting // nobody cannot pass the folder above t.TempDir
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	require.NoError(t, os.Chmod(dir, 0o755))
	data := filepath.Join(dir, "data")
	check := func() (string, error) {
		self, err := os.Executable()
		require.NoError(t, err)
		cmd := exec.Command(filepath.Join(dir, "helper"))
		exectest.Copy(t, self, cmd.Path)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), usableEnv+"="+data)
		if os.Geteuid() == 0 {
			const nobody = 65534
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		}
		said, err := cmd.CombinedOutput()
		return string(said), err
	}
	said, err := check()
	require.NoError(t, err, said)
	require.NoError(t, os.MkdirAll(filepath.Join(data, "grants.point"), 0o755))
	file := filepath.Join(data, "grants.point", "0.dat")
	require.NoError(t, os.WriteFile(file, nil, 0o666))
	require.NoError(t, os.Chmod(file, 0o666))
	said, err = check()
	require.NoError(t, err, said)
	require.NoError(t, os.Chmod(file, 0o400))
	said, err = check()
	require.Error(t, err)
	require.Contains(t, said, file+": permission denied")
}
