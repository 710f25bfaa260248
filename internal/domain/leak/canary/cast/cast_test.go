package cast_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/leak/canary"
	"github.com/amanah-project/amanah/internal/domain/leak/canary/cast"
	"github.com/amanah-project/amanah/internal/domain/record"
)

var spec = canary.Spec{
	Range: canary.Range{Regions: []uint32{990151}, From: 31, To: 60}, Phones: []uint32{6289977}, Group: 10, Unique: 5, Percent: 50,
}

// people have a Patient, an encounter and two conditions each, one with a note of their own.
func people(n int) (all [][]cast.Record) {
	noon := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	for i := range n {
		id := identity.PersonID(10 + 3*i)
		name, nik := fmt.Sprintf("Warga %c", 'A'+i), fmt.Sprintf("990101020390%04d", i+1)
		bodies := []string{
			fmt.Sprintf(`{"resourceType":"Patient","meta":{},"identifier":[{"system":"https://rs.example.id/kk","value":"990101010119%04d"},{"system":"https://fhir.kemkes.go.id/id/nik","value":%q}],"name":[{"text":%q}],"birthDate":"1990-03-02","telecom":[{"system":"phone","value":"08128000%04d"}],"address":[{"line":["Jalan Kenanga No. %d"]}]}`, i+1, nik, name, i+1, i+1),
			fmt.Sprintf(`{"resourceType":"Encounter","meta":{},"status":"finished","subject":{"reference":"Patient/%d","display":%q},"period":{"start":"2026-02-%02dT09:%02d:00Z"}}`, id, name, 1+i%28, 10+i),
			fmt.Sprintf(`{"resourceType":"Condition","meta":{},"subject":{"reference":"Patient/%d","identifier":{"value":%q}},"encounter":{"reference":"Encounter/%d-65538"},"code":{"text":"batuk"},"recordedDate":"2026-02-%02d"}`, id, nik, id, 1+i%28),
			fmt.Sprintf(`{"resourceType":"Condition","meta":{},"subject":{"reference":"Patient/%d"},"code":{"text":"demam"},"note":[{"text":"rahasia %s tidak boleh diceritakan"}]}`, id, strings.Repeat(string(rune('a'+i)), 6)),
		}
		var records []cast.Record
		for k, body := range bodies {
			r := cast.Record{Ref: record.Ref{Person: id, Number: record.Number(65536 + k)}, Version: uint64(1 + k)}
			if k == 0 {
				r.Ref.Number = 0
			}
			r.Type, r.Body, r.Entered = strings.Split(body, `"`)[3], []byte(body), noon.Add(time.Duration(i)*time.Hour)
			if k > 0 {
				r.Ref.Number = record.Number(65537 + k)
			}
			records = append(records, r)
		}
		all = append(all, records)
	}
	return all
}

func keyOf(i int) canary.Key { return canary.Key{byte(i), 3} }

// TestPlay: a canary has its own NIK, names, number and references in everything, and nothing
// that one person alone has said of them.
func TestPlay(t *testing.T) {
	all := people(12)
	stage, ok := cast.New(all)
	if !ok {
		t.Fatal("too few")
	}
	vacant := []identity.PersonID{3, 11, 14, 17, 20, 23, 40, 41, 44, 100}
	used := map[identity.PersonID]bool{}
	for i := range 6 {
		who := spec.Person(keyOf(i))
		records, ok := stage.Play(keyOf(i), who, vacant)
		if !ok {
			t.Fatalf("canary %d has no part", i)
		}
		id := records[0].Ref.Person
		if used[id] || !slices.Contains(vacant, id) || id < 10 || id > 43 {
			t.Errorf("number %d", id)
		}
		used[id] = true
		var text strings.Builder
		for _, r := range records {
			if r.Ref.Person != id {
				t.Errorf("a record of %d", r.Ref.Person)
			}
			text.Write(r.Body)
		}
		said := text.String()
		for _, want := range []string{
			fmt.Sprintf(`"system":"https://fhir.kemkes.go.id/id/nik","value":%q`, who.NIK.Reveal()), fmt.Sprintf(`"name":[{"text":%q}]`, who.Name()), `"birthDate":"` + who.Birth.String(),
			`"value":"0` + who.Phone[2:], fmt.Sprintf("Patient/%d\"", id), fmt.Sprintf("Encounter/%d-65538", id), "Jalan Kenanga No. ", `kk","value":"99010101011`,
		} {
			if !strings.Contains(said, want) {
				t.Errorf("canary %d lacks %s: %s", i, strings.ReplaceAll(want, who.NIK.Reveal(), "NIK"), said)
			}
		}
		if n := strings.Count(said, who.NIK.Reveal()); n != 3 {
			t.Errorf("its NIK stands there %d times: %s", n, said)
		}
		for _, bad := range []string{"rahasia", "Warga", "9901010203", "08128000"} {
			if strings.Contains(said, bad) {
				t.Errorf("%q of somebody else's: %s", bad, said)
			}
		}
		if len(records) != 4 || strings.Count(said, "batuk") != 2 { // the note's record says what another says
			t.Errorf("%d records: %s", len(records), said)
		}
	}
}

// TestSame: the same for the same key and people; another for another key.
func TestSame(t *testing.T) {
	vacant := []identity.PersonID{11, 14, 17}
	play := func(i int) []cast.Record {
		stage, _ := cast.New(people(12))
		out, ok := stage.Play(keyOf(i), spec.Person(keyOf(i)), vacant)
		if !ok {
			t.Fatal("no part")
		}
		return out
	}
	if diff := cmp.Diff(play(1), play(1)); diff != "" {
		t.Errorf("the same key: %s", diff)
	}
	if cmp.Equal(play(1), play(2)) {
		t.Error("another key, the same records")
	}
}

// TestNobodyToStandAmong: too few people, and no number that is vacant among theirs.
func TestNobodyToStandAmong(t *testing.T) {
	if _, ok := cast.New(people(5)); ok {
		t.Error("five people")
	}
	if _, ok := cast.New(nil); ok {
		t.Error("nobody")
	}
	stage, _ := cast.New(people(12))
	for _, vacant := range [][]identity.PersonID{nil, {1, 2, 9}, {44, 5000}} {
		if _, ok := stage.Play(keyOf(1), spec.Person(keyOf(1)), vacant); ok {
			t.Errorf("numbers %v", vacant)
		}
	}
}

// TestBetween: canaries stand in the order of numbers; who has nothing is left out.
func TestBetween(t *testing.T) {
	of := func(ids ...identity.PersonID) (all [][]cast.Record) {
		for _, id := range ids {
			all = append(all, []cast.Record{{Ref: record.Ref{Person: id}}})
		}
		return all
	}
	var got []identity.PersonID
	for _, r := range cast.Between(append(of(1, 4, 9), nil), of(7, 2)) {
		got = append(got, r[0].Ref.Person)
	}
	if !slices.Equal(got, []identity.PersonID{1, 2, 4, 7, 9}) {
		t.Error(got)
	}
}
