// Command s3 is a real S3 server over a folder for tests: the Versity S3 Gateway's
// POSIX backend behind its own API, without the gateway's other backends, which take
// minutes to build. Its credential is in ROOT_ACCESS_KEY and ROOT_SECRET_KEY; another,
// which may do what a bucket's policy says and nothing else, in USER_ACCESS_KEY and
// USER_SECRET_KEY.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/versity/versitygw/auth"
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
	// Metadata in extended attributes comes with the object; in files of their own it
	// may for a moment not be there.
	data := dir + "/data"
	if err := os.Mkdir(data, 0o700); err != nil {
		return err
	}
	if err := (meta.XattrMeta{}).Test(data); err != nil {
		return fmt.Errorf("%s is on a file system without extended attributes, set TMPDIR to another: %w", dir, err)
	}
	backend, err := posix.New(data, meta.XattrMeta{}, posix.PosixOpts{Concurrency: 64})
	if err != nil {
		return err
	}
	iam := dir + "/iam"
	if err := os.Mkdir(iam, 0o700); err != nil {
		return err
	}
	users, err := auth.NewInternal(auth.Account{Access: os.Getenv("ROOT_ACCESS_KEY")}, iam)
	if err != nil {
		return err
	}
	if err := users.CreateAccount(auth.Account{Access: os.Getenv("USER_ACCESS_KEY"), Secret: os.Getenv("USER_SECRET_KEY"), Role: auth.RoleUser}); err != nil {
		return err
	}
	return embedgw.RunVersityGW(context.Background(), backend, &embedgw.Config{
		RootUserAccess: os.Getenv("ROOT_ACCESS_KEY"), RootUserSecret: os.Getenv("ROOT_SECRET_KEY"),
		IAMService: users, Ports: []string{addr}, MaxConnections: 1000, MaxRequests: 500, MultipartMaxParts: 10_000, Quiet: true,
	})
}
