package document

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/domain/vault"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/flow/care"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/store"
	"github.com/amanah-project/amanah/internal/trace/likeness"
)

// Errors of sealed documents.
var (
	// ErrLost: a record names a blob that is not there, or is not what it was.
	ErrLost = fault.New(fault.Unavailable, "the document is missing or altered in the document store: tell the operator, who runs `amanah check`")
	// ErrLong: more than a document may have.
	ErrLong = fault.Newf(fault.Invalid, "a document has at most %d bytes", int64(MaxSize))
)

// MaxSize bounds a document, in bytes of the clear.
const MaxSize = 16 << 30

// Keeper computes the names of blobs.
type Keeper interface {
	Index(ctx context.Context, kind keeper.Kind, values [][]byte) ([]identity.Tag, error)
}

// Spooled is room for one sealed document on its way: written once and then read. Close
// forgets it.
type Spooled interface {
	io.Writer
	io.ReaderAt
	io.Closer
}

// Vault seals documents into blobs and opens them. It is safe for concurrent use.
type Vault struct {
	DB     store.DB
	Blobs  store.Blobs
	Keeper Keeper
	Spool  func() (Spooled, error)
	Now    func() time.Time

	// Lane is shared with whatever else looks into documents to know them again.
	Lane *likeness.Lane
}

var _ care.Documents = (*Vault)(nil)

// Seal keeps what content gives up to io.EOF as a sealed blob, durable when it returns,
// for a record to name. The document is sealed under a key of its own, which is bound
// to its person and kind by the record that holds it.
func (v *Vault) Seal(ctx context.Context, _ identity.PersonID, _ record.Kind, content io.Reader) (record.Document, error) {
	return v.seal(ctx, content, func(r io.Reader) error {
		_, err := io.Copy(io.Discard, r)
		return err
	}, nil)
}

// seal is Seal; look reads the document in the clear meanwhile and may refuse it, and
// then, when all of it was read and before any of it is kept, ready may.
func (v *Vault) seal(ctx context.Context, content io.Reader, look func(io.Reader) error, ready func() error) (record.Document, error) {
	spooled, err := v.Spool()
	if err != nil {
		return record.Document{}, err
	}
	defer spooled.Close() // nothing is lost with it
	p := &passage{to: spooled, key: vault.NewDocumentKey(), plain: sha256.New(), sealed: sha256.New()}
	if err := p.take(ctx, content, look); err != nil {
		return record.Document{}, err
	}
	if ready != nil {
		if err := ready(); err != nil {
			return record.Document{}, err
		}
	}
	d := record.Document{Key: record.Key(p.key), Size: p.size, Sealed: p.long, Hash: [32]byte(p.plain.Sum(nil))}
	if d.Like, err = v.look(ctx, spooled, &d); err != nil {
		return record.Document{}, err
	}
	if d.Name, err = NameOf(ctx, v.Keeper, p.sealed.Sum(nil)); err != nil {
		return record.Document{}, err
	}
	now := v.Now()
	if err := v.DB.Update(ctx, func(s store.Stores) error { return s.Uploads.Begin(d.Name, now) }); err != nil {
		return record.Document{}, err
	}
	return d, v.Blobs.Put(ctx, d.Name, io.NewSectionReader(spooled, 0, d.Sealed))
}

// NameOf computes the name of the blob whose bytes have this SHA-256: the keeper's
// keyed hash of it, so that whoever holds a blob and may ask the keeper can tell
// whether it is what it was, without any person's key.
func NameOf(ctx context.Context, k Keeper, sum []byte) (store.BlobName, error) {
	var name store.BlobName
	tags, err := k.Index(ctx, keeper.KindBlob, [][]byte{append([]byte{1}, sum...), append([]byte{2}, sum...)})
	if err != nil {
		return name, err
	}
	if len(tags) != 2 {
		return name, fmt.Errorf("document: %d tags for a name", len(tags))
	}
	copy(name[:], tags[0][:])
	copy(name[len(tags[0]):], tags[1][:])
	return name, nil
}

// Open opens a document for reading any range of it. ErrLost when the blob is not
// there or not the one that was sealed; a part altered inside gives ErrLost when it is
// read.
func (v *Vault) Open(ctx context.Context, _ identity.PersonID, _ record.Kind, d record.Document) (care.Opened, error) {
	return v.open(ctx, d)
}

