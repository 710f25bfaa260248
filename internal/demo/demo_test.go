package demo

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/amanah-project/amanah/internal/fault"
)

// TestRunTakesNoFolderTwice is of a second demo in a folder that was kept: the partners of
// its devices would be those of the first, and every check-in would fail.
func TestRunTakesNoFolderTwice(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "site"), 0o700); err != nil {
		t.Fatal(err)
	}
	err := Run(t.Context(), Options{People: 100, Rate: 1, Data: dir, Out: io.Discard})
	if fault.KindOf(err) != fault.Conflict {
		t.Errorf("%v, want a conflict", err)
	}
	if left, err := os.ReadDir(filepath.Join(dir, "site")); err != nil || len(left) > 0 {
		t.Errorf("touched: %v, %v", left, err)
	}
}
