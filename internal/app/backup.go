package app

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/amanah-project/amanah/internal/backup"
	"github.com/amanah-project/amanah/internal/durable"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/root"
	keeperserver "github.com/amanah-project/amanah/internal/keeper/server"
	"github.com/amanah-project/amanah/internal/store"
	"github.com/amanah-project/amanah/internal/store/disk"
	"github.com/amanah-project/amanah/internal/store/s3"
)

// BackupPlace says where backups are.
type BackupPlace struct {
	At         string `required:"" help:"Folder or https://host/bucket/prefix of backups. Give credentials that may put and read there, and not delete."`
	Region     string `default:"us-east-1" help:"Region of the bucket."`
	Credential string `name:"bucket-credential" help:"File of two lines, the bucket's access key and its secret, which only its owner may read."`
}

func (p BackupPlace) open(ctx context.Context) (store.Blobs, error) {
	if !strings.Contains(p.At, "://") {
		return disk.Open(durable.OS(p.At))
	}
	c, err := root.ReadCredential(p.Credential)
	if err != nil {
		return nil, err
	}
	lines := strings.Fields(string(c.Secret))
	if len(lines) != 2 {
		return nil, fault.New(fault.Invalid, "the bucket's credential is a file of two lines: access key and secret")
	}
	return s3.Open(ctx, s3.Bucket{URL: p.At, Region: p.Region, Key: lines[0], Secret: s3.Secret(lines[1])})
}

// errDatabase refuses engines that keep no tables.
var errDatabase = fault.New(fault.Invalid, "this database cannot be copied")

// copiedDB is a database that is copied whole.
type copiedDB interface {
	store.DB
	store.Copier
}

// Backup makes a backup and writes the recovery folder anew.
func (o *Operator) Backup(ctx context.Context, p BackupPlace, recovery string, step func(bytes, rows int64)) (made backup.Made, err error) {
	db, ok := o.DB.(copiedDB)
	if !ok {
		return made, errDatabase
	}
	alone, err := o.aloneAtBackups()
	if err != nil {
		return made, err
	}
	defer func() { err = errors.Join(err, alone.Close()) }()
	target, err := p.open(ctx)
	if err != nil {
		return made, err
	}
	defer func() { err = errors.Join(err, target.Close()) }()
	folder := durable.OS(recovery)
	if err := folder.MkdirAll(""); err != nil {
		return made, err
	}
	blobs, err := o.cfg.lookBlobs(ctx)
	if err != nil {
		return made, err
	}
	return backup.Make(ctx, backup.Options{
		DB: db, Keeper: o.Keeper, Blobs: blobs, Target: target, Step: step,
		Keep: func(r keeper.Recovery) error {
			return errors.Join(durable.WriteFile(folder, recoveryRoot, r.Root), durable.WriteFile(folder, recoveryKeys, r.Keys))
		},
	})
}

// Files of the recovery folder.
const (
	recoveryRoot = "root"
	recoveryKeys = "keys"
)

// errBackupRuns keeps backups apart from each other and from a removal.
var errBackupRuns = fault.New(fault.Conflict, "a backup, or a removal of what backups left, runs here: wait for its end")

// aloneAtBackups holds off other backups on this host until it is closed.
func (o *Operator) aloneAtBackups() (io.Closer, error) {
	l, err := durable.OS(o.cfg.Data).Lock("backup.lock")
	if errors.Is(err, durable.ErrLocked) {
		err = errBackupRuns
	}
	return l, err
}

// BackupOrphans finds what backups that were cut off left, and with remove deletes it, under
// the credentials of the place's owner.
func (o *Operator) BackupOrphans(ctx context.Context, p BackupPlace, remove bool) (out backup.Orphans, err error) {
	alone, err := o.aloneAtBackups()
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, alone.Close()) }()
	err = o.book(ctx, p, func(b backup.Book, target store.Blobs) (err error) {
		out, err = b.Orphans(ctx, target, remove)
		return err
	})
	return out, err
}

