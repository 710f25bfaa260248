package cli

import (
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/amanah-project/amanah/client"
	"github.com/amanah-project/amanah/internal/format/card/cardtest"
)

// TestMain makes this test binary the program as well, so that scripts, and the
// keepers that commands start, run it.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"amanah": func() { os.Exit(Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) },
	})
}

// TestScripts runs every script on an installation of its own.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		Setup:               install,
		WorkdirRoot:         shortDir(t),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exit": exit, "json": parses, "gzip": zip, "latin1": latin1, "await": await, "linkid": linkID, "cardcode": cardCode, "disputeno": disputeNumber,
			"erasure": signedErasure(t),
		},
	})
}

// shortDir returns a folder whose name leaves room for sockets: 108 bytes in all.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "am")
	if err == nil && len(dir) > 40 {
		dir, err = os.MkdirTemp("/tmp", "am")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// install writes the configuration of a script's installation and starts its
// keeper, unless the script has a file named nokeeper.
func install(env *testscript.Env) error {
	config := "data = 'd'\n[keeper]\nsame_user = true\n"
	_, err := os.Stat(filepath.Join(env.WorkDir, "nokeeper"))
	alone := err == nil
	if !alone {
		config += "socket = 'run/serve.sock'\n"
	}
	for _, name := range []string{"LISTEN", "OPS", "RELAY", "CERTIFY"} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		env.Setenv(name, l.Addr().String())
		if err := l.Close(); err != nil {
			return err
		}
	}
	config = fmt.Sprintf("listen = '%s'\nops = '%s'\n", env.Getenv("LISTEN"), env.Getenv("OPS")) + config
	if err := os.WriteFile(filepath.Join(env.WorkDir, "site.toml"), []byte(config), 0o600); err != nil {
		return err
	}
	env.Values[pair{}] = &pair{}
	if alone {
		return nil
	}
	return keep(env)
}

func keep(env *testscript.Env) error {
	if err := os.Mkdir(filepath.Join(env.WorkDir, "run"), 0o700); err != nil {
		return err
	}
	program, err := exec.LookPath("amanah")
	if err != nil {
		return err
	}
	cmd := exec.Command(program, "keeper", "--until-eof", "--same-user", "--dir", "k", "--sockets", "run", "--credential", "k.credential", "--host", "localhost")
	cmd.Dir = env.WorkDir
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	env.Defer(func() {
		_ = in.Close() // the keeper ends with it
		_ = cmd.Wait()
	})
	return dialled("unix", filepath.Join(env.WorkDir, "run", "admin.sock"))
}

// dialled waits until somebody answers.
func dialled(network, addr string) error {
	var last error
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		c, err := net.Dial(network, addr)
		if err == nil {
			return c.Close()
		}
		last = err
	}
	return last
}

// await waits for an address of TCP to answer.
func await(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: await address")
	}
	ts.Check(dialled("tcp", args[0]))
}

// linkID sets a variable to the number of the link that a credential asks by.
func linkID(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: linkid variable credential")
	}
	ts.Check(ts.Exec("amanah", "device", "links", "--link", ts.MkAbs(args[1]), "--json"))
	var links []client.Link
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &links))
	for _, l := range links {
		if l.This {
			ts.Setenv(args[0], l.Link)
			return
		}
	}
	ts.Fatalf("none of %d links is the credential's", len(links))
}

// cardCode writes the text of a printed card's code to a file.
func cardCode(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: cardcode card.pdf file")
	}
	text, err := cardtest.Read([]byte(ts.ReadFile(args[0])))
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(text+"\n"), 0o600))
}

// disputeNumber sets a variable to the number of the first dispute that waits.
func disputeNumber(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: disputeno variable")
	}
	ts.Check(ts.Exec("amanah", "dispute", "list", "--json", "--config", "site.toml"))
	var all []client.Dispute
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &all))
	if len(all) == 0 {
		ts.Fatalf("no dispute waits")
	}
	ts.Setenv(args[0], all[0].Number)
}

// exit runs a program that must end with that status.
func exit(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 || neg {
		ts.Fatalf("usage: exit status program [argument...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		status, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("%v", err)
		}
		got = status.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
}

// parses checks that standard output is one JSON value: a list of so many rows, or
// an object whose members are as given.
func parses(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) == 0 || neg {
		ts.Fatalf("usage: json list n [member=value...] | json object [member=value...]")
	}
	text := []byte(ts.ReadFile("stdout"))
	var first map[string]any
	switch args[0] {
	case "list":
		var rows []map[string]any
		ts.Check(json.Unmarshal(text, &rows))
		if fmt.Sprint(len(rows)) != args[1] {
			ts.Fatalf("%d rows, want %s", len(rows), args[1])
		}
		if rows == nil {
			ts.Fatalf("null is no list")
		}
		if args = args[2:]; len(args) > 0 {
			first = rows[len(rows)-1]
		}
	case "object":
		ts.Check(json.Unmarshal(text, &first))
		args = args[1:]
	default:
		ts.Fatalf("list or object")
	}
	for _, a := range args {
		name, want := cut(ts, a)
		if got := fmt.Sprint(first[name]); got != want {
			ts.Fatalf("%s is %s, want %s", name, got, want)
		}
	}
}

func cut(ts *testscript.TestScript, pair string) (name, value string) {
	for i := range pair {
		if pair[i] == '=' {
			return pair[:i], pair[i+1:]
		}
	}
	ts.Fatalf("%q is no member=value", pair)
	return "", ""
}

// zip compresses a file into another beside it.
func zip(ts *testscript.TestScript, _ bool, args []string) {
	f, err := os.OpenFile(ts.MkAbs(args[0]+".gz"), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	ts.Check(err)
	w := gzip.NewWriter(f)
	_, err = w.Write([]byte(ts.ReadFile(args[0])))
	ts.Check(errors.Join(err, w.Close(), f.Close()))
}

// latin1 writes a file anew as a program of old would have.
func latin1(ts *testscript.TestScript, _ bool, args []string) {
	var out []byte
	for _, r := range ts.ReadFile(args[0]) {
		out = append(out, byte(r))
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), out, 0o600))
}
