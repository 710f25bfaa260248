package canary

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/identity"
)

// Person is who a canary is.
type Person struct {
	NIK         identity.NIK
	First, Last string
	Birth       day.Day
	Sex         identity.Sex
	Phone       string // digits, from 62 on
}

// Format hides who it is, whatever the verb.
func (Person) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte("[redacted]")) }

// Name is both names.
func (p *Person) Name() string { return p.First + " " + p.Last }

// Draw returns what is drawn for a purpose from a canary's key; other purposes draw
// something else.
func (k Key) Draw(purpose string) *rand.Rand {
	m := hmac.New(sha256.New, k[:])
	m.Write([]byte("amanah canary draw 1\x00" + purpose))
	return rand.New(rand.NewChaCha8([32]byte(m.Sum(nil))))
}

// phoneDigits is how many digits follow a telephone number's prefix.
const phoneDigits = 6

// Births are from 1945 on, three of four from 1970 on, evenly. birthBits is -log2 of the
// probability of the likeliest birth date.
const birthBits = 14.35

func birth(r *rand.Rand) day.Day {
	from, to := 1945, 1970
	if r.IntN(4) > 0 {
		from, to = 1970, 2013
	}
	first, last := first(from), first(to)
	return first.Add(r.IntN(int(last - first)))
}

// first is a year's first day.
func first(year int) day.Day {
	return day.Of(time.Date(year, 1, 1, 12, 0, 0, 0, time.UTC))
}

// Person draws who has a key. What is drawn for a key and a spec is so for good: copies
// with it are out.
func (s *Spec) Person(k Key) Person {
	r := k.Draw("person")
	p := Person{Birth: birth(r), Sex: identity.Male}
	names := men()
	if r.IntN(2) == 1 {
		p.Sex, names = identity.Female, women()
	}
	on := p.Birth.Start()
	dd := on.Day()
	if p.Sex == identity.Female {
		dd += 40
	}
	region, serial := s.Regions[r.IntN(len(s.Regions))], s.From+r.IntN(s.To-s.From+1)
	p.NIK, _ = identity.ParseNIK(fmt.Sprintf("%06d%02d%02d%02d%04d", region, dd, int(on.Month()), on.Year()%100, serial))
	p.First = names[r.IntN(firstNames)]
	p.Last = families()[r.IntN(lastNames)]
	p.Phone = fmt.Sprintf("%d%06d", s.Phones[r.IntN(len(s.Phones))], r.IntN(1_000_000))
	return p
}

// Names: given names of no family, so that none says where somebody comes from. Each list
// has no name twice, and the two first ones share none: Bits counts on it.
const (
	firstNames = 40
	lastNames  = 64
)

func men() [firstNames]string {
	return [...]string{"Adi", "Agung", "Andi", "Arif", "Bagus", "Bambang", "Bayu", "Budi", "Cahyo", "Darma", "Dedi", "Dimas", "Doni", "Eko",
		"Fajar", "Galih", "Gilang", "Hadi", "Hendra", "Imam", "Irfan", "Iwan", "Joko", "Krisna", "Lukman", "Made", "Nanda", "Oki", "Panji", "Rahmat",
		"Rizki", "Rudi", "Satria", "Slamet", "Surya", "Taufik", "Teguh", "Wahyu", "Yoga", "Yusuf"}
}

func women() [firstNames]string {
	return [...]string{"Anisa", "Asih", "Ayu", "Bunga", "Citra", "Desi", "Dewi", "Dian", "Eka", "Endang", "Fitri", "Gita", "Hana", "Ika",
		"Indah", "Intan", "Kartika", "Laras", "Lestari", "Lina", "Maya", "Mega", "Melati", "Nia", "Ningsih", "Novi", "Nurul", "Puji", "Putri", "Ratna",
		"Rina", "Rini", "Sari", "Siti", "Sri", "Tika", "Utami", "Wati", "Wulan", "Yuni"}
}

func families() [lastNames]string {
	return [...]string{"Abdullah", "Aditya", "Anggara", "Anwar", "Astuti", "Azhari", "Basuki", "Budiman", "Cendana", "Darmawan", "Effendi", "Fauzi",
		"Firmansyah", "Gunawan", "Hakim", "Halim", "Handayani", "Hartono", "Hasan", "Hermawan", "Hidayat", "Hidayati", "Ibrahim", "Irawan", "Ismail",
		"Jatmika", "Kurniawan", "Kusuma", "Laksana", "Lubis", "Mahendra", "Maulana", "Mulyani", "Mulyono", "Nasution", "Nugraha", "Nugroho", "Nurhayati",
		"Permata", "Pranata", "Prasetyo", "Pratama", "Purnama", "Purwanto", "Rahayu", "Rahman", "Ramadhan", "Santoso", "Saputra", "Setiawan", "Siregar",
		"Subekti", "Sukma", "Supriyadi", "Suryani", "Susanto", "Sutrisno", "Syahputra", "Tanjung", "Utomo", "Wibowo", "Widodo", "Wijaya", "Yulianti"}
}
