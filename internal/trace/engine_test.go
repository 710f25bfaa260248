package trace

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/amanah-project/amanah/internal/domain/leak"
	"github.com/amanah-project/amanah/internal/domain/leak/norm"
	"github.com/amanah-project/amanah/internal/trace/dump"
	"github.com/amanah-project/amanah/internal/trace/index"
)

var indexKey, jobKey = index.Key{1}, index.Key{2}

// someone is the i-th synthetic person, as a dump writes them.
type someone struct {
	nik, name, birth, phone, address, record, updated, place string
}

var day0 = time.Date(2021, 3, 1, 8, 0, 0, 0, time.UTC)

func person(i int) someone {
	names := []string{"Siti Rahma", "Budi Santoso", "Dewi Lestari", "Eko Nugraha", "Fitri Halim", "Galih Wijaya", "Hendra Utama"}
	last := []string{"Anggara", "Kusuma", "Tanjung", "Pranata", "Saputra"}
	day, month, year := i%28+1, i/28%12+1, 50+i/336%50
	return someone{
		nik: fmt.Sprintf("991010%02d%02d%02d%04d", day, month, year, i%50+1), name: names[i%7] + " " + last[i/7%5],
		birth: fmt.Sprintf("%02d/%02d/19%02d", day, month, year), phone: fmt.Sprintf("0812%08d", i),
		address: fmt.Sprintf("Jl. Melati No. %d RT %d/RW %d", i%90+1, i%9+1, i%7+1),
		record:  fmt.Sprintf("%d-65538", i+1), updated: day0.AddDate(0, 0, i%300).Add(time.Duration(i) * time.Minute).Format("2006-01-02T15:04:05.250Z"),
		place: fmt.Sprintf("RSUD %d", i%20),
	}
}

func rowOf(i, k int) leak.Row { return leak.Row(i+1)<<16 | leak.Row(k) }

// factsOf is what an index knows the i-th person by.
func factsOf(i int) index.Facts {
	p := person(i)
	var w norm.Words
	f := index.Facts{Ref: uint64(i + 1), Name: w.Name(nil, []byte(p.name)), Birth: norm.Dates(nil, []byte(p.birth))[0], Address: w.Address(nil, []byte(p.address)), Row: rowOf(i, 0)}
	f.NIK, _ = norm.ParseNIK([]byte(p.nik))
	f.Phone, _ = norm.ParsePhone([]byte(p.phone))
	return f
}

// world is an index of people, each with one record of two versions.
func world(people int) *index.Table {
	t := index.NewTagger(indexKey)
	var w norm.Words
	var b index.Batch
	for i := range people {
		p, f := person(i), factsOf(i)
		id := t.Identity(f)
		id.From = norm.MinuteOf(day0)
		b.People = append(b.People, id)
		if d, ok := t.Decoy(f.NIK); ok {
			b.People = append(b.People, d)
		}
		from := norm.Minutes(nil, []byte(p.updated))[0]
		visit := norm.Visit(w.Facility(nil, []byte(p.place)), nil, f.Birth)
		v := index.Version{Row: rowOf(i, 1), From: from, Record: t.Record(id.Full, 65538), Visit: t.Visit(id.Row, rowOf(i, 1), visit, 3)}
		old := v
		old.From, old.Visit = from-10_000, 0
		b.Records = append(b.Records, index.Records{Of: id.Full, Versions: []index.Version{old, v}})
	}
	return index.NewTable(indexKey, jobKey, index.NewSet(b))
}

// write gives a person's row in some columns.
func write(i int, columns ...string) dump.Row {
	p := person(i)
	row := dump.Row{Offset: int64(i)}
	for _, c := range columns {
		v := map[string]string{"nik": p.nik, "name": p.name, "birth": p.birth, "phone": p.phone, "address": p.address, "record": p.record,
			"updated": p.updated, "place": p.place, "token": hex.EncodeToString(tokenOf(i)), "round": p.nik[:15] + "0",
			"NAME": strings.ToUpper(p.name), "cut": strings.Join(strings.Fields(p.name)[:2], " "), "age": fmt.Sprint(i % 90), "note": "tidak ada keluhan, lihat " + p.nik + " lama"}[c]
		row.Fields = append(row.Fields, dump.Field{Value: []byte(v)})
	}
	return row
}

