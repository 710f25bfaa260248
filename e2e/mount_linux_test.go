package e2e

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// mountSmall mounts a file system of that many bytes; it needs root's rights.
func mountSmall(dir string, size int) error {
	return unix.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d,mode=0700", size))
}

func unmount(dir string) error { return unix.Unmount(dir, unix.MNT_DETACH) }
