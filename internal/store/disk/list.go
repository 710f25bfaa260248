package disk

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/amanah-project/amanah/internal/store"
)

// List implements store.Blobs. It holds one folder's names at a time, and looks
// only into folders that may hold a name after the one given. What it did not make
// itself, such as lost+found, it passes over.
func (s *Store) List(ctx context.Context, after store.BlobName, n int) ([]store.BlobName, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.running.Done()
	n = min(n, store.MaxBlobPage)
	if n <= 0 {
		return nil, nil
	}
	start := after.String()
	var out []store.BlobName
	tops, err := s.folders("")
	if err != nil {
		return nil, err
	}
	for _, top := range tops {
		if top < start[:2] {
			continue
		}
		leaves, err := s.folders(top)
		if err != nil {
			return nil, err
		}
		for _, leaf := range leaves {
			if top+leaf < start[:4] {
				continue
			}
			if err := ctx.Err(); err != nil {
				return nil, fmt.Errorf("list blobs: %w", err)
			}
			if out, err = s.listLeaf(out, top, leaf, after, n); err != nil || len(out) == n {
				return out, err
			}
		}
	}
	return out, nil
}

// listLeaf appends the blobs of one folder after a name, up to n in all.
func (s *Store) listLeaf(out []store.BlobName, top, leaf string, after store.BlobName, n int) ([]store.BlobName, error) {
	files, err := s.disk.List(top + "/" + leaf)
	if err != nil {
		return nil, refused("list blobs", err)
	}
	for _, f := range files {
		name, err := store.ParseBlobName(top + leaf + f)
		if err != nil || bytes.Compare(name[:], after[:]) <= 0 {
			continue
		}
		if out = append(out, name); len(out) == n {
			break
		}
	}
	return out, nil
}

// folders returns the folders in dir that have names of ours, without the slash,
// ascending.
func (s *Store) folders(dir string) ([]string, error) {
	all, err := s.disk.List(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, refused("list blobs", err)
	}
	var out []string
	for _, n := range all {
		name, folder := strings.CutSuffix(n, "/")
		if folder && len(name) == 2 && strings.ToLower(name) == name && isHex(name) {
			out = append(out, name)
		}
	}
	return out, nil
}

func isHex(s string) bool {
	_, err := hex.DecodeString(s)
	return err == nil
}

// byteOf is the byte that two hex digits stand for.
func byteOf(s string) byte {
	b, _ := hex.DecodeString(s)
	return b[0]
}