func run(t *testing.T, table *index.Table, rows []dump.Row) *Result {
	t.Helper()
	e := New(table, index.NewAsker(indexKey, jobKey))
	if err := e.Rows(&dump.Batch{Rows: rows}); err != nil {
		t.Fatal(err)
	}
	return e.Result()
}

func rows(from, to int, columns ...string) (out []dump.Row) {
	for i := from; i < to; i++ {
		out = append(out, write(i, columns...))
	}
	return out
}

// TestWhatRowsMatch: whichever columns are left, in whatever order, under no name at all, and
// people who are not ours in the same columns do not match.
func TestWhatRowsMatch(t *testing.T) {
	const people = 400
	table := world(people)
	for _, c := range []struct {
		columns string
		matched bool
		records int64
	}{
		{"nik name birth phone address record updated token", true, people},
		{"updated age address nik phone", true, people},
		{"name nik", true, 0},
		{"nik birth", false, 0}, // the birth date follows from the NIK
		{"nik", false, 0},
		{"name birth", true, 0},
		{"phone NAME", true, 0},
		{"round name", true, 0},
		{"round phone updated", true, people},
		{"nik cut", true, 0},
		{"note phone", true, 0}, // a NIK in the middle of a text
		{"record name", true, people},
		{"nik place birth", true, people},
		{"name", false, 0},
		{"phone", false, 0},
	} {
		r := run(t, table, rows(0, people, strings.Fields(c.columns)...))
		if want := map[bool]int64{true: people}[c.matched]; r.Rows != people || r.Matched < want*98/100 || r.Matched > want || r.Records < c.records*98/100 || r.Records > c.records {
			t.Errorf("%s: %d rows of %d match, %d records", c.columns, r.Matched, r.Rows, r.Records)
		}
		if c.matched && len(r.Patients) < people*98/100 {
			t.Errorf("%s: %d people", c.columns, len(r.Patients))
		}
		strangers := run(t, table, rows(people+5000, 2*people+5000, strings.Fields(c.columns)...))
		if strangers.Matched > 0 || len(strangers.Patients) > 0 {
			t.Errorf("%s: %d rows of strangers match", c.columns, strangers.Matched)
		}
	}
}

// TestVersionsAndMarks: the version that a row's time names is the one that was seen, once
// however often, and raw spellings are read as they stand.
func TestVersionsAndMarks(t *testing.T) {
	table := world(50)
	r := run(t, table, append(rows(0, 50, "nik", "NAME", "address", "phone", "updated", "record", "token"), rows(0, 50, "nik", "NAME", "address", "phone", "updated", "record", "token")...))
	if len(r.Known) != 50 || len(r.Patients) != 50 || len(r.Spans) != 100 { // each person's only version, too
		t.Fatalf("%d records, %d people, %d spans", len(r.Known), len(r.Patients), len(r.Spans))
	}
	want := []leak.Observed{
		{Cell: leak.Cell{Row: rowOf(3, 0), Family: leak.Street}}, {Cell: leak.Cell{Row: rowOf(3, 0), Family: leak.Neighbourhood}},
		{Cell: leak.Cell{Row: rowOf(3, 0), Family: leak.Telephone}, Symbol: true}, {Cell: leak.Cell{Row: rowOf(3, 0), Family: leak.Letters}, Symbol: true},
		{Cell: leak.Cell{Row: rowOf(3, 1), Family: leak.Stamp}},
	}
	var got []leak.Observed
	for _, o := range r.Cells {
		if o.Cell.Row == rowOf(3, 0) || o.Cell.Row == rowOf(3, 1) {
			got = append(got, o)
		}
	}
	byRow := func(a, b leak.Observed) int {
		return int(a.Cell.Row)<<8 + int(a.Cell.Family) - int(b.Cell.Row)<<8 - int(b.Cell.Family)
	}
	slices.SortFunc(want, byRow)
	slices.SortFunc(got, byRow)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if len(r.Tokens) != 50 || r.Tokens[3] != (Token{rowOf(3, 1), leak.Token(tokenOf(3))}) {
		t.Errorf("%d tokens, %v", len(r.Tokens), r.Tokens)
	}
	for _, s := range r.Spans {
		if s.To != index.Open {
			t.Errorf("an older version was seen: %v", s)
		}
	}
	if r.Own != 100 || r.OwnRight != 100 || r.OwnDecoys != 100 || r.OwnDecoysRight != 0 {
		t.Errorf("what only we hold: %d of %d, decoys %d of %d", r.OwnRight, r.Own, r.OwnDecoysRight, r.OwnDecoys)
	}
}

