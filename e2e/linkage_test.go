package e2e

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"math"
	mathrand "math/rand/v2"
	"net/http"
	"net/http/httptrace"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/amanah-project/amanah/ohttp"
)

// TestTwoPartnersLinkNobody: two partners put together all that their relays receive
// and could log about the same people, and try to tell pairs of visits of one person,
// one through each partner, from pairs of two persons. What a relay sees of the
// network below HTTP, and when people go where, is not the protocol's and not here:
// each person's visits come at times of chance.
func TestTwoPartnersLinkNobody(t *testing.T) {
	people, visits, pairs, limit := 60, 600, 20_000, 0.1 // so few pairs of so few visits show no less
	if soak() {
		people, visits, pairs, limit = 8400, number("SOAK_LINKAGE", 100_000), 1_000_000, 0.01
	}
	logs := observe(t, people, visits)
	got := advantage(logs, pairs)
	t.Logf("%d visits through two partners, %d pairs: advantage %.4f", visits, pairs, got)
	if math.Abs(got) > limit {
		t.Errorf("two partners link visits of one person: advantage %.4f, want at most %.2f", got, limit)
	}
	// The controls: what would be outside if a device put it there.
	for name, spoil := range map[string]func(*sighting){
		"a person's pseudonym in a header": func(s *sighting) {
			sum := sha256.Sum256(fmt.Appendf(nil, "pseudonym %d", s.person))
			s.head = append(slices.Clone(s.head), fmt.Sprintf("X-Subject: %x", sum[:16]))
		},
		"four bytes of one key's id in the body": func(s *sighting) {
			sum := sha256.Sum256(fmt.Appendf(nil, "key %d", s.person))
			s.request = slices.Concat(s.request[:1000], sum[:4], s.request[1004:])
		},
		"a length that follows the person": func(s *sighting) {
			s.request = slices.Concat(s.request, make([]byte, s.person%32))
		},
	} {
		spoiled := [2][]sighting{slices.Clone(logs[0]), slices.Clone(logs[1])}
		for p := range spoiled {
			for i := range spoiled[p] {
				spoil(&spoiled[p][i])
			}
		}
		got := advantage(spoiled, min(pairs, 20_000))
		t.Logf("control, %s: advantage %.4f", name, got)
		if got < 0.3 {
			t.Errorf("control, %s: advantage %.4f: the trial would not show it", name, got)
		}
	}
}

// sighting is what a relay receives and could log of one visit.
type sighting struct {
	person          int // what the attacker is after
	request, answer []byte
	head            []string // of the platform's answer, and of what the device sent
	took            time.Duration
	connection      int // to the platform, by its port
}

