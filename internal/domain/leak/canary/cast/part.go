package cast

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/leak/canary"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/format/fhir"
)

// part is one canary's way through another's records.
type part struct {
	*Stage
	draw  *rand.Rand
	who   canary.Person
	shape int // place of whose shape it has
	id    identity.PersonID
	days  int           // by which its records are moved
	apart time.Duration // and when they were entered
	out   []Record
}

// tries is of how many people's a record is sought.
const tries = 12

// play fills each record of the shape; more than half of them, and the Patient, must be.
func (p *part) play() ([]Record, bool) {
	shape := &p.people[p.shape]
	p.days = -p.draw.IntN(60)
	p.apart = time.Duration(p.draw.IntN(40*60)-20*60)*time.Second + time.Duration(p.draw.IntN(1000))*time.Millisecond
	for _, like := range shape.scenes {
		r, ok := p.fill(like)
		if !ok {
			if like.Type == "Patient" {
				return nil, false
			}
			continue
		}
		p.out = append(p.out, r)
	}
	return p.out, 2*len(p.out) > len(shape.scenes)
}

// fill makes a record like one of the shape, with what another person's says.
func (p *part) fill(like *scene) (Record, bool) {
	from := p.sorts[like.sort()]
	for range tries {
		donor := from[p.draw.IntN(len(from))]
		if donor.of == p.shape || donor.Document != nil || donor.Image != nil {
			continue
		}
		if body, ok := p.rewrite(donor, like); ok {
			r := Record{Ref: record.Ref{Person: p.id, Number: like.Ref.Number}, Version: like.Version, Content: donor.Content}
			r.Body, r.Entered, r.Source = body, p.entered(like.Entered, p.apart), ""
			return r, true
		}
	}
	return Record{}, false
}

// rewrite writes a donor's record as the canary's; false when it says what is its donor's
// alone.
func (p *part) rewrite(donor, like *scene) ([]byte, bool) {
	t := &teller{part: p, donor: &p.people[donor.of], days: p.days}
	if was, ok := date(donor.date); ok {
		if is, ok := date(like.date); ok {
			t.days += int(is.Sub(was).Hours() / 24)
		}
	}
	body, err := fhir.Rewrite(donor.Body, fhir.Edit{Text: func(place, text string) (string, bool) {
		out, ok := t.text(place, text)
		t.failed = t.failed || !ok
		return out, true
	}})
	return body, err == nil && !t.failed
}

// teller says a donor's texts as the canary's.
type teller struct {
	*part
	donor  *actor
	days   int
	failed bool
}

func (t *teller) text(place, text string) (string, bool) {
	typ, rest, _ := strings.Cut(place, ".")
	switch {
	case text == t.donor.nik && text != "":
		return t.who.NIK.Reveal(), true
	case strings.HasSuffix(place, ".reference"):
		return t.reference(text)
	case typ == "Patient":
		if out, ok := t.patient(rest, text); ok {
			return out, true
		}
	case t.donor.names[text]:
		return t.cased(text, t.who.Name()), true
	}
	if _, ok := date(text); ok {
		return t.moved(text), true
	}
	if t.everybody(text) {
		return text, true
	}
	if numbered(place) {
		return t.numbered(text), true
	}
	return "", false
}

// patient says what is a person's own.
func (t *teller) patient(place, text string) (string, bool) {
	switch place {
	case "name.text":
		return t.cased(text, t.who.Name()), true
	case "name.given":
		return t.cased(text, t.who.First), true
	case "name.family":
		return t.cased(text, t.who.Last), true
	case "birthDate":
		return t.who.Birth.String(), true
	case "gender":
		if t.who.Sex == identity.Female {
			return "female", true
		}
		return "male", true
	case "telecom.value":
		return t.phone(text), true
	case "address.line", "address.text", "contact.name.text", "contact.name.given", "contact.name.family", "contact.telecom.value":
		return t.scrambled(text), true
	}
	return "", false
}

// phone is the canary's telephone number, written as the donor's is; of what is none, as a
// mail address, the form is kept.
func (t *teller) phone(text string) string {
	switch {
	case strings.HasPrefix(text, "+62"):
		return "+" + t.who.Phone
	case strings.HasPrefix(text, "62"):
		return t.who.Phone
	case strings.HasPrefix(text, "0"):
		return "0" + t.who.Phone[2:]
	}
	return t.scrambled(text)
}

