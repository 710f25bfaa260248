package app

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/amanah-project/amanah/internal/fault"
)

// WriteSecret writes a file that only its owner may read, and never over another.
func WriteSecret(name string, raw []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fault.Newf(fault.Conflict, "%s cannot be made: %v", filepath.Base(name), unwrapPath(err))
	}
	_, err = f.Write(raw)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(name), err)
	}
	return nil
}

// ReplaceSecret puts another secret in a file's place, mode 0600; after a crash one of
// the two is there, whole.
func ReplaceSecret(name string, raw []byte) error {
	if err := ReplaceFile(name, raw); err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(name), err)
	}
	return nil
}
