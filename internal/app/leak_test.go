package app

import (
	"encoding/json"
	"net/http"
	"slices"
	"testing"

	"github.com/amanah-project/amanah/internal/domain/leak/norm"
	"github.com/amanah-project/amanah/internal/durable"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/trace/index"
)

// TestTheServerFeedsTheIndex: what comes in over HTTP is in the trace index after the server's
// own job, without a command: the person, each version, their address, facility and day.
func TestTheServerFeedsTheIndex(t *testing.T) {
	w := newWard(t)
	body, err := json.Marshal(w.bundle())
	if err != nil {
		t.Fatal(err)
	}
	if out := w.send(signingOne, http.MethodPost, "/fhir/R4", "application/fhir+json", string(body)); out.Code != http.StatusOK {
		t.Fatalf("%d %.300s", out.Code, out.Body)
	}
	held := func() *index.Set {
		t.Helper()
		s, err := index.OpenStore(durable.OS(w.server.cfg.indexDir() + "/tags"))
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		set, err := s.Load()
		if err != nil {
			t.Fatal(err)
		}
		return set
	}
	if set := held(); len(set.People)+len(set.Versions) != 0 {
		t.Fatal("it is there before: the test shows nothing")
	}
	fed := false
	for _, j := range w.server.jobs() {
		if j.name == "trace-index" {
			fed = true
			if err := j.run(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	set := held()
	visits := 0
	for _, v := range set.Versions {
		if v.Visit != 0 {
			visits++
		}
	}
	if !fed || len(set.Versions) < 6 || visits < 4 {
		t.Fatalf("%d people, %d versions, %d with a visit", len(set.People), len(set.Versions), visits)
	}
	n, ok := norm.ParseNIK([]byte(w.nik))
	tagged, err := w.admin.Tags(t.Context(), []keeper.TagAsk{{Facts: index.Facts{NIK: n}}})
	if err != nil || !ok {
		t.Fatal(err)
	}
	if i := slices.IndexFunc(set.People, func(p index.Identity) bool { return p.Full == tagged[0].Full }); i < 0 || set.People[i].Address == 0 || set.People[i].Row == 0 {
		t.Errorf("the person is not there, or lives nowhere: %d", i)
	}
}