func (v *Vault) open(ctx context.Context, d record.Document) (*Content, error) {
	return openIn(ctx, v.Blobs, d)
}

// Reader opens documents and keeps none: for who reads beside a server.
type Reader struct{ Blobs store.BlobSource }

// Open opens a document as a Vault does.
func (r Reader) Open(ctx context.Context, _ identity.PersonID, _ record.Kind, d record.Document) (care.Opened, error) {
	return openIn(ctx, r.Blobs, d)
}

func openIn(ctx context.Context, blobs interface {
	Open(ctx context.Context, name store.BlobName) (store.Blob, error)
}, d record.Document) (*Content, error) {
	blob, err := blobs.Open(ctx, d.Name)
	if err != nil {
		return nil, lost(err)
	}
	doc, err := vault.OpenDocument(blob, blob.Size(), d.Key[:])
	if err == nil && (blob.Size() != d.Sealed || doc.Size() != d.Size) {
		err = vault.ErrOpen
	}
	if err != nil {
		return nil, errors.Join(lost(err), blob.Close())
	}
	return &Content{blob: blob, doc: doc}, nil
}

// Drop is told of a document whose record did not come to be. Whether that is so is
// known only when no transaction can be under way any more: Sweep removes the blob.
func (v *Vault) Drop(context.Context, record.Document) error { return nil }

// Content is an opened document. ReadAt may be called from many goroutines; a part
// that was altered gives ErrLost and nothing of it. The caller closes it.
type Content struct {
	blob store.Blob
	doc  *vault.Document
}

// Size returns the document's length in bytes.
func (c *Content) Size() int64 { return c.doc.Size() }

// ReadAt implements io.ReaderAt.
func (c *Content) ReadAt(p []byte, off int64) (int, error) {
	n, err := c.doc.ReadAt(p, off)
	return n, lost(err)
}

// Close implements io.Closer.
func (c *Content) Close() error { return c.blob.Close() }

// lost tells a document that is gone or altered from a store that cannot be asked.
func lost(err error) error {
	if errors.Is(err, vault.ErrOpen) || errors.Is(err, store.ErrNoBlob) {
		return errors.Join(ErrLost, err)
	}
	return err
}

// passage is a document on its way from whoever brings it to the spool.
type passage struct {
	to     io.Writer
	key    []byte
	size   int64 // in the clear
	long   int64 // sealed
	plain  hash.Hash
	sealed hash.Hash
}

// Write takes sealed bytes.
func (p *passage) Write(b []byte) (int, error) {
	n, err := p.to.Write(b)
	p.long += int64(n)
	p.sealed.Write(b[:n])
	return n, err
}

// take reads a document to its end, sealing it, while it is looked at. What the look
// says is wrong goes before what came of it.
func (p *passage) take(ctx context.Context, from io.Reader, look func(io.Reader) error) error {
	sealer, err := vault.SealDocument(p, p.key)
	if err != nil {
		return err
	}
	out, in := io.Pipe()
	looked := make(chan error, 1)
	go func() {
		err := look(out)
		if err == nil {
			_, err = io.Copy(io.Discard, out) // the rest says nothing
		}
		_ = out.CloseWithError(err)
		looked <- err
	}()
	src := &bounded{ctx: ctx, from: from}
	p.size, err = io.CopyBuffer(io.MultiWriter(in, p.plain, sealer), src, make([]byte, 64<<10))
	_ = in.CloseWithError(err) // nil is io.EOF
	if said := <-looked; said != nil && src.err == nil {
		return said
	}
	if err != nil {
		return err
	}
	return sealer.Close()
}

// bounded reads until its context ends, and no more than a document may have. It
// remembers its own end, if that was none.
type bounded struct {
	ctx  context.Context
	from io.Reader
	n    int64
	err  error
}

// Read implements io.Reader.
func (b *bounded) Read(p []byte) (n int, err error) {
	if err = b.ctx.Err(); err == nil {
		n, err = b.from.Read(p)
	}
	if b.n += int64(n); b.n > MaxSize {
		err = ErrLong
	}
	if err != nil && err != io.EOF {
		b.err = err
	}
	return n, err
}
