// Command s3 is a real S3 server over a folder for tests: the Versity S3 Gateway's
// POSIX backend behind its own API, without the gateway's other backends, which take
// minutes to build. Its credential is in ROOT_ACCESS_KEY and ROOT_SECRET_KEY.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/embedgw"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: s3 host:port folder")
		os.Exit(2)
	}
	if err := serve(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "s3:", err)
		os.Exit(1)
	}
}

func serve(addr, dir string) error {
	data, side := dir+"/data", dir+"/side"
	for _, d := range []string{data, side} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return err
		}
	}
	metadata, err := meta.NewSideCar(side) // extended attributes are not everywhere
	if err != nil {
		return err
	}
	backend, err := posix.New(data, metadata, posix.PosixOpts{SideCarDir: side, Concurrency: 64})
	if err != nil {
		return err
	}
	return embedgw.RunVersityGW(context.Background(), backend, &embedgw.Config{
		RootUserAccess: os.Getenv("ROOT_ACCESS_KEY"), RootUserSecret: os.Getenv("ROOT_SECRET_KEY"),
		Ports: []string{addr}, MaxConnections: 1000, MaxRequests: 500, MultipartMaxParts: 10_000, Quiet: true,
	})
}
