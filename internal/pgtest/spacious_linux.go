package pgtest

import "syscall"

// spacious reports whether a folder is on a file system in memory with at least 4 GiB free.
func spacious(path string) bool {
	const tmpfs, wanted = 0x01021994, 4 << 30
	var st syscall.Statfs_t
	return syscall.Statfs(path, &st) == nil && st.Type == tmpfs && st.Bavail*uint64(st.Bsize) >= wanted
}
