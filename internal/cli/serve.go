package cli

import (
	"fmt"

	"github.com/amanah-project/amanah/internal/app"
)

type serveCmd struct {
	settings
	UntilEOF bool `name:"until-eof" hidden:"" help:"End when standard input ends."`
}

// Help shows how to start.
func (serveCmd) Help() string {
	return `The data folder initialises itself. The server refuses to start on a combination
of settings that would undo a promise, and says how to mend it.

Examples:
  amanah serve --keeper-same-user                     a trial on this host
  amanah serve --config /etc/amanah/amanah.toml       an installation`
}

// Run serves until it is interrupted.
func (cmd *serveCmd) Run(c *console) error {
	ctx, cancel := c.until(cmd.UntilEOF)
	defer cancel()
	return app.Serve(ctx, cmd.Config, c.errors)
}

type keeperCmd struct {
	Keep    keeperKeepCmd    `cmd:"" name:"run" default:"withargs" help:"Run the keeper."`
	Shares  keeperSharesCmd  `cmd:"" help:"Share the root key among holders, some of whom recover it."`
	Recover keeperRecoverCmd `cmd:"" help:"Recover the root key from shares, under a new credential."`
}

type keeperKeepCmd struct {
	app.KeeperConfig
}

// Help shows how to start.
func (keeperKeepCmd) Help() string {
	return `Two sockets appear in --sockets: serve.sock for the server and admin.sock for
commands. The keeper refuses peers of its own user unless --same-user.

Example:
  amanah keeper --dir /var/lib/amanah-keeper --credential /run/credentials/root.key \
      --sockets /run/amanah-keeper --host amanah.example`
}

// Run keeps until it is interrupted.
func (cmd *keeperKeepCmd) Run(c *console) error {
	return app.RunKeeper(c.ctx, cmd.KeeperConfig, c.in, c.errors)
}

type keeperSharesCmd struct {
	app.SharesConfig
}

// Help shows how to share.
func (keeperSharesCmd) Help() string {
	return `Each file is for one holder and needs nothing but the others: give each away and keep
none. Fewer than --need of them tell nothing of the root key. The keeper may run
meanwhile. Shares stay good for as long as the root key is.

Example:
  amanah keeper shares --dir /var/lib/amanah-keeper --credential /run/credentials/root.key \
      --of 5 --need 3 --out /mnt/stick`
}

// Run writes the shares.
func (cmd *keeperSharesCmd) Run(c *console) error {
	names, err := app.MakeShares(cmd.SharesConfig)
	for _, n := range names {
		fmt.Fprintln(c.out, n)
	}
	return err
}

type keeperRecoverCmd struct {
	app.RecoverConfig
}

// Help shows how to recover.
func (keeperRecoverCmd) Help() string {
	return `Writes the file of the root key anew, sealed by --credential, if the shares are of the
root key that wrapped what lies beside it. The keeper must not run.

Examples:
  amanah keeper recover share-1-of-5 share-2-of-5 share-4-of-5 \
      --dir /var/lib/amanah-keeper --credential /run/credentials/new.key
  amanah keeper recover share-1-of-5 share-2-of-5 share-4-of-5 \
      --recovery /mnt/officers/recovery --credential new.key`
}

// Run recovers the root key.
func (cmd *keeperRecoverCmd) Run(c *console) error {
	if err := app.RecoverRoot(cmd.RecoverConfig); err != nil {
		return err
	}
	fmt.Fprintln(c.out, "the root key is sealed by the new credential")
	return nil
}