// cased writes a name in capitals where the other is.
func (t *teller) cased(like, name string) string {
	if like == strings.ToUpper(like) {
		return strings.ToUpper(name)
	}
	return name
}

// reference leads to the canary and to its records of the same sort; a reference to what
// is many people's stays.
func (t *teller) reference(text string) (string, bool) {
	at := strings.LastIndexByte(text, '/')
	ref, err := record.ParseRef(text[at+1:])
	if err != nil || ref.Person != t.donor.id {
		return text, t.everybody(text)
	}
	if ref.Number == 0 {
		return text[:at+1] + record.Ref{Person: t.id}.String(), true
	}
	for i := range t.out {
		if at > 0 && strings.HasSuffix(text[:at], t.out[i].Type) {
			return text[:at+1] + t.out[i].Ref.String(), true
		}
	}
	return "", false
}

// moved is a date, or a date and time, moved by days; where there are minutes or seconds
// there are others.
func (t *teller) moved(text string) string {
	at, _ := date(text)
	rest := []byte(text[len(time.DateOnly):])
	for _, at := range []int{4, 7} {
		if len(rest) >= at+2 && string(rest[at:at+2]) != "00" {
			copy(rest[at:], fmt.Sprintf("%02d", 1+t.draw.IntN(59)))
		}
	}
	return at.AddDate(0, 0, t.days).Format(time.DateOnly) + string(rest)
}

// date reads the day that a date or a time begins with.
func date(text string) (time.Time, bool) {
	if len(text) < len(time.DateOnly) || len(text) > len(time.DateOnly) && text[len(time.DateOnly)] != 'T' || len(text) > 40 {
		return time.Time{}, false
	}
	at, err := time.Parse(time.DateOnly, text[:len(time.DateOnly)])
	return at, err == nil
}

// words are the runs of letters of a text.
func words(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) })
}

// scrambled keeps a text's form: other digits for digits, and where a word is not
// everybody's, somebody else's word in its place or other letters.
func (t *teller) scrambled(text string) string {
	var out strings.Builder
	for len(text) > 0 {
		n := strings.IndexFunc(text, unicode.IsLetter)
		if n < 0 {
			n = len(text)
		}
		t.digits(&out, text[:n])
		text = text[n:]
		if n = strings.IndexFunc(text, func(r rune) bool { return !unicode.IsLetter(r) }); n < 0 {
			n = len(text)
		}
		if word := text[:n]; n > 0 {
			out.WriteString(t.word(word))
		}
		text = text[n:]
	}
	return out.String()
}

// numbered keeps as much of an identifier's beginning as many people's have.
func (t *teller) numbered(text string) string {
	for n := min(maxPrefix, len(text)-1); n >= 2; n-- {
		if t.everybody(prefixOf(text, n)) {
			return text[:n] + t.scrambled(text[n:])
		}
	}
	return t.scrambled(text)
}

// digits writes other digits for digits: zeros in front stay, and what follows is none.
func (t *teller) digits(out *strings.Builder, text string) {
	inside := false
	for _, r := range text {
		switch {
		case r == '0' && !inside, r < '0' || r > '9':
			out.WriteRune(r)
			inside = inside && r >= '0' && r <= '9'
		case !inside:
			out.WriteByte(byte('1' + t.draw.IntN(9)))
			inside = true
		default:
			out.WriteByte(byte('0' + t.draw.IntN(10)))
		}
	}
}

func (t *teller) word(word string) string {
	if t.everybody(word) {
		return word
	}
	out := []rune(word)
	for i, r := range out {
		vowels := "aeiou"
		others := "bdghjklmnprstw"
		from := others
		if strings.ContainsRune(vowels, unicode.ToLower(r)) {
			from = vowels
		}
		c := rune(from[t.draw.IntN(len(from))])
		if unicode.IsUpper(r) {
			c = unicode.ToUpper(c)
		}
		out[i] = c
	}
	return string(out)
}

// Between puts canaries among people, ascending by number; who has no records is left out.
func Between(people, canaries [][]Record) [][]Record {
	all := slices.DeleteFunc(slices.Concat(people, canaries), func(r []Record) bool { return len(r) == 0 })
	slices.SortStableFunc(all, func(a, b []Record) int { return cmp.Compare(a[0].Ref.Person, b[0].Ref.Person) })
	return all
}
