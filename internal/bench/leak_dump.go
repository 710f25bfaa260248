package bench

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/leak"
	"github.com/amanah-project/amanah/internal/domain/leak/norm"
	"github.com/amanah-project/amanah/internal/synth"
	"github.com/amanah-project/amanah/internal/trace/index"
)

// leakMaker makes synthetic people for an index and rows of them for a dump.
type leakMaker struct {
	people  synth.Population
	started time.Time
	tagger  *index.Tagger
	words   norm.Words
}

func newLeakMaker() *leakMaker {
	at := time.Date(2021, 1, 4, 1, 0, 0, 0, time.UTC)
	return &leakMaker{people: synth.New(5, day.Of(at)), started: at, tagger: index.NewTagger(benchIndexKey)}
}

// leakRow is what a row says of somebody.
type leakRow struct {
	nik, name, birth, phone, address string
	on                               day.Day
	updated                          time.Time
}

func (m *leakMaker) row(i int) (leakRow, error) {
	p, err := m.people.Person(i)
	if err != nil {
		return leakRow{}, err
	}
	updated := m.started.Add(time.Duration(i%500_000) * time.Minute)
	phone := p.Phone.Reveal()
	if phone != "" {
		phone = "0" + phone[2:]
	}
	return leakRow{
		p.NIK.Reveal(), p.Name.Reveal(), p.Birth.Start().Format("02/01/2006"), phone,
		fmt.Sprintf("Jl. Melati No. %d RT %03d/RW %03d", i%900+1, i%12+1, i%17+1), day.Of(updated), updated,
	}, nil
}

func leakFacility(i int) string { return fmt.Sprintf("RS-99-%03d", i%700) }

// batch tags people, each with one record.
func (m *leakMaker) batch(from, to int) (b index.Batch, err error) {
	for i := from; i < to; i++ {
		r, err := m.row(i)
		if err != nil {
			return b, err
		}
		nik, ok := norm.ParseNIK([]byte(r.nik))
		dates := norm.Dates(nil, []byte(r.birth))
		if !ok || len(dates) == 0 {
			return b, errors.New("a synthetic person is nobody")
		}
		phone, _ := norm.ParsePhone([]byte(r.phone))
		id := m.tagger.Identity(index.Facts{NIK: nik, Ref: uint64(i) + 1, Name: m.words.Name(nil, []byte(r.name)), Birth: dates[0],
			Phone: phone, Address: m.words.Address(nil, []byte(r.address)), Row: leak.Row(i+1) << 8})
		id.From = norm.MinuteOf(m.started)
		b.People = append(b.People, id)
		if d, ok := m.tagger.Decoy(nik); ok {
			b.People = append(b.People, d)
		}
		on := norm.Dates(nil, []byte(r.on.String()))[0]
		visit := norm.Visit(m.words.Facility(nil, []byte(leakFacility(i))), nil, on)
		b.Records = append(b.Records, index.Records{Of: id.Full, Versions: []index.Version{{
			Row: leak.Row(i+1)<<8 | 1, From: norm.MinuteOf(r.updated), Record: m.tagger.Record(id.Full, 65538), Visit: m.tagger.Visit(id.Row, leak.Row(i+1)<<8|1, visit, 11),
		}}})
	}
	return b, nil
}

// writeDump writes rows as a thief of a table has them: nine in ten of the index's people,
// the others of nobody in it.
func writeDump(name string, opt LeakOptions) (size int64, err error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return 0, err
	}
	w := bufio.NewWriterSize(f, 1<<20)
	m := newLeakMaker()
	fmt.Fprintln(w, "a,b,c,d,e,f,g,h,i,j,k")
	for i := 0; i < opt.Rows && err == nil; i++ {
		who := i % opt.People
		if i%10 == 9 {
			who += opt.People
		}
		var r leakRow
		if r, err = m.row(who); err != nil {
			break
		}
		_, err = fmt.Fprintf(w, "%d,%s,%s,%s,%s,%s,%d-65538,%s,%s,J%02d.%d,%016x\n", i, r.nik, r.name, r.birth, r.phone, r.address, who+1,
			leakFacility(who), r.updated.Format("2006-01-02T15:04:05.250Z"), i%100, i%10, uint64(who+1)*0x9E3779B97F4A7C15)
	}
	err = errors.Join(err, w.Flush(), f.Close())
	if err != nil {
		return 0, err
	}
	info, err := os.Stat(name)
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// writePatterns writes NIKs as an analyst would list them.
func writePatterns(name string, n, people int) error {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	m := newLeakMaker()
	for i := 0; i < n && err == nil; i++ {
		var r leakRow
		if r, err = m.row(i * (people / n)); err == nil {
			_, err = fmt.Fprintln(w, r.nik)
		}
	}
	return errors.Join(err, w.Flush(), f.Close())
}