// book opens a place with the backups that the keeper knows of, and closes it after do.
func (o *Operator) book(ctx context.Context, p BackupPlace, do func(b backup.Book, target store.Blobs) error) (err error) {
	target, err := p.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, target.Close()) }()
	g, err := o.Keeper.Backup(ctx, keeper.BackupAsk{Step: keeper.BackupBegin})
	if err != nil {
		return err
	}
	return do(backup.Book{
		Target: target, Keys: backup.Keys{Data: g.Backup.Data, Name: g.Backup.Name}, Log: o.ring.set.Load().log,
		Last: keeper.Backed{N: g.Backup.N - 1, Digest: g.Backup.Before},
	}, target)
}

// VerifyBackup walks the chain of backups that the keeper knows of, opens every piece
// of the newest, and a sample of its people through the keeper.
func (o *Operator) VerifyBackup(ctx context.Context, p BackupPlace, sample int, step func(bytes, rows int64)) (out backup.Verified, err error) {
	err = o.book(ctx, p, func(b backup.Book, _ store.Blobs) (err error) {
		out, err = b.Verify(ctx, o.Keeper, "operator", sample, step)
		return err
	})
	return out, err
}

// RestoreConfig says what is restored, and where to.
type RestoreConfig struct {
	BackupPlace  `embed:""`
	Recovery     string `required:"" help:"The recovery folder that the backups wrote."`
	KeeperDir    string `help:"Folder that the keeper's is restored to: absent or empty. Not with --database-only."`
	RootFile     string `name:"root-credential" help:"File that seals the root key."`
	Passphrase   string `name:"root-passphrase-file" help:"File of the passphrase that seals it instead."`
	DatabaseOnly bool   `help:"Keeper and documents are there still: restore the database alone."`
}

// Restore makes an installation of its newest backup, in empty places.
func Restore(ctx context.Context, cfg Config, r RestoreConfig, step func(bytes, rows int64)) (out backup.Restored, err error) {
	if (r.KeeperDir == "") != r.DatabaseOnly {
		return out, fault.New(fault.Invalid, "give either --keeper-dir or --database-only")
	}
	credential, err := KeeperConfig{Credential: r.RootFile, PassphraseFile: r.Passphrase}.existing()
	if err != nil {
		return out, err
	}
	recovered, err := openRecovery(r.Recovery, credential)
	if err != nil {
		return out, err
	}
	target, err := r.open(ctx)
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, target.Close()) }()
	if err := cfg.MakeData(); err != nil {
		return out, err
	}
	opened, err := openDatabase(ctx, cfg)
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, opened.Close()) }()
	db, ok := opened.(copiedDB)
	if !ok {
		return out, errDatabase
	}
	into := backup.Into{DB: db, Step: step}
	if !r.DatabaseOnly {
		if into.Blobs, err = cfg.openBlobs(ctx); err != nil {
			return out, err
		}
		defer func() { err = errors.Join(err, into.Blobs.Close()) }()
		into.Keeper = func(c backup.Copy) error {
			return keeperserver.Restore(keeperserver.Options{Disk: durable.OS(r.KeeperDir), Credential: credential}, recovered, keeperserver.Copied{
				Held: c.Held, Number: c.N, Digest: c.Digest, Journal: c.Journal, Files: c.Files, Wraps: c.Wraps,
			})
		}
	}
	book := backup.Book{Target: target, Keys: backup.Keys{Data: recovered.Data, Name: recovered.Name}, Log: recovered.Log, Last: recovered.Last}
	return book.Restore(ctx, into)
}

func openRecovery(dir string, c root.Credential) (*keeperserver.Recovered, error) {
	folder := durable.OS(dir)
	root, err := durable.ReadFile(folder, recoveryRoot)
	keys, err2 := durable.ReadFile(folder, recoveryKeys)
	if err := errors.Join(err, err2); errors.Is(err, fs.ErrNotExist) {
		return nil, fault.New(fault.NotFound, filepath.Base(dir)+" is no recovery folder: it holds root and keys")
	} else if err != nil {
		return nil, err
	}
	return keeperserver.OpenRecovery(keeper.Recovery{Root: root, Keys: keys}, c)
}

// existing reads a credential that must be there.
func (cfg KeeperConfig) existing() (root.Credential, error) {
	if cfg.Credential != "" {
		if _, err := os.Stat(cfg.Credential); err != nil {
			return root.Credential{}, fault.New(fault.NotFound, "the root's credential file is not there; without it the root key comes back from its shares alone")
		}
	}
	return cfg.credential()
}
