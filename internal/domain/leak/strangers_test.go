package leak_test

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math"
	"slices"
	"testing"

	"github.com/amanah-project/amanah/internal/domain/leak"
	"github.com/amanah-project/amanah/internal/domain/leak/canary"
)

var spec = canary.Spec{
	Range:  canary.Range{Regions: []uint32{990151, 990152}, From: 31, To: 60},
	Phones: []uint32{6281100}, Group: 300, Unique: 5, Percent: 5,
}

// tagsOf stands for a job's keyed tags.
func tagsOf(who canary.Person) (t leak.Tags) {
	tag := func(level int, text string) {
		h := fnv.New64a()
		fmt.Fprintf(h, "%d %s", level, text)
		t[level] = h.Sum64()
	}
	nik := who.NIK.Reveal()[:15]
	tag(canary.ByNIK, nik)
	tag(canary.ByNIKAndName, nik+who.Name())
	tag(canary.ByBirth, who.Name()+who.Birth.String())
	tag(canary.ByPhone, who.Name()+who.Phone)
	tag(canary.ByAll, nik+who.Name()+who.Phone)
	return t
}

// copiesWith are copies with canaries of the spec.
func copiesWith(n int) []leak.Holding {
	out := holdings(n)
	for j := range out {
		h := &out[j]
		h.Spec, h.Group, h.Bits = 1, uint32(spec.Group), spec.Bits()
		for k := range uint32(spec.Unique) {
			h.Unique = append(h.Unique, tagsOf(spec.Person(h.Seed.Unique(k))))
		}
	}
	return out
}

// weigh freezes strangers, looks for all group canaries, and returns the evidence.
func weigh(s leak.Strangers, copies []leak.Holding) []leak.Evidence {
	f := leak.Freeze(leak.Sample{Strangers: s})
	for n := range uint32(spec.Group) {
		f.Recognise(1, n, tagsOf(spec.Person(base.Person(n))))
	}
	return f.Weigh(&base, copies)
}

func accused(all []leak.Evidence) (out []int) {
	at := leak.Bound{Copies: len(all), Epsilon: leak.Epsilon}.Threshold()
	for j, e := range all {
		if e.LnE >= at {
			out = append(out, j)
		}
	}
	return out
}

// show adds what a row of a canary shows at some levels.
func show(s *leak.Strangers, t leak.Tags, levels ...int) {
	for _, l := range levels {
		s[l] = append(s[l], t[l])
	}
}

// TestCanariesNameTheCopy: by all that rows show of them, by the NIK alone, by name and
// birth date alone; the copy's own ones, and group canaries; among thousands of rows of others.
func TestCanariesNameTheCopy(t *testing.T) {
	copies := copiesWith(200)
	for what, levels := range map[string][]int{
		"all": {canary.ByNIK, canary.ByNIKAndName}, "NIK": {canary.ByNIK}, "name and birth date": {canary.ByBirth},
		"name, birth date and telephone": {canary.ByBirth, canary.ByPhone},
	} {
		var own, group, one leak.Strangers
		for i := range uint64(5000) {
			for _, l := range []int{canary.ByBirth, canary.ByPhone} {
				own[l], group[l] = append(own[l], i+1), append(group[l], i+1)
			}
		}
		for _, u := range copies[8].Unique {
			show(&own, u, levels...)
		}
		if got := accused(weigh(own, copies)); !slices.Equal(got, []int{8}) {
			t.Errorf("%s: its own canaries name %v", what, got)
		}
		show(&one, copies[8].Unique[0], levels...)
		if got := accused(weigh(one, copies)); len(got) > 1 || len(got) == 1 && got[0] != 8 {
			t.Errorf("%s: one canary names %v", what, got)
		}
		for n := range uint32(spec.Group) {
			if seedOf(6).Canary(&base, n) {
				show(&group, tagsOf(spec.Person(base.Person(n))), levels...)
			}
		}
		if got := accused(weigh(group, copies)); !slices.Equal(got, []int{6}) {
			t.Errorf("%s: group canaries name %v", what, got)
		}
	}
	var one leak.Strangers
	show(&one, copies[8].Unique[0], canary.ByNIK, canary.ByNIKAndName, canary.ByAll)
	if got := accused(weigh(one, copies)); !slices.Equal(got, []int{8}) {
		t.Errorf("one canary with NIK, name and telephone number names %v", got)
	}
}

