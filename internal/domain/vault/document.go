package vault

import (
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"io"
	"sync"

	"github.com/amanah-project/amanah/internal/fault"
)

// A sealed document is a C2SP chunked-encryption message (c2sp.org/chunked-encryption,
// v1, with SHA-512 and AES-256-GCM): a salt, a commitment to the key, and chunks of
// 16 KiB of which only the last is shorter, so that any range opens alone and a
// document that was cut, reordered or extended does not open. Its length is not hidden.
//
// It has a key of its own, random, made before it is known whose it is: a document of
// many gigabytes must be under seal from its first byte, while a version of a record is
// begun and settled in a moment. The key stands in the record version that names the
// document, and that is sealed to its person, record and version (SealRecord), its kind
// within. So the document opens in that place alone, another one put in its stead does
// not open there, and it dies with the person's key.
const (
	chunkSize  = 16 << 10
	tagSize    = 16
	sealedSize = chunkSize + tagSize
	saltSize   = 24
	headSize   = saltSize + 32
	maxChunks  = 1 << 38
)

// ErrRange: a place before the document's beginning.
var ErrRange = fault.New(fault.Invalid, "a document has no bytes before its first")

// errShut is a mistake of the caller's.
var errShut = errors.New("vault: the document was closed")

// documentContext parts documents from whatever else may be sealed in this form.
const documentContext = "amanah document v1"

// NewDocumentKey makes the key of one document.
func NewDocumentKey() []byte {
	key := make([]byte, 32)
	rand.Read(key)
	return key
}

// DocumentSize returns how many bytes a document of so many takes when sealed.
func DocumentSize(plain int64) int64 {
	return headSize + plain + (plain/chunkSize+1)*tagSize
}

// chunks opens and seals by number.
type chunks struct {
	aead  cipher.AEAD
	nonce [12]byte // of chunk 0
}

// deriveChunks derives a document's keys and the commitment to them.
func deriveChunks(key, salt, context []byte) (c chunks, commitment []byte, err error) {
	if len(key) != 32 {
		return c, nil, ErrKey
	}
	info := "c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\x00" + string(salt) + string(context)
	all, err := hkdf.Expand(sha512.New, key, info, 32+12+32)
	if err != nil {
		return c, nil, err
	}
	if c.aead, err = newChunkAEAD(all[:32]); err != nil {
		return c, nil, err
	}
	copy(c.nonce[:], all[32:])
	return c, all[44:], nil
}

// at is the nonce of a chunk.
func (c *chunks) at(n int64) []byte {
	nonce := c.nonce
	low := binary.BigEndian.Uint64(nonce[4:])
	binary.BigEndian.PutUint64(nonce[4:], low^uint64(n))
	return nonce[:]
}

// sealing is a document on its way to its blob.
type sealing struct {
	chunks
	to     io.Writer
	plain  []byte // of the chunk at hand
	sealed []byte
	n      int64
	err    error // of an earlier call; errShut when closed
}

// SealDocument returns a writer that seals what is written to it under the document's
// own key, and writes that to dst. Only after Close has returned nil is the document
// whole; one that was not closed does not open. ErrKey for a key that cannot be.
func SealDocument(dst io.Writer, key []byte) (io.WriteCloser, error) {
	salt := make([]byte, saltSize, headSize)
	rand.Read(salt)
	c, commitment, err := deriveChunks(key, salt, []byte(documentContext))
	if err != nil {
		return nil, err
	}
	if _, err := dst.Write(append(salt, commitment...)); err != nil {
		return nil, err
	}
	return &sealing{chunks: c, to: dst, plain: make([]byte, 0, chunkSize), sealed: make([]byte, 0, sealedSize)}, nil
}

// Write implements io.Writer.
func (s *sealing) Write(p []byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	for rest := p; len(rest) > 0; {
		whole := rest
		if len(s.plain) == 0 && len(rest) >= chunkSize {
			whole, rest = rest[:chunkSize], rest[chunkSize:]
		} else {
			taken := min(chunkSize-len(s.plain), len(rest))
			s.plain, rest = append(s.plain, rest[:taken]...), rest[taken:]
			whole = s.plain
		}
		if len(whole) < chunkSize {
			break
		}
		if s.err = s.put(whole); s.err != nil {
			return 0, s.err
		}
		s.plain = s.plain[:0]
	}
	return len(p), nil
}

