package app

import (
	"context"
	"crypto/ed25519"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/durable"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/flow/care"
	vaultflow "github.com/amanah-project/amanah/internal/flow/document"
	transferflow "github.com/amanah-project/amanah/internal/flow/transfer"
	"github.com/amanah-project/amanah/internal/store"
	"github.com/amanah-project/amanah/internal/store/disk"
	"github.com/amanah-project/amanah/internal/store/s3"
	"github.com/amanah-project/amanah/internal/trace/likeness"
	"github.com/amanah-project/amanah/internal/web/dicomweb"
	"github.com/amanah-project/amanah/internal/web/fhir"
	"github.com/amanah-project/amanah/internal/web/transfer"
)

// Documents says where sealed documents are kept.
type Documents struct {
	// Store is disk (a folder in Data, of one server alone) or s3 (a bucket of an
	// S3-compatible service, which several servers may share).
	Store string `toml:"store" help:"disk or s3." enum:"disk,s3" default:"disk"`
	// URL is https://host/bucket or https://host/bucket/prefix; plain http is taken
	// for this host alone. The service must heed If-None-Match: *.
	URL string `toml:"url" help:"The bucket, as https://host/bucket or https://host/bucket/prefix."`
	// Region is the one that the service's signatures name.
	Region string `toml:"region" help:"Region that the service's signatures name." default:"us-east-1"`
	// CredentialFile is a file of mode 0600 of two lines, the access key and its secret.
	CredentialFile string `toml:"credential_file" help:"File of two lines: access key and secret."`
}

// errShared: a folder of documents is one server's.
var errShared = fault.New(fault.Conflict, "another server keeps documents in this data folder: give each server its own data folder, and servers of one database a bucket of documents (documents.store s3)")

// checkDocuments says what is wrong with where documents are kept.
func (c Config) checkDocuments(say func(wrong bool, format string, args ...any)) {
	d := c.Documents
	s3 := d.Store == "s3"
	say(d.Store != "disk" && !s3, "documents.store is disk or s3")
	say(s3 && (d.URL == "" || d.Region == "" || d.CredentialFile == ""), "documents.store s3 needs documents.url, documents.region and documents.credential_file")
	say(!s3 && d.URL != "", "documents.url is set but documents.store is disk: the documents would not be where you think")
}

// openBlobs opens the store of sealed documents.
func (c Config) openBlobs(ctx context.Context) (store.Blobs, error) {
	if c.Documents.Store != "s3" {
		blobs, err := disk.Open(durable.OS(filepath.Join(c.Data, "documents")))
		if errors.Is(err, durable.ErrLocked) {
			return nil, errShared
		}
		return blobs, err
	}
	raw, err := os.ReadFile(c.Documents.CredentialFile)
	lines := strings.Fields(string(raw))
	if err != nil || len(lines) != 2 {
		return nil, fault.New(fault.Invalid, "documents.credential_file must be a file of two lines: access key and secret")
	}
	return s3.Open(ctx, s3.Bucket{URL: c.Documents.URL, Region: c.Documents.Region, Key: lines[0], Secret: s3.Secret(lines[1])})
}

// lookBlobs opens the sealed documents for reading, beside a server that has them open.
func (c Config) lookBlobs(ctx context.Context) (store.BlobSource, error) {
	if c.Documents.Store != "s3" {
		return disk.Look(durable.OS(filepath.Join(c.Data, "documents"))), nil
	}
	return c.openBlobs(ctx)
}

// newVault is the store of documents, sealed on their way through a folder of files
// without names.
func newVault(ctx context.Context, s *Server) (*vaultflow.Vault, error) {
	blobs, err := s.cfg.openBlobs(ctx)
	if err != nil {
		return nil, err
	}
	spool := filepath.Join(s.cfg.Data, "spool")
	if err := os.MkdirAll(spool, 0o700); err != nil {
		return nil, fault.Newf(fault.Unavailable, "the spool cannot be made: %v", unwrapPath(err))
	}
	return &vaultflow.Vault{
		DB: s.db, Blobs: blobs, Keeper: s.keeper, Now: time.Now, Lane: &likeness.Lane{},
		Spool: func() (vaultflow.Spooled, error) { return disk.Spool(spool), nil },
	}, nil
}

// OpenDocuments opens the site's store of documents and the flow that keeps them, beside
// no server: for measuring. done closes it.
func (s *Site) OpenDocuments(ctx context.Context) (flow *vaultflow.Flow, done func() error, err error) {
	blobs, err := s.cfg.openBlobs(ctx)
	if err != nil {
		return nil, nil, err
	}
	records, err := s.care()
	if err != nil {
		return nil, nil, errors.Join(err, blobs.Close())
	}
	spool := filepath.Join(s.cfg.Data, "spool")
	if err := os.MkdirAll(spool, 0o700); err != nil {
		return nil, nil, errors.Join(err, blobs.Close())
	}
	v := &vaultflow.Vault{DB: s.DB, Blobs: blobs, Keeper: s.Keeper, Now: s.now, Spool: func() (vaultflow.Spooled, error) { return disk.Spool(spool), nil }}
	records.Documents = v
	return &vaultflow.Flow{Vault: v, Records: records}, blobs.Close, nil
}

// sweepDocuments removes blobs that no record came to name.
func (s *Server) sweepDocuments(ctx context.Context) error {
	n, err := s.vault.Sweep(ctx)
	if n > 0 {
		s.log.Info("documents whose records never came to be are removed", "documents", n)
	}
	return err
}

// images serves DICOM instances to whom admit admits.
func (s *Server) images(admit func(http.ResponseWriter, *http.Request, bool) (care.Caller, error)) *dicomweb.Server {
	return &dicomweb.Server{Host: s.cfg.Host, Documents: &vaultflow.Flow{Vault: s.vault, Records: s.care}, Admit: admit, Now: time.Now}
}

// transfers serves what facilities send each other, to whom admit admits.
func (s *Server) transfers(admit func(http.ResponseWriter, *http.Request, bool) (care.Caller, error)) *transfer.Server {
	return &transfer.Server{Admit: admit, Flow: &transferflow.Flow{
		DB: s.db, Keeper: s.keeper, Records: s.care, Documents: s.vault, Base: "https://" + s.cfg.Host + fhir.Base, Now: time.Now,
	}}
}

// LogKey is the public key of what the keeper signs: statements, receipts, certificates.
func (o *Operator) LogKey() ed25519.PublicKey { return o.ring.logKey() }

// errRows: what a row does not hold.
var errRows = fault.New(fault.Invalid, "an import takes records of at most 4 MiB: the server has the store of documents, send it longer ones")

// rowsAlone stands where the store of documents is another process's: what outgrows a
// row is refused.
type rowsAlone struct{}

// Seal implements care.Documents.
func (rowsAlone) Seal(context.Context, identity.PersonID, record.Kind, care.Content) (record.Document, error) {
	return record.Document{}, errRows
}

// Open implements care.Documents.
func (rowsAlone) Open(context.Context, identity.PersonID, record.Kind, record.Document) (care.Opened, error) {
	return nil, errRows
}

// Drop implements care.Documents.
func (rowsAlone) Drop(context.Context, record.Document) error { return nil }
