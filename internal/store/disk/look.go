package disk

import (
	"context"

	"github.com/amanah-project/amanah/internal/durable"
	"github.com/amanah-project/amanah/internal/store"
)

// Reader reads a folder of blobs that another process may have open, for backups and
// checks beside a server. It needs no lock: a blob gets its name when its bytes are
// durable and never changes, so that it is seen whole or not at all. One that is
// deleted meanwhile is store.ErrNoBlob. It changes nothing, and nothing need be there.
type Reader struct{ folder *Store }

var _ store.BlobSource = (*Reader)(nil)

// Look opens a folder for reading.
func Look(f durable.FS) *Reader { return &Reader{&Store{disk: f}} }

// Open implements store.BlobSource.
func (r *Reader) Open(ctx context.Context, name store.BlobName) (store.Blob, error) {
	return r.folder.Open(ctx, name)
}

// List implements store.BlobSource.
func (r *Reader) List(ctx context.Context, after store.BlobName, n int) ([]store.BlobName, error) {
	return r.folder.List(ctx, after, n)
}
