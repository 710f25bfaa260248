// Package synth makes synthetic people: the same ones for the same seed, each by
// its number, none of them real.
//
// NIKs carry province code 99, which no real person has. Names are put together
// from lists of given names. The mix of colours is the published one of 2022: 91.6 %
// green, 8.0 yellow, 0.42 red, 0.014 black, under the rules of 17 July 2022.
package synth

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/status"
)

// MaxPeople is how many different people there are.
const MaxPeople = serials * districts * districts

const (
	serials   = 9000 // 0001 to 9000 of a birth date in a place
	districts = 90   // codes 10 to 99
)

// The published mix, in millionths.
const (
	million  = 1_000_000
	upYellow = 80_000 // 8.0 %
	upRed    = upYellow + 4_200
	upBlack  = upRed + 140
)

// Population is a country of synthetic people, as of one day.
type Population struct {
	seed  uint64
	today day.Day
}

// New returns the population of a seed; evidence is dated before today.
func New(seed uint64, today day.Day) Population { return Population{seed, today} }

// lane separates what is drawn about a person, so that one does not shift another.
func (p Population) lane(i int, lane uint64) *rand.Rand {
	return rand.New(rand.NewPCG(p.seed^lane<<56, uint64(i)))
}

// Person returns the i-th person, 0 ≤ i < MaxPeople.
func (p Population) Person(i int) (identity.Person, error) {
	birth, sex := p.born(i)
	dob := birth.Start()
	dd := dob.Day()
	if sex == identity.Female {
		dd += 40
	}
	block := i / serials
	nik, err := identity.ParseNIK(fmt.Sprintf("99%02d%02d%02d%02d%02d%04d",
		10+block%districts, 10+block/districts%districts, dd, int(dob.Month()), dob.Year()%100, 1+i%serials))
	if err != nil {
		return identity.Person{}, err
	}
	name, err := identity.ParseName(p.name(i, sex))
	if err != nil {
		return identity.Person{}, err
	}
	out := identity.Person{NIK: nik, Name: name, Birth: birth, Sex: sex}
	if p.today.Age(birth) >= 13 {
		out.Phone, err = identity.ParsePhone(fmt.Sprintf("+62899%09d", i))
	}
	return out, err
}

// born draws birth and sex: as many people in each year of age from six to forty, fewer
// above, none over ninety; under six no vaccine is given and all would be yellow.
func (p Population) born(i int) (day.Day, identity.Sex) {
	r := p.lane(i, 1)
	age := 6 + r.Float64()*34
	if r.IntN(100) < 45 {
		age = 40 + 50*(1-r.Float64())*r.Float64()
	}
	return p.today.Add(-int(age*365.25) - 1), identity.Sex(1 + r.IntN(2))
}

// Evidence returns what is known about the i-th person.
func (p Population) Evidence(i int) status.Evidence {
	birth, _ := p.born(i)
	r := p.lane(i, 2)
	e := status.Evidence{Birth: birth}
	minor := p.today.Age(birth) < 18
	ref := func(kind string, n int) string { return fmt.Sprintf("%s-%d-%d", kind, i, n) }
	ago := func(days int) day.Day { return max(birth, p.today.Add(-days)) }
	doses := func(n int) {
		vaccine := []string{"sinovac", "astrazeneca", "pfizer", "moderna"}[r.IntN(4)]
		for k, at := range []int{500 + r.IntN(60), 460 + r.IntN(30), 200 + r.IntN(200)}[:n] {
			e.Doses = append(e.Doses, status.Dose{On: ago(at), Vaccine: vaccine, Ref: ref("d", k)})
		}
	}
	roll := r.IntN(million)
	switch {
	case roll >= upBlack: // green
		n := 3
		if minor {
			n = 2
		}
		doses(n)
	case roll >= upRed: // black
		doses(2)
		if r.IntN(2) == 0 {
			e.Contacts = []status.Contact{{On: ago(r.IntN(5)), Ref: ref("c", 0)}}
			break
		}
		at := p.today.Add(-r.IntN(4)).Start().Add(-time.Duration(r.IntN(600)) * time.Minute)
		e.Tests = []status.Test{{At: at, Kind: status.PCR, Positive: true, Ref: ref("t", 0)}}
	case roll >= upYellow: // red
		if r.IntN(2) == 0 && !minor {
			doses(1)
		} else if r.IntN(2) == 0 && p.today.Age(birth) >= 6 {
			e.Inquiries = []status.Inquiry{{On: ago(30), Ref: ref("i", 0)}}
		}
	default: // yellow
		if minor {
			doses(1)
		} else {
			doses(2)
		}
	}
	return e
}

func (p Population) name(i int, sex identity.Sex) string {
	r := p.lane(i, 3)
	first := []string{"Adi", "Bayu", "Cahyo", "Dimas", "Eko", "Fajar", "Galih", "Hendra", "Iwan", "Joko", "Krisna", "Made"}
	if sex == identity.Female {
		first = []string{"Ayu", "Bunga", "Citra", "Dewi", "Eka", "Fitri", "Gita", "Intan", "Kartika", "Lestari", "Melati", "Nur'aini"}
	}
	last := []string{"", "Anggara", "Batubara", "Cendana", "Dermawan", "Embun", "Firmansyah", "Gunawan", "Halim", "Irawan", "Jatmika", "Kusuma", "Laksana", "Mahendra", "Nugraha", "Pranata", "Rahayu", "Saputra", "Tanjung", "Utama", "Wijaya"}
	return first[r.IntN(len(first))] + " " + last[r.IntN(len(last))]
}