// TestPlantedCanariesAccuseNobody: whoever guesses the range, and fills it, has every
// canary of every copy in the sample, and names no copy. One copy's canaries alone, whom nobody
// could guess, name it: the control.
func TestPlantedCanariesAccuseNobody(t *testing.T) {
	copies := copiesWith(200)
	var all leak.Strangers
	for j := range copies {
		for _, u := range copies[j].Unique {
			show(&all, u, canary.ByNIK)
		}
	}
	for n := range uint32(spec.Group) {
		show(&all, tagsOf(spec.Person(base.Person(n))), canary.ByNIK)
	}
	rows := 2 * 24_000 * 2 * 4 // regions, birth dates, sexes and tens of serials
	for i := range uint64(rows - len(all[canary.ByNIK])) {
		all[canary.ByNIK] = append(all[canary.ByNIK], 1+i)
	}
	for j, e := range weigh(all, copies) {
		for _, p := range e.Parts {
			if p.Domain == leak.Uniques && p.Found < 4 {
				t.Fatalf("copy %d: %d canaries found: nothing is shown", j, p.Found)
			}
		}
	}
	if got := accused(weigh(all, copies)); got != nil {
		t.Errorf("a filled range names %v", got)
	}
	var control leak.Strangers
	for _, u := range copies[8].Unique {
		show(&control, u, canary.ByNIK)
	}
	if got := accused(weigh(control, copies)); !slices.Equal(got, []int{8}) {
		t.Errorf("one copy's canaries name %v", got)
	}
}

// TestStrangersKeepTheBound: over the draw of an innocent copy's canaries, E-values of a
// sample that holds a share of the range reach x with probability 1/x at most, and their mean
// is one at most.
func TestStrangersKeepTheBound(t *testing.T) {
	const copies = 20_000
	small := spec // few places, so that agreement by chance is seen
	small.Regions, small.From, small.To = small.Regions[:1], 31, 40
	var s leak.Strangers
	for i := range 600 {
		var key canary.Key
		binary.BigEndian.PutUint64(key[8:], uint64(i))
		show(&s, tagsOf(small.Person(key)), canary.ByNIK, canary.ByBirth)
	}
	all := holdings(copies)
	for j := range all {
		h := &all[j]
		h.Bits, h.Spec, h.Group = small.Bits(), 1, 40
		for k := range uint32(5) {
			h.Unique = append(h.Unique, tagsOf(small.Person(h.Seed.Unique(k))))
		}
	}
	f := leak.Freeze(leak.Sample{Strangers: s})
	for n := range uint32(40) {
		key := base.Person(n)
		if n%2 == 0 {
			f.Recognise(1, n, leak.Tags{s[canary.ByNIK][n]})
		} else if f.Recognise(1, n, tagsOf(small.Person(key))) {
			t.Log("a group canary by chance")
		}
	}
	sum, agreed := 0.0, 0
	above := map[float64]int{10: 0, 100: 0, 1000: 0}
	for _, e := range f.Weigh(&base, all) {
		v := math.Exp(e.LnE)
		sum += min(v, 1000)
		for x := range above {
			if v >= x {
				above[x]++
			}
		}
		for _, p := range e.Parts {
			if p.Domain == leak.Uniques && p.Found > 0 {
				agreed++
			}
		}
	}
	if agreed < 100 {
		t.Errorf("only %d copies agree by chance", agreed)
	}
	if mean := sum / copies; mean > 1.1 {
		t.Errorf("mean %.3f", mean)
	}
	for x, n := range above {
		if limit := copies/x + 5*math.Sqrt(copies/x); float64(n) > limit {
			t.Errorf("%d of %d reach %g", n, copies, x)
		}
	}
	t.Logf("mean %.3f; %d agree with somebody by chance; above %v", sum/copies, agreed, above)
}

// TestCanariesOfAnotherSpec: a copy is not asked for canaries that it was not to have.
func TestCanariesOfAnotherSpec(t *testing.T) {
	copies := copiesWith(3)
	copies[1].Spec, copies[2].Group = 2, 0
	f := leak.Freeze(leak.Sample{Strangers: leak.Strangers{{7}}})
	if !f.Recognise(1, 0, leak.Tags{7}) || f.Recognise(1, 1, leak.Tags{8}) || f.Recognise(1, 2, leak.Tags{}) {
		t.Fatal("not recognised as it is")
	}
	for j, e := range f.Weigh(&base, copies) {
		for _, p := range e.Parts {
			if p.Domain == leak.Canaries && j > 0 {
				t.Errorf("copy %d: %+v", j, p)
			}
		}
	}
}
