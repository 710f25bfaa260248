package certify_test

import (
	"maps"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/amanah-project/amanah/client/certify"
)

// The words by which this program is told to act as a client.
const (
	actSDK = "act-as-sdk"
	actRaw = "act-as-raw"
)

// TestMain makes this test binary the clients under test as well.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == actSDK {
		os.Exit(sdkDevice(os.Args[2:]))
	}
	if len(os.Args) > 3 && os.Args[1] == actRaw {
		os.Exit(rawDeviceMain(os.Args[2], os.Args[3:]))
	}
	os.Exit(m.Run())
}

// examineClient runs the list on a command.
func examineClient(t *testing.T, words ...string) *certify.Report {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s, err := certify.NewSetup(7, "https://127.0.0.1:1", nil)
	if err != nil {
		t.Fatal(err)
	}
	r, err := certify.Run(t.Context(), certify.Options{
		Setup: s, Client: append([]string{program}, words...), Patience: 2 * time.Second, Grace: 3 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestSDKPasses: the SDK that we give partners' apps passes every case of a client.
func TestSDKPasses(t *testing.T) {
	r := examineClient(t, actSDK)
	for i, c := range certify.List() {
		want := map[certify.Subject]certify.Verdict{certify.OfClient: certify.Passed, certify.OfRelay: certify.NotRun}[c.Subject]
		if r.Cases[i].Verdict != want {
			t.Errorf("%s: %s: %s", c.ID, r.Cases[i].Verdict, r.Cases[i].Evidence)
		}
	}
	if evidence(r, "client/same-nonce") == "the client did not ask again" {
		t.Error("the SDK asks again after a lost answer, and did not")
	}
	if r.Passed {
		t.Error("passed without a relay")
	}
}

// faultyClients are the faults, and the one case that each fails.
func faultyClients() map[string]string {
	return map[string]string{
		"ends as if it had failed": "client/check-in",
		"names every visit alike":  "client/new-nonce", "holds every ticket with one key": "client/new-nonce",
		"names a visit anew each time": "client/same-nonce",
		"ignores nonces":               "client/use-dpop-nonce", "keeps its keys": "client/rotated-keys",
		"waits for ever": "client/time-out", "sends no covers": "client/cover",
		"believes bare keys": "client/keys-unsigned", "believes any signature": "client/keys-foreign", "believes old keys": "client/keys-old",
		"believes any keys of codes": "client/documents-foreign", "scans any host": "client/code-foreign",
		"believes forged codes": "client/code-forged", "believes old codes": "client/code-expired",
		"opens what it scans": "client/code-not-opened", "opens what it scans by way of its proxy": "client/code-not-opened",
		"admits when an answer is damaged": "client/answer-tampered", "opens what answers an earlier message": "client/answer-replayed",
		"takes plain answers": "client/answer-forged", "follows redirections": "client/no-redirect",
		"sends a byte more": "client/one-size", "says another type": "client/one-size",
		"names itself": "client/no-headers", "names itself to documents": "client/no-headers", "keeps cookies": "client/no-cookie",
		"sends the same bytes again": "client/fresh-message",
		"signs with another key":     "client/proof", "proves another URL": "client/proof", "uses one proof id": "client/proof",
		"keeps the answer": "client/nothing-kept", "keeps the answer that came late": "client/nothing-kept", "keeps the answer in its home, encoded": "client/nothing-kept",
		"logs the answer": "client/nothing-logged",
	}
}

// TestFaultyClients: a client with one fault fails the one case that is of it, and
// the same client without fails none.
func TestFaultyClients(t *testing.T) {
	faults := faultyClients()
	together(t, append(slices.Sorted(maps.Keys(faults)), "no fault"), func(t *testing.T, fault string) {
		r := examineClient(t, actRaw, fault)
		var want []string
		if id, ok := faults[fault]; ok {
			want = []string{id}
		}
		if got := failedCases(r, certify.OfClient); !slices.Equal(got, want) {
			t.Errorf("failed %q, want %q", got, want)
			for _, id := range got {
				t.Logf("%s: %s", id, evidence(r, id))
			}
		}
	})
}
