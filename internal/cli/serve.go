package cli

import (
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
	app.KeeperConfig
}

// Help shows how to start.
func (keeperCmd) Help() string {
	return `Two sockets appear in --sockets: serve.sock for the server and admin.sock for
commands. The keeper refuses peers of its own user unless --same-user.

Example:
  amanah keeper --dir /var/lib/amanah-keeper --credential /run/credentials/root.key \
      --sockets /run/amanah-keeper --host amanah.example`
}

// Run keeps until it is interrupted.
func (cmd *keeperCmd) Run(c *console) error {
	return app.RunKeeper(c.ctx, cmd.KeeperConfig, c.in, c.errors)
}
