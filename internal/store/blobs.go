package store

import (
	"context"
	"encoding/hex"
	"io"

	"github.com/amanah-project/amanah/internal/fault"
)

// Errors every blob store returns alike.
var (
	// ErrNoBlob: no blob has that name, or not any more.
	ErrNoBlob = fault.New(fault.NotFound, "there is no such document")
	// ErrBlobName: the name is zero, or not 64 lowercase hex digits.
	ErrBlobName = fault.New(fault.Invalid, "malformed document name")
	// ErrBlobsUnavailable: the disk refused work.
	ErrBlobsUnavailable = fault.New(fault.Unavailable, "the document store is not available")
	// ErrBlobsFull: the disk has no room.
	ErrBlobsFull = fault.New(fault.Unavailable, "the document store has no room")
	// ErrBlobsClosed: the store was closed.
	ErrBlobsClosed = fault.New(fault.Unavailable, "the document store is closed")
)

// MaxBlobPage is the most names that one List returns.
const MaxBlobPage = 1000

// BlobName names a blob. The caller computes it with a keyed hash, under a key of
// the keeper, so that whoever sees the names learns nothing: neither what a blob
// holds nor, without the key, whether it is a document they know. A plain hash of
// the content would tell both. The zero name is nobody's: no hash comes out so,
// and a caller who has it forgot to compute one.
type BlobName [32]byte

// ParseBlobName reads what String prints. It refuses capitals, so that one blob
// has one spelling, and the zero name: ErrBlobName.
func ParseBlobName(s string) (BlobName, error) {
	var n BlobName
	if len(s) != hex.EncodedLen(len(n)) {
		return BlobName{}, ErrBlobName
	}
	if _, err := hex.Decode(n[:], []byte(s)); err != nil || n.String() != s || n == (BlobName{}) {
		return BlobName{}, ErrBlobName
	}
	return n, nil
}

// String prints 64 lowercase hex digits.
func (n BlobName) String() string { return hex.EncodeToString(n[:]) }

// Blobs keeps sealed documents of any length under opaque names. A blob never
// changes: it is put whole, read, and deleted. It is safe for concurrent use.
//
// A cancelled context gives its own error, the zero name ErrBlobName, a disk that
// refuses ErrBlobsUnavailable or ErrBlobsFull, a closed store ErrBlobsClosed.
type Blobs interface {
	// Put stores what r gives up to io.EOF, in constant memory, however long it
	// is: whoever takes r from outside bounds it. When it returns nil the blob is
	// durable. When it returns an error, r's own included, nothing of it is left;
	// only a disk that refuses the cleaning up, too, or loses power, may keep it,
	// and then it has the blob whole.
	//
	// A name that is there already keeps the content it has: r is read to its end
	// all the same and thrown away. Content is not compared, for that would mean
	// reading both: a name stands for its content, and a caller whose sealing
	// gives other bytes each time must name the sealed bytes, or keep to the keys
	// of the first. ctx counts until r is read.
	Put(ctx context.Context, name BlobName, r io.Reader) error
	// Open returns a blob for reading; ErrNoBlob when there is none. It may see a
	// blob just before its Put returns.
	Open(ctx context.Context, name BlobName) (Blob, error)
	// Delete removes a blob; ErrNoBlob when there is none. After nil and after
	// ErrNoBlob its absence is durable; after another error it may be there still.
	// Those who have it open can go on reading what is here already; of a service
	// across a network the rest may be gone, ErrNoBlob, but is never another blob's.
	Delete(ctx context.Context, name BlobName) error
	// List returns the next names after one, ascending, at most n and never more
	// than MaxBlobPage; the zero name begins. None means the end. A blob that is
	// there during the whole walk is listed once.
	List(ctx context.Context, after BlobName, n int) ([]BlobName, error)
	// Close ends the store's use: a call that runs meanwhile ends as it would have,
	// or with ErrBlobsClosed. Open blobs stay readable. A second Close does nothing.
	Close() error
}

// BlobSource reads blobs: the part of Blobs that a backup and a check need of a store
// that a server has open meanwhile.
type BlobSource interface {
	Open(ctx context.Context, name BlobName) (Blob, error)
	List(ctx context.Context, after BlobName, n int) ([]BlobName, error)
}

// Blob is one blob, open. ReadAt may be called from many goroutines; beyond the
// end it gives io.EOF as io.ReaderAt says, and ErrBlobsUnavailable when the disk
// fails. The caller closes it; nothing can be read afterwards.
type Blob interface {
	io.ReaderAt
	io.Closer
	// Size returns its length in bytes.
	Size() int64
}
