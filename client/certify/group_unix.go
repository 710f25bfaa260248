//go:build unix

package certify

import (
	"os/exec"
	"syscall"
)

// together has a command and whatever it starts stopped as one.
func together(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
