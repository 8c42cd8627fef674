package ownfiles

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

const (
	shared  fs.FileMode = 0o755
	private fs.FileMode = 0o700
	secret  fs.FileMode = 0o600
)

// SharedFolder makes a folder that other users may pass and list, with mode 0755 in spite of the umask, and the missing
// folders above it. As root it opens a closed one. An ordinary user's processes are all of one user, so it leaves their
// folder as closed as it is.
func SharedFolder(path string) error {
	info, err := makeFolder(path, shared)
	if err != nil {
		return err
	}
	needed := private
	if os.Geteuid() == 0 && !isHome(info) {
		needed = shared
	}
	return setMode(path, info, info.Mode().Perm()|needed)
}

// GivenFolder is SharedFolder for a folder that a person has named and that holds our files by these names. One that
// holds anything else is not ours alone, and is left as closed as it is.
func GivenFolder(path string, ours ...string) error {
	if _, err := makeFolder(path, shared); err != nil {
		return err
	}
	entries, err := os.ReadDir(path)
	if err == nil && slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return !slices.Contains(ours, e.Name()) }) {
		return nil
	}
	return SharedFolder(path)
}

// PrivateFolder makes a folder that only we may enter, with mode 0700, and the missing folders above it as shared ones.
// It closes an open one.
func PrivateFolder(path string) error {
	info, err := makeFolder(path, private)
	if err != nil {
		return err
	}
	return setMode(path, info, private)
}

// SecretFile closes a file that others may read: 0600. It returns fs.ErrNotExist where there is no file.
func SecretFile(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	return setMode(path, info, secret)
}

// makeFolder makes the folder with exactly mode if it is absent, and what is absent above it with exactly 0755.
func makeFolder(path string, mode fs.FileMode) (fs.FileInfo, error) {
	err := os.Mkdir(path, mode)
	if errors.Is(err, fs.ErrNotExist) && filepath.Dir(path) != path {
		if _, err := makeFolder(filepath.Dir(path), shared); err != nil {
			return nil, err
		}
		err = os.Mkdir(path, mode)
	}
	if err == nil {
		err = os.Chmod(path, mode) // the umask may have taken bits away
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	info, err := os.Stat(path)
	if err == nil && !info.IsDir() {
		err = fmt.Errorf("%s is not a folder", path)
	}
	return info, err
}

// setMode changes only what is wrong: some file systems know no modes, and refuse every change.
func setMode(path string, info fs.FileInfo, mode fs.FileMode) error {
	if info.Mode().Perm() == mode {
		return nil
	}
	kept := info.Mode() & (fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky)
	if err := os.Chmod(path, kept|mode); err != nil {
		return fmt.Errorf("change the mode of %s from %#o to %#o: %w", path, info.Mode().Perm(), mode, err)
	}
	return nil
}

// isHome reports whether the folder is the user's home, which holds more than our files.
func isHome(info fs.FileInfo) bool {
	home, err := os.UserHomeDir()
	if err != nil {
		return false
	}
	at, err := os.Stat(home)
	return err == nil && os.SameFile(at, info)
}

// CheckUsable returns an error that names the first file below a folder which we may not read and write, such as one
// that root made there. It returns nil for a folder that is absent.
func CheckUsable(folder string) error {
	//nolint:gosec // our own folder
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		f, err := os.OpenFile(path, os.O_RDWR, 0) //nolint:gosec // a path below our own folder
		if err != nil {
			return err
		}
		return f.Close()
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
