package record

import "time"

// UploadStore remembers documents whose blobs are on their way and whose records are
// not there yet, so that a blob that never got its record is found again. Methods run
// inside the caller's transaction.
type UploadStore interface {
	// Begin notes an upload before its blob is stored; one that is noted keeps its time.
	Begin(name [32]byte, at time.Time) error
	// End forgets uploads.
	End(names [][32]byte) error
	// Stale returns up to n uploads that began before a moment, the oldest first.
	Stale(before time.Time, n int) ([][32]byte, error)
	// Held says of each name, in order, whether a version of a record names the blob.
	Held(names [][32]byte) ([]bool, error)
}
