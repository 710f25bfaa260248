package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/flow/signin"
	"github.com/amanah-project/amanah/internal/store"
)

// chromium is a real browser with an authenticator in software, spoken to over pipes by
// the DevTools protocol.
type chromium struct {
	*testing.T
	in      *os.File
	answers chan map[string]any
	rest    []byte
	session string
	holder  any // the authenticator
	n       int
	wrong   []string // what the page complained of
}

func browse(t *testing.T, program, serverAddr string) *chromium {
	t.Helper()
	ours, theirs, err := os.Pipe() // what it is told
	if err != nil {
		t.Fatal(err)
	}
	out, back, err := os.Pipe() // what it says
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(serverAddr)
	if err != nil {
		t.Fatal(err)
	}
	profile := t.TempDir()
	cmd := exec.Command(program, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
		"--remote-debugging-pipe", "--ignore-certificate-errors", "--user-data-dir="+profile,
		"--host-resolver-rules=MAP localhost:443 127.0.0.1:"+port, "about:blank")
	cmd.ExtraFiles = []*os.File{ours, back} // 3 and 4
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ours.Close()
	back.Close()
	c := &chromium{T: t, in: theirs, answers: make(chan map[string]any, 1000)}
	go func() {
		defer close(c.answers)
		buf := make([]byte, 64<<10)
		for {
			n, err := out.Read(buf)
			c.rest = append(c.rest, buf[:n]...)
			for {
				one, after, ok := bytes.Cut(c.rest, []byte{0})
				if !ok {
					break
				}
				var m map[string]any
				if json.Unmarshal(one, &m) == nil {
					c.answers <- m
				}
				c.rest = after
			}
			if err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // its children, too, which write to the profile
		_ = cmd.Wait()                                      // it was killed
		theirs.Close()
		out.Close()
		for range 100 { // a child that dies may write a last file
			if os.RemoveAll(profile) == nil {
				return
			}
			time.Sleep(50 * time.Millisecond)
		}
	})
	target := c.call("Target.createTarget", map[string]any{"url": "about:blank"})["targetId"]
	c.session = c.call("Target.attachToTarget", map[string]any{"targetId": target, "flatten": true})["sessionId"].(string)
	for _, domain := range []string{"Page", "Runtime", "Log"} {
		c.call(domain+".enable", nil)
	}
	c.call("WebAuthn.enable", nil)
	c.holder = c.call("WebAuthn.addVirtualAuthenticator", map[string]any{"options": map[string]any{
		"protocol": "ctap2", "transport": "usb", "hasResidentKey": true, "hasUserVerification": true, "isUserVerified": true,
		"automaticPresenceSimulation": true,
	}})["authenticatorId"]
	return c
}

// call asks and waits for the answer.
func (c *chromium) call(method string, params any) map[string]any {
	c.Helper()
	result, refused := c.try(method, params)
	if refused != "" {
		c.Fatalf("%s: %s", method, refused)
	}
	return result
}

// try is call, with what the browser refuses as a text; complaints that come meanwhile
// are kept.
func (c *chromium) try(method string, params any) (result map[string]any, refused string) {
	c.Helper()
	c.n++
	m := map[string]any{"id": c.n, "method": method}
	if params != nil {
		m["params"] = params
	}
	if c.session != "" {
		m["sessionId"] = c.session
	}
	raw, err := json.Marshal(m)
	if err != nil {
		c.Fatal(err)
	}
	if _, err := c.in.Write(append(raw, 0)); err != nil {
		c.Fatal(err)
	}
	for a := range c.answers {
		switch a["method"] {
		case "Log.entryAdded", "Runtime.exceptionThrown":
			said, err := json.Marshal(a["params"])
			if err != nil {
				c.Fatal(err)
			}
			if !strings.Contains(string(said), `"level":"warning"`) {
				c.wrong = append(c.wrong, string(said))
			}
		}
		if id, ok := a["id"].(float64); ok && int(id) == c.n {
			if a["error"] != nil {
				return nil, fmt.Sprint(a["error"])
			}
			result, _ := a["result"].(map[string]any)
			return result, ""
		}
	}
	c.Fatalf("%s: the browser is gone", method)
	return nil, ""
}

// eval runs script in the page and returns what it comes to, as a text: nothing if the
// page was left meanwhile.
func (c *chromium) eval(script string) string {
	c.Helper()
	got, refused := c.try("Runtime.evaluate", map[string]any{"expression": script, "returnByValue": true})
	switch {
	case leaving(refused):
		return ""
	case refused != "":
		c.Fatalf("%s: %s", script, refused)
	}
	result, _ := got["result"].(map[string]any)
	return fmt.Sprint(result["value"])
}

