package e2e

import (
	"encoding/json"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"time"
)

// canaryIsNobody holds a canary beside somebody registered against what serves people: the
// staff's search, the gate's links, evidence of colours, and the count of colours. The
// registered one is served by each, which is the control.
func (o *office) canaryIsNobody(client *signer, real, canary string, people int) {
	o.t.Helper()
	o.operate("", "partner", "add", "Mitra Uji", "--platform", "http://"+o.listen, "--out", o.path("relay.json"))
	var evidence strings.Builder
	for i, nik := range []string{real, canary} {
		want := 1 - i
		if status, got := client.ask("GET", "/fhir/R4/Patient?identifier="+url.QueryEscape(nikSystem+"|"+nik), "", ""); status != 200 || fmt.Sprint(got["total"]) != fmt.Sprint(want) {
			o.t.Errorf("staff who search find %v of %d: %d", got["total"], want, status)
		}
		if r := o.try(nik+"\n", append([]string{"link", "add", "--partner", "1", "--relay", "http://" + o.listen, "--out", o.path(fmt.Sprintf("phone%d.json", i))}, o.flags()...)...); (r.code == 0) != (want == 1) || want == 0 && r.code != 3 {
			o.t.Errorf("the gate's link, %d wanted: exit %d %s", want, r.code, r.err)
		}
		evidence.WriteString(factsFor(nik, "green", time.Now()))
	}
	file := o.path("doses.ndjson")
	write(o.t, file, evidence.String())
	r := o.try("", append([]string{"evidence", "import", file, "--json"}, o.flags()...)...)
	var said struct{ Rows, Added, Refused int }
	if err := json.Unmarshal([]byte(r.out), &said); err != nil || r.code != 8 || said.Added == 0 || 2*said.Refused != said.Rows {
		o.t.Errorf("evidence of somebody and of nobody: exit %d, %+v %v %s", r.code, said, err, r.out)
	}
	var counted []struct{ People int }
	rules := filepath.Join("..", "internal", "domain", "status", "rules", "2022-07-17.yaml")
	if err := json.Unmarshal([]byte(o.operate("", "rules", "diff", rules, "--json")), &counted); err != nil {
		o.t.Fatal(err)
	}
	sum := 0
	for _, c := range counted {
		sum += c.People
	}
	if sum != people {
		o.t.Errorf("statistics count %d people, %d are registered", sum, people)
	}
}