func (s *sealing) put(plain []byte) error {
	if s.n >= maxChunks {
		return ErrLarge
	}
	s.sealed = s.aead.Seal(s.sealed[:0], s.at(s.n), plain, nil)
	s.n++
	_, err := s.to.Write(s.sealed)
	return err
}

// Close seals the last chunk. It does not close dst.
func (s *sealing) Close() error {
	if s.err != nil {
		return s.err
	}
	err := s.put(s.plain)
	clear(s.plain[:cap(s.plain)])
	if s.err = errShut; err != nil {
		s.err = err
	}
	return err
}

// Document is an opened document. It is safe for concurrent use.
type Document struct {
	chunks
	from io.ReaderAt
	size int64
	pool sync.Pool // of *[sealedSize]byte
}

// OpenDocument opens a sealed document of so many bytes, for reading any range of it.
// Before it returns, the document is known to be of this key, and to end where src
// does: ErrOpen otherwise, without telling which; ErrKey for a key that cannot be. A
// chunk altered inside fails when it is read.
func OpenDocument(src io.ReaderAt, sealed int64, key []byte) (*Document, error) {
	var head [headSize]byte
	if sealed < headSize+tagSize {
		return nil, ErrOpen
	}
	if _, err := src.ReadAt(head[:], 0); err != nil {
		return nil, err
	}
	c, commitment, err := deriveChunks(key, head[:saltSize], []byte(documentContext))
	if err != nil {
		return nil, err
	}
	return openChunks(src, sealed, c, commitment, head[saltSize:])
}

func openChunks(src io.ReaderAt, sealed int64, c chunks, commitment, found []byte) (*Document, error) {
	if subtle.ConstantTimeCompare(commitment, found) != 1 {
		return nil, ErrOpen
	}
	body := sealed - headSize
	last, rest := body/sealedSize, body%sealedSize
	if rest < tagSize || last >= maxChunks {
		return nil, ErrOpen // it ends with a whole chunk, or inside a tag
	}
	d := &Document{chunks: c, from: src, size: last*chunkSize + rest - tagSize}
	d.pool.New = func() any { return new([sealedSize]byte) }
	var end [chunkSize]byte
	_, err := d.open(end[:0], last)
	return d, err
}

// Size returns the document's length in bytes.
func (d *Document) Size() int64 { return d.size }

// open appends a chunk's plaintext to dst.
func (d *Document) open(dst []byte, n int64) ([]byte, error) {
	length := min(chunkSize, d.size-n*chunkSize) + tagSize
	buf := d.pool.Get().(*[sealedSize]byte)
	defer d.pool.Put(buf)
	if read, err := d.from.ReadAt(buf[:length], headSize+n*sealedSize); read < int(length) {
		if err == nil || errors.Is(err, io.EOF) {
			err = ErrOpen // shorter than it was said to be
		}
		return nil, err
	}
	plain, err := d.aead.Open(dst, d.at(n), buf[:length], nil)
	if err != nil {
		return nil, ErrOpen
	}
	return plain, nil
}

// ReadAt implements io.ReaderAt. Reads of multiples of 16 KiB from multiples of
// 16 KiB open each chunk once. On an error nothing of the chunk that failed is in p.
func (d *Document) ReadAt(p []byte, off int64) (n int, err error) {
	if off < 0 {
		return 0, ErrRange
	}
	var part []byte // of a chunk that p does not take whole
	for n < len(p) && off < d.size {
		number, within := off/chunkSize, int(off%chunkSize)
		length := int(min(chunkSize, d.size-number*chunkSize))
		took := min(length-within, len(p)-n)
		if took == length {
			_, err = d.open(p[n:n:n+length], number)
		} else {
			if part == nil {
				part = make([]byte, 0, chunkSize)
			}
			var plain []byte
			if plain, err = d.open(part[:0], number); err == nil {
				copy(p[n:], plain[within:within+took])
			}
		}
		if err != nil {
			return n, err
		}
		n, off = n+took, off+int64(took)
	}
	clear(part[:cap(part)])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}
