package certify_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/amanah-project/amanah/client"
	"github.com/amanah-project/amanah/ohttp"
	"github.com/amanah-project/amanah/verify"
)

// task is what the harness tells a client by its arguments.
type task struct {
	verb, link, code string
	timeout, every   time.Duration
}

func parseTask(args []string) (task, client.Credential, error) {
	var t task
	f := flag.NewFlagSet("device", flag.ContinueOnError)
	f.StringVar(&t.link, "link", "", "")
	f.StringVar(&t.code, "code", "", "")
	f.DurationVar(&t.timeout, "timeout", time.Second, "")
	f.DurationVar(&t.every, "every", time.Second, "")
	t.verb = args[0]
	if err := f.Parse(args[1:]); err != nil {
		return t, client.Credential{}, err
	}
	raw, err := os.ReadFile(t.link)
	if err != nil {
		return t, client.Credential{}, err
	}
	c, err := client.ParseCredential(raw)
	return t, c, err
}

// sdkDevice is the Go SDK's example client: what an app does with package client.
func sdkDevice(args []string) int {
	t, credential, err := parseTask(args)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	ctx, cancel := context.WithTimeout(context.Background(), t.timeout)
	defer cancel()
	d, err := client.Open(credential, client.Options{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	if t.verb == "cover" {
		d.StartCover(ctx, t.every, nil)
		return 0
	}
	v, err := d.CheckIn(ctx, client.CheckIn{Code: t.code, Party: 1})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return show(v.Colour)
}

func show(colour string) int {
	if err := json.NewEncoder(os.Stdout).Encode(map[string]string{"colour": colour}); err != nil {
		return 1
	}
	return 0
}

// rawDevice is a client written apart from package client, with one fault or none:
// the positive control of each case.
type rawDevice struct {
	fault  string
	task   task
	c      client.Credential
	prove  *prover
	http   *http.Client
	config ohttp.Config
	before []*ohttp.Exchange
}

// Errors of a client's own.
var (
	errLost    = errors.New("the answer was lost")
	errBad     = errors.New("the answer is not the platform's")
	errStale   = errors.New("the keys are not known")
	errNonce   = errors.New("use_dpop_nonce")
	errRefused = errors.New("refused")
)

func newRawDevice(fault string, args []string) (*rawDevice, error) {
	t, c, err := parseTask(args)
	if err != nil {
		return nil, err
	}
	d := &rawDevice{fault: fault, task: t, c: c, prove: &prover{key: ed25519.NewKeyFromSeed(c.Key)}, http: &http.Client{
		Transport: &http.Transport{DisableCompression: true, Proxy: nil},
	}}
	if fault == "signs with another key" {
		_, d.prove.key, err = ed25519.GenerateKey(nil)
	}
	if fault == "uses one proof id" {
		d.prove.id = "one"
	}
	if fault != "follows redirections" {
		d.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	}
	if fault == "keeps cookies" {
		d.http.Jar, err = cookiejar.New(nil)
	}
	return d, err
}

func rawDeviceMain(fault string, args []string) int {
	d, err := newRawDevice(fault, args)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	ctx, cancel := context.WithTimeout(context.Background(), d.task.timeout)
	defer cancel()
	if d.fault == "waits for ever" && d.task.verb == "checkin" {
		ctx = context.Background()
	}
	if d.task.verb == "cover" {
		for d.fault != "sends no covers" && ctx.Err() == nil {
			_, _ = d.ask(ctx, "/v1/visits/leave", func() []byte { return []byte(`{"cover":true}`) })
			select {
			case <-ctx.Done():
			case <-time.After(d.task.every):
			}
		}
		return 0
	}
	colour, err := d.checkIn(ctx)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if status := show(colour); d.fault != "ends as if it had failed" {
		return status
	}
	return 1
}

func (d *rawDevice) checkIn(ctx context.Context) (string, error) {
	if err := d.scan(ctx); err != nil {
		return "", err
	}
	nonce, holder := rand.Text(), b64(d.holder())
	body, err := d.ask(ctx, "/v1/visits", func() []byte {
		switch d.fault {
		case "names a visit anew each time":
			nonce = rand.Text()
		case "names every visit alike":
			nonce = "visit"
		}
		raw, err := json.Marshal(map[string]any{"code": d.task.code, "party": 1, "nonce": nonce, "holder": holder})
		if err != nil {
			panic(err)
		}
		return raw
	})
	if err != nil {
		return "", err
	}
	var v struct{ Colour string }
	if err := json.Unmarshal(body, &v); err != nil {
		return "", err
	}
	switch d.fault {
	case "keeps the answer":
		err = os.WriteFile("last.json", body, 0o600)
	case "keeps the answer in its home, encoded":
		err = os.WriteFile(os.Getenv("HOME")+"/.cache", []byte("x"+b64(body)), 0o600)
	case "keeps the answer that came late":
		if len(d.before) > 0 {
			err = os.WriteFile("late.json", body, 0o600)
		}
	case "logs the answer":
		fmt.Fprintln(os.Stderr, string(body))
	}
	return v.Colour, err
}

func (d *rawDevice) holder() []byte {
	if d.fault == "holds every ticket with one key" {
		return ed25519.NewKeyFromSeed(make([]byte, 32)).Public().(ed25519.PublicKey)
	}
	public, _, err := ed25519.GenerateKey(nil)
	if err != nil {
		panic(err)
	}
	return public
}

// scan checks the code, without asking anybody but the relay for signed keys.
func (d *rawDevice) scan(ctx context.Context) error {
	code := d.task.code
	if d.fault == "opens what it scans" {
		if u, err := url.Parse(code); err == nil && u.Hostname() != d.c.Host {
			_, _ = d.get(ctx, code)
		}
	}
	if d.fault == "opens what it scans by way of its proxy" {
		web := &http.Client{Transport: &http.Transport{Proxy: http.ProxyFromEnvironment}, Timeout: time.Second}
		if res, err := web.Get(code); err == nil {
			_ = res.Body.Close()
		}
	}
	if d.fault == "scans any host" {
		code = "https://" + d.c.Host + code[strings.Index(code, "/v/"):]
	}
	raw, err := verify.ParseVenueURL(code, d.c.Host)
	if err != nil {
		return err
	}
	doc, err := d.get(ctx, d.c.Relay+"/keys")
	if err != nil {
		return err
	}
	keys, err := verify.OpenPublished(doc, time.Now(), ed25519.PublicKey(d.c.Pin))
	if d.fault == "believes any keys of codes" && errors.Is(err, verify.ErrSignature) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = keys.Venues.VenueCode(raw, d.c.Host, time.Now())
	if d.fault == "believes forged codes" && errors.Is(err, verify.ErrSignature) || d.fault == "believes old codes" && errors.Is(err, verify.ErrExpired) {
		return nil
	}
	return err
}

func (d *rawDevice) get(ctx context.Context, url string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	req.Header["User-Agent"] = nil
	if d.fault == "names itself to documents" {
		req.Header.Set("User-Agent", "phone/1")
	}
	res, err := d.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	return io.ReadAll(res.Body)
}

func (d *rawDevice) configure(ctx context.Context) error {
	raw, err := d.get(ctx, d.c.Relay+"/ohttp-keys")
	if err != nil {
		return err
	}
	now := time.Now()
	if d.fault == "believes old keys" {
		now = now.Add(-2 * time.Hour)
	}
	signed, err := ohttp.VerifyConfigs(raw, now, ed25519.PublicKey(d.c.Pin))
	var configs []ohttp.Config
	switch {
	case err == nil:
		configs = signed.Configs
	case d.fault == "believes bare keys" && !errors.Is(err, ohttp.ErrSignature) && !errors.Is(err, ohttp.ErrExpired):
		configs, err = ohttp.ParseConfigs(raw)
	case d.fault == "believes any signature" && errors.Is(err, ohttp.ErrSignature):
		configs, err = ohttp.ParseConfigs(raw[19 : len(raw)-ed25519.SignatureSize])
	}
	if err != nil {
		return err
	}
	d.config, err = ohttp.Choose(configs)
	return err
}

// ask asks until it is answered, at most six times.
func (d *rawDevice) ask(ctx context.Context, path string, body func() []byte) ([]byte, error) {
	if err := d.configure(ctx); err != nil {
		return nil, err
	}
	content := body()
	var last error
	for try := range 6 {
		if try > 1 {
			time.Sleep(20 * time.Millisecond)
		}
		answer, err := d.once(ctx, path, content)
		switch {
		case err == nil:
			return answer, nil
		case errors.Is(err, errRefused) || ctx.Err() != nil:
			return nil, err
		case errors.Is(err, errStale) && d.fault != "keeps its keys":
			if err := d.configure(ctx); err != nil {
				return nil, err
			}
		case errors.Is(err, errLost):
			if d.fault == "names a visit anew each time" {
				content = body()
			}
		}
		last = err
	}
	return nil, last
}

func (d *rawDevice) once(ctx context.Context, path string, content []byte) ([]byte, error) {
	url := "https://" + d.c.Host + path
	if d.fault == "proves another URL" {
		url = d.c.Relay
	}
	message, err := ohttp.AppendRequest(nil, &ohttp.Request{
		Method: http.MethodPost, Scheme: "https", Authority: d.c.Host, Path: path, Body: content,
		Header: []ohttp.Field{{Name: "authorization", Value: "DPoP " + d.c.Token}, {Name: "dpop", Value: d.prove.prove(http.MethodPost, url, d.c.Token)}},
	})
	if err != nil {
		return nil, err
	}
	sealed, exchange, err := d.config.Encapsulate(message)
	if err != nil {
		return nil, err
	}
	status, raw, err := d.post(ctx, sealed)
	if err != nil && d.fault == "sends the same bytes again" && ctx.Err() == nil {
		_, _, _ = d.post(ctx, sealed)
	}
	switch {
	case err != nil:
		d.before = append(d.before, exchange)
		return nil, errLost
	case status == http.StatusBadRequest && bytes.Contains(raw, []byte(ohttp.ProblemKey)):
		return nil, errStale
	case status != http.StatusOK:
		return nil, errRefused
	}
	return d.open(exchange, raw)
}

func (d *rawDevice) open(exchange *ohttp.Exchange, raw []byte) ([]byte, error) {
	opened, err := exchange.Open(raw)
	if err != nil && d.fault == "opens what answers an earlier message" {
		for _, x := range d.before {
			if opened, err = x.Open(raw); err == nil {
				break
			}
		}
	}
	if err != nil && d.fault == "takes plain answers" && json.Valid(raw) {
		return raw, nil
	}
	if err != nil && d.fault == "admits when an answer is damaged" && !json.Valid(raw) && len(d.before) == 0 {
		return []byte(`{"colour":"green"}`), nil
	}
	if err != nil {
		return nil, errBad
	}
	res, err := ohttp.ParseResponse(opened)
	if err != nil {
		return nil, errBad
	}
	if d.fault != "ignores nonces" {
		d.prove.keep(ohttp.Get(res.Header, "dpop-nonce"))
	}
	switch {
	case res.Status == http.StatusForbidden && bytes.Contains(res.Body, []byte("use_dpop_nonce")):
		return nil, errNonce
	case res.Status != http.StatusOK:
		return nil, errRefused
	}
	return res.Body, nil
}

func (d *rawDevice) post(ctx context.Context, sealed []byte) (int, []byte, error) {
	if d.fault == "sends a byte more" {
		sealed = append(slices.Clone(sealed), 0)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.c.Relay, bytes.NewReader(sealed))
	if err != nil {
		return 0, nil, err
	}
	req.Header["User-Agent"] = nil
	req.Header.Set("Content-Type", ohttp.MediaTypeRequest)
	switch d.fault {
	case "names itself":
		req.Header.Set("X-Device-Id", "1")
	case "says another type":
		req.Header.Set("Content-Type", "application/octet-stream")
	}
	res, err := d.http.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return res.StatusCode, body, err
}