func (c *chromium) open(path string) {
	c.Helper()
	c.call("Page.navigate", map[string]any{"url": "https://localhost" + path})
	c.until("document.readyState + location.pathname", "complete"+strings.SplitN(strings.SplitN(path, "#", 2)[0], "?", 2)[0])
}

// leaving reports whether a script was refused because its page was being left: it is
// asked again of the next one.
func leaving(refused string) bool {
	return strings.Contains(refused, "navigated or closed") || strings.Contains(refused, "context was destroyed") ||
		strings.Contains(refused, "Cannot find context")
}

// until waits until script comes to what begins like want.
func (c *chromium) until(script, want string) string {
	c.Helper()
	var got string
	for range 600 { // a browser on a busy machine
		if got = c.eval(script); strings.HasPrefix(got, want) && got != "" {
			return got
		}
		time.Sleep(100 * time.Millisecond)
	}
	c.Fatalf("%s is %q, want %q; the page says %q, %q", script, got, want, c.eval("document.getElementById('wrong')?.textContent"), c.wrong)
	return ""
}

// chromiumHere returns the browser to test in, or skips as it was told to, loudly.
func chromiumHere(t *testing.T) string {
	t.Helper()
	if os.Getenv("SKIP_BROWSER") == "1" {
		t.Skip("SKIP_BROWSER=1: THE CONSOLE IS NOT TESTED IN A BROWSER")
	}
	program := os.Getenv("TEST_CHROMIUM")
	if program == "" {
		t.Fatal("TEST_CHROMIUM names no browser: run scripts/chromium.sh go test ./internal/app -run TestRealBrowser, or set SKIP_BROWSER=1")
	}
	return program
}

// TestRealBrowser: the first officer finishes their enrolment in Chromium with its
// virtual authenticator, signs in, and the desk is read by a signed request.
func TestRealBrowser(t *testing.T) {
	program := chromiumHere(t)
	r := newRig(t)
	web := httptest.NewTLSServer(r.server.routes())
	t.Cleanup(web.Close)
	flow := &signin.Flow{DB: r.server.db, Keeper: r.admin, Site: r.server.cfg.site(), Now: time.Now}
	err := r.server.db.Update(t.Context(), func(s store.Stores) error {
		return s.Staff.PutFacility(staff.Facility{ID: "dinkes-99", Name: "Uji", Since: time.Now()})
	})
	if err != nil {
		t.Fatal(err)
	}
	code, err := flow.Invite(t.Context(), staff.Actor{ID: "officer-1", Facility: "dinkes-99", Role: staff.RoleOfficer}, "")
	if err != nil {
		t.Fatal(err)
	}
	c := browse(t, program, web.Listener.Addr().String())
	c.open("/console/enrol?lang=en#" + code.Reveal())
	if got := c.eval("location.hash + document.getElementById('code').value"); got != code.Reveal() {
		t.Errorf("the code stands in the address still: %q", got)
	}
	c.eval("document.querySelector('#enrol button').click()")
	print := c.until("document.getElementById('done').hidden ? '' : document.getElementById('print').textContent", "")
	if err := flow.ConfirmHost(t.Context(), "officer-1", print); err != nil {
		t.Fatalf("%q: %v", print, err)
	}
	c.open("/console/sign-in?lang=en")
	c.eval("document.querySelector('#sign-in button').click()")
	c.until("location.pathname", "/console/desk")
	if got := c.until("document.getElementById('desk')?.hidden === false ? document.getElementById('actor').textContent : ''", "officer-1"); got != "officer-1 (officer, dinkes-99)" {
		t.Error(got)
	}
	c.eval("document.getElementById('purpose').value = 'uji'; document.querySelector('#ask button').click()")
	c.until("document.querySelector('#requests strong')?.textContent", "Powers beyond the desk: uji")
	if len(c.wrong) > 0 {
		t.Errorf("the browser complains: %q", c.wrong)
	}
	c.eval("document.getElementById('out').click()")
	c.until("location.pathname", "/console/sign-in")
	c.call("Page.navigate", map[string]any{"url": "https://localhost/console/desk?lang=id"})
	c.until("location.pathname + location.search", "/console/sign-in?lang=id") // who signed out is led back
}