// TestInventedRows: NIKs invented in the way of ours belong to people now and then, and no
// such row matches; decoys are met as often as their number says.
func TestInventedRows(t *testing.T) {
	table := world(2000)
	rng := rand.New(rand.NewPCG(3, 3))
	var all []dump.Row
	for range 50_000 {
		row := write(rng.IntN(2000), "nik", "phone")
		nik := row.Fields[0].Value
		copy(nik[12:], fmt.Sprintf("%04d", rng.IntN(50)+1))
		copy(row.Fields[1].Value, fmt.Sprintf("0813%08d", rng.IntN(1e8)))
		all = append(all, row)
	}
	r := run(t, table, all)
	if r.People == 0 || r.Matched != 0 || r.Decoys == 0 || r.Invented == 0 || r.InventedMatched != 0 {
		t.Errorf("%+v", r.Counts)
	}
	perPerson, perDecoy := float64(r.People)/2000, float64(r.Decoys)/float64(table.Decoys())
	if perDecoy < perPerson/2 || perDecoy > perPerson*2 {
		t.Errorf("a person's NIK is met %.1f times, a decoy %.1f times", perPerson, perDecoy)
	}
}

// TestSameResultHoweverItRuns: batches in any order, over any number of goroutines.
func TestSameResultHoweverItRuns(t *testing.T) {
	const people = 600
	table := world(people)
	rng := rand.New(rand.NewPCG(4, 4))
	var batches []*dump.Batch
	for i := 0; i < people; i += 50 {
		b := rows(i, i+50, "nik", "name", "address", "phone", "updated", "record", "token")
		for k := range b {
			if rng.IntN(5) == 0 {
				b[k] = write(people+9000+k, "nik", "name", "address", "phone", "updated", "record", "token")
			}
		}
		batches = append(batches, &dump.Batch{Rows: b, Number: int64(len(batches))})
	}
	var first *Result
	for range 8 {
		rng.Shuffle(len(batches), func(i, k int) { batches[i], batches[k] = batches[k], batches[i] })
		e := New(table, index.NewAsker(indexKey, jobKey))
		var wg sync.WaitGroup
		for g := range 3 {
			wg.Go(func() {
				for i := g; i < len(batches); i += 3 {
					if err := e.Rows(batches[i]); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		r := e.Result()
		if first == nil {
			first = r
		}
		if diff := cmp.Diff(first, r); diff != "" {
			t.Fatal(diff)
		}
	}
	if first.Matched < people/2 {
		t.Errorf("%d match", first.Matched)
	}
}

// TestNothingPlainIsKept: what an engine still holds after its batches has no value of theirs.
func TestNothingPlainIsKept(t *testing.T) {
	r := run(t, world(50), rows(0, 50, "nik", "name", "birth", "phone", "address", "record"))
	text := fmt.Sprintf("%+v", r)
	for i := range 50 {
		p := person(i)
		for _, v := range []string{p.nik, p.name, p.phone, p.address} {
			if strings.Contains(text, v) {
				t.Fatal("a result names somebody")
			}
		}
	}
	if !bytes.Contains([]byte(text), []byte("Matched:50")) {
		t.Error(text[:200])
	}
}

func tokenOf(i int) []byte {
	return binary.BigEndian.AppendUint64(nil, uint64(i+1)*0x9E3779B97F4A7C15)
}