// observe lets everybody check in through both partners, in an order that chance
// chooses, four at a time, and returns what each partner's relay saw.
func observe(t *testing.T, people, visits int) (logs [2][]sighting) {
	t.Helper()
	s := newSite(t, program)
	s.startKeeper()
	s.operate("", "venue", "add", "Mal Uji", "--category", "mall", "--level", "1", "--holds", "1000000")
	code := s.operate("", "venue", "code", "1")
	s.operate("", "partner", "add", "Mitra Satu", "--platform", "http://"+s.listen, "--out", s.path("relay1.json"))
	s.operate("", "partner", "add", "Mitra Dua", "--platform", "http://"+s.listen, "--out", s.path("relay2.json"))
	names := make([]string, people)
	for i := range names {
		names[i] = colours[i%len(colours)]
	}
	devices, pin := s.enlist(1, names, 1, 2)
	s.startServer()
	web := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 8}}
	server := "http://" + s.listen
	desks := [2]*desk{}
	for p := range desks {
		desks[p] = newDesk(t, s.path(fmt.Sprintf("relay%d.json", p+1)), server, pin, web)
	}
	var mu sync.Mutex
	var next atomic.Int64
	var wg sync.WaitGroup
	order := mathrand.Perm(visits)
	for range 4 {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < visits && !t.Failed(); i = int(next.Add(1)) - 1 {
				p, person := order[i]%2, order[i]/2%people
				if i%2000 == 1999 {
					desks[0].learn(t, server)
					desks[1].learn(t, server)
				}
				seen, err := desks[p].observe(t.Context(), server, &devices[p][person], code)
				if err != nil {
					t.Errorf("visit %d: %v", i, err)
					return
				}
				seen.person = person
				mu.Lock()
				logs[p] = append(logs[p], seen)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if t.Failed() {
		t.FailNow()
	}
	return logs
}

// observe checks one device in and returns what its relay saw.
func (d *desk) observe(ctx context.Context, server string, who *speaker, code string) (s sighting, err error) {
	l, err := d.write(who, "POST", "/v1/visits", ticketBody(code, 1, time.Now()))
	if err != nil {
		return s, err
	}
	trace := &httptrace.ClientTrace{GotConn: func(c httptrace.GotConnInfo) {
		_, err := fmt.Sscanf(c.Conn.LocalAddr().String(), "127.0.0.1:%d", &s.connection)
		if err != nil {
			s.connection = -1
		}
	}}
	req, err := http.NewRequestWithContext(httptrace.WithClientTrace(ctx, trace), http.MethodPost, server+"/ohttp", bytes.NewReader(l.body))
	if err != nil {
		return s, err
	}
	req.Header = http.Header{"Content-Type": {ohttp.MediaTypeRequest}, "Authorization": {"DPoP " + d.relay.token}, "Dpop": {d.proof()}, "User-Agent": nil}
	began := time.Now()
	res, err := d.web.Do(req)
	if err != nil {
		return s, err
	}
	defer res.Body.Close()
	s.request = l.body
	if s.answer, err = io.ReadAll(res.Body); err != nil {
		return s, err
	}
	s.took = time.Since(began)
	for name, values := range res.Header {
		s.head = append(s.head, fmt.Sprintf("%s: %v", name, values))
	}
	plain, err := l.exchange.Open(s.answer)
	if err != nil {
		return s, err
	}
	if inner, err := ohttp.ParseResponse(plain); err != nil || inner.Status != 200 {
		return s, fmt.Errorf("%w: %d %s", err, inner.Status, inner.Body)
	}
	return s, nil
}

// couple is two sightings, one of each partner's, and whether they are of one person.
type couple struct {
	features [8]float64
	same     bool
}

// advantage is how much better than a guess the attacker does on pairs of people the
// attacker has not learned from: 0 for a coin, 1 for certainty.
func advantage(logs [2][]sighting, pairs int) float64 {
	of := map[int][]int{} // the second partner's sightings of each person
	for i, s := range logs[1] {
		of[s.person] = append(of[s.person], i)
	}
	var learn, try []couple
	var table matcher
	for len(learn)+len(try) < pairs {
		a := &logs[0][mathrand.IntN(len(logs[0]))]
		var c couple
		b := &logs[1][mathrand.IntN(len(logs[1]))]
		if own := of[a.person]; mathrand.IntN(2) == 0 && len(own) > 0 {
			b = &logs[1][own[mathrand.IntN(len(own))]]
		} else if a.person%2 != b.person%2 { // both to learn from, or neither
			continue
		}
		c.same, c.features = a.person == b.person, table.compare(a, b)
		if a.person%2 == 0 {
			learn = append(learn, c)
		} else {
			try = append(try, c)
		}
	}
	weigh := train(learn)
	right, wrong := [2]int{}, [2]int{}
	for i := range try {
		truth := 0
		if try[i].same {
			truth = 1
		}
		if (weigh(&try[i]) > 0) == try[i].same {
			right[truth]++
		} else {
			wrong[truth]++
		}
	}
	rate := func(i int) float64 { return float64(right[i]) / float64(max(1, right[i]+wrong[i])) }
	return rate(0) + rate(1) - 1
}

// matcher compares two sightings in all that a program could.
type matcher struct {
	at    [1 << 16]int32 // where in the first one these four bytes are, if this round's
	round [1 << 16]int32
	now   int32
}

func (m *matcher) compare(a, b *sighting) (f [8]float64) {
	f[0] = float64(equal(a.request, b.request))
	f[1] = float64(equal(a.answer, b.answer))
	f[2] = float64(m.shared(a.request, b.request))
	f[3] = float64(m.shared(a.answer, b.answer))
	for _, h := range a.head {
		if slices.Contains(b.head, h) {
			f[4]++
		}
	}
	f[5] = math.Abs(float64(len(a.request)-len(b.request))) + math.Abs(float64(len(a.answer)-len(b.answer)))
	f[6] = math.Abs(float64(a.took - b.took))
	if a.connection == b.connection {
		f[7] = 1
	}
	return f
}

// equal counts the bytes that are the same in the same place.
func equal(a, b []byte) (n int) {
	for i := range min(len(a), len(b)) {
		if a[i] == b[i] {
			n++
		}
	}
	return n
}

// shared counts the places of b whose four bytes are somewhere in a.
func (m *matcher) shared(a, b []byte) (n int) {
	m.now++
	key := func(v []byte) uint32 {
		return (uint32(v[0]) | uint32(v[1])<<8 | uint32(v[2])<<16 | uint32(v[3])<<24) * 2654435761 >> 16
	}
	for i := 0; i+4 <= len(a); i++ {
		k := key(a[i:])
		m.at[k], m.round[k] = int32(i), m.now
	}
	for i := 0; i+4 <= len(b); i++ {
		if k := key(b[i:]); m.round[k] == m.now && bytes.Equal(a[m.at[k]:m.at[k]+4], b[i:i+4]) {
			n++
		}
	}
	return n
}

// train learns how much each feature's values speak for one person: naive Bayes over
// sixteenths of the values seen.
func train(learn []couple) (weigh func(*couple) float64) {
	const parts = 16
	var edges [8][]float64
	var weights [8][]float64
	for f := range edges {
		values := make([]float64, len(learn))
		for i := range learn {
			values[i] = learn[i].features[f]
		}
		slices.Sort(values)
		for p := 1; p < parts; p++ {
			edges[f] = append(edges[f], values[len(values)*p/parts])
		}
		edges[f] = append(edges[f], values[len(values)-1])
		edges[f] = slices.Compact(edges[f])
	}
	bucket := func(f int, v float64) int {
		i, found := slices.BinarySearch(edges[f], v)
		if found {
			return 2*i + 1 // a value that occurs often is a bucket of its own
		}
		return 2 * i
	}
	for f := range edges {
		counts := [2][]float64{make([]float64, 2*len(edges[f])+2), make([]float64, 2*len(edges[f])+2)}
		total := [2]float64{}
		for i := range learn {
			truth := 0
			if learn[i].same {
				truth = 1
			}
			counts[truth][bucket(f, learn[i].features[f])]++
			total[truth]++
		}
		weights[f] = make([]float64, len(counts[0]))
		for b := range weights[f] {
			weights[f][b] = math.Log((counts[1][b] + 1) / (total[1] + 1) * (total[0] + 1) / (counts[0][b] + 1))
		}
	}
	return func(c *couple) (sum float64) {
		for f := range weights {
			sum += weights[f][bucket(f, c.features[f])]
		}
		return sum
	}
}
