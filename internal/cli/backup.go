package cli

import (
	"time"

	"github.com/amanah-project/amanah/internal/app"
	"github.com/amanah-project/amanah/internal/backup"
)

type backupCmd struct {
	Make   backupMakeCmd   `cmd:"" default:"withargs" help:"Make a backup; what is there already is not put again."`
	Verify backupVerifyCmd `cmd:"" help:"Walk the chain of backups and open the newest."`

	Orphans backupOrphansCmd `cmd:"" help:"Find, and remove, what backups that were cut off left."`
}

type backupMakeCmd struct {
	settings
	app.BackupPlace
	Recovery string `required:"" help:"Folder, of other custody than the backups, for what a restore needs beside them. It is written over: a copy that is kept keeps erased people readable."`
	JSON     bool   `help:"Print JSON."`
}

// Help shows how.
func (backupMakeCmd) Help() string {
	return `May run beside a server, as often as wanted: what did not change is not put again,
and an interrupted one goes on where it stopped. It is of one moment; what is
acknowledged afterwards is in the next. Documents are read beside the server and put
once, each as it is sealed. A backup in a bucket wants a credential that may put and get
objects and list the bucket, and not delete; what an upload that was cut off left in it,
the bucket's owner has expire after a day.

Example:
  amanah backup --at /mnt/backups --recovery /mnt/officers/recovery`
}

// Run makes a backup.
func (cmd *backupMakeCmd) Run(c *console) error {
	return app.Operate(c.ctx, cmd.Config, c.errors, func(o *app.Operator) error {
		bar := c.progress("backing up")
		made, err := o.Backup(c.ctx, cmd.BackupPlace, cmd.Recovery, func(bytes, rows int64) { bar.show(bytes, bytes, rows) })
		bar.end()
		if err != nil {
			return err
		}
		return c.table(cmd.JSON, made, []string{"BACKUP", "OF", "PEOPLE", "ROWS", "DOCUMENTS", "BYTES", "PIECES PUT"}, func(row func(...any)) {
			row(made.N, made.Held.Format(time.RFC3339), made.People, made.Rows, made.Blobs, made.Bytes, made.Put)
		})
	})
}

type backupVerifyCmd struct {
	settings
	app.BackupPlace
	Sample int  `default:"100" help:"People and documents that are opened, at most so many of each."`
	JSON   bool `help:"Print JSON."`
}

// Help shows how.
func (backupVerifyCmd) Help() string {
	return `Walks the backups from the last that the keeper journaled to the first, opens every
piece of the newest, hashes a sample of its documents, and through the keeper, under
intents, opens a sample of its people's rows and reads documents by the key of their
record. Changed people are those who were written since: the keeper gives no key of an
older version.

Example:
  amanah backup verify --at /mnt/backups --json`
}

// Run verifies backups.
func (cmd *backupVerifyCmd) Run(c *console) error {
	return app.Operate(c.ctx, cmd.Config, c.errors, func(o *app.Operator) error {
		bar := c.progress("verifying")
		got, err := o.VerifyBackup(c.ctx, cmd.BackupPlace, cmd.Sample, func(bytes, rows int64) { bar.show(bytes, bytes, rows) })
		bar.end()
		if err != nil {
			return err
		}
		return c.verified(cmd.JSON, got)
	})
}

type backupOrphansCmd struct {
	settings
	app.BackupPlace
	Remove bool `help:"Remove it, under credentials of the place's owner; a backup's own cannot."`
	JSON   bool `help:"Print JSON."`
}

// Help shows how.
func (backupOrphansCmd) Help() string {
	return `A backup that was cut off has put pieces; the next one uses those that did not change
meanwhile, and nothing needs the others. This walks the whole chain and counts what belongs
to no backup in it; with one missing it counts nothing. The credential of backups lists and
reads, and deletes nothing: whoever owns the place removes, on this host and with their own
credential, while no backup runs. Then run amanah backup verify.

Example:
  amanah backup orphans --at https://s3.example/backups --bucket-credential owner.txt --remove`
}

// Run finds orphans.
func (cmd *backupOrphansCmd) Run(c *console) error {
	return app.Operate(c.ctx, cmd.Config, c.errors, func(o *app.Operator) error {
		got, err := o.BackupOrphans(c.ctx, cmd.BackupPlace, cmd.Remove)
		if err != nil {
			return err
		}
		return c.table(cmd.JSON, got, []string{"ORPHANS", "BYTES", "KEPT", "REMOVED"}, func(row func(...any)) {
			row(got.Found, got.Bytes, got.Kept, got.Removed)
		})
	})
}

func (c *console) verified(asJSON bool, v backup.Verified) error {
	return c.table(asJSON, v, []string{"BACKUPS", "NEWEST OF", "PIECES", "DOCUMENTS", "READ", "OPENED", "CHANGED", "ERASED"}, func(row func(...any)) {
		row(v.Backups, v.Newest.Held.Format(time.RFC3339), v.Pieces, v.Documents, v.Read, v.Opened, v.Changed, v.Erased)
	})
}

type restoreCmd struct {
	settings
	app.RestoreConfig
	JSON bool `help:"Print JSON."`
}

// Help shows how.
func (restoreCmd) Help() string {
	return `Restores the newest backup into an empty database, an empty keeper's folder and the
empty store of documents that the configuration names, on disk or in a bucket, whichever
it was before; and says from when what was acknowledged is lost. Then start the keeper
and run amanah check. Give the keeper's folder to the keeper's user.

Example:
  amanah restore --at /mnt/backups --recovery /mnt/officers/recovery \
      --root-credential /run/credentials/root.key --keeper-dir /var/lib/amanah-keeper`
}

// Run restores.
func (cmd *restoreCmd) Run(c *console) error {
	bar := c.progress("restoring")
	got, err := app.Restore(c.ctx, cmd.Config, cmd.RestoreConfig, func(bytes, rows int64) { bar.show(bytes, bytes, rows) })
	bar.end()
	if err != nil {
		return err
	}
	return c.table(cmd.JSON, got, []string{"BACKUP", "OF", "PEOPLE", "ROWS", "DOCUMENTS", "BYTES", "LOST"}, func(row func(...any)) {
		row(got.N, got.Held.Format(time.RFC3339), got.People, got.Rows, got.Blobs, got.Bytes, got.Lost)
	})
}
