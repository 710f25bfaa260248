// Command amanah is the whole system in one binary; see `amanah --help`.
package main

import (
	"os"

	"github.com/amanah-project/amanah/internal/cli"
)

func main() {
	os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
