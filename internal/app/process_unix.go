//go:build unix

package app

import (
	"os/exec"
	"syscall"
)

// separate keeps a terminal's interrupt from a child: the parent tells it to end.
func separate(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }
