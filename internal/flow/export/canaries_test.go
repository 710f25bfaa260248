package export_test

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/leak/canary"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/durable/durabletest"
	"github.com/amanah-project/amanah/internal/flow/care"
	"github.com/amanah-project/amanah/internal/flow/care/caretest"
	"github.com/amanah-project/amanah/internal/flow/export"
	"github.com/amanah-project/amanah/internal/store/memory"
)

var crowd = canary.Spec{
	Range: canary.Range{Regions: []uint32{990151}, From: 31, To: 60}, Phones: []uint32{6289977}, Group: 60, Unique: 20, Percent: 50,
}

// elsewhere is where people live whose NIKs tell them from canaries at once.
var elsewhere = []canary.Range{{Regions: []uint32{990161}, From: 31, To: 60}}

// around is where they live when the canaries' range lies among theirs.
var around = []canary.Range{{Regions: crowd.Regions, From: 1, To: 30}, {Regions: crowd.Regions, From: 61, To: 90}}

// canaried is a stand with people of all sorts, whose copies have canaries. But for where
// they live the people look as canaries do.
func canaried(t *testing.T, people int, live []canary.Range) *stand {
	t.Helper()
	s := &stand{T: t, Site: caretest.Canaried(t, memory.New())}
	var err error
	if s.to, err = age.GenerateX25519Identity(); err != nil {
		t.Fatal(err)
	}
	like := crowd
	rng := rand.New(rand.NewPCG(5, 5))
	codes := [][2]string{{"J06.9", "Infeksi saluran pernapasan atas"}, {"E11.9", "Diabetes melitus tipe 2"}, {"I10", "Hipertensi esensial"}, {"A09", "Diare"}}
	for i := range people {
		like.Range = live[i%len(live)]
		who := like.Person(canary.Key{byte(i), byte(i >> 8), 7})
		s.niks = append(s.niks, who.NIK)
		id := s.Site.Register(who.NIK.Reveal(), who.Name(), who.Birth.String())
		gender := map[identity.Sex]string{identity.Male: "male", identity.Female: "female"}[who.Sex]
		items := []care.Item{{Resource: s.Site.Read(fmt.Sprintf(`{"resourceType":"Patient","identifier":[{"system":"https://fhir.kemkes.go.id/id/nik","value":%q},{"system":"https://rs.example.id/rm","value":"RM-%06d"}],"name":[{"use":"official","text":%q}],"gender":%q,"birthDate":%q,"telecom":[{"system":"phone","value":"+%s"}],"address":[{"line":["Jalan %s No. %d RT %03d/RW %03d"],"city":"Kota Uji"}]}`,
			who.NIK.Reveal(), rng.IntN(1e6), who.Name(), gender, who.Birth, who.Phone, []string{"Kenanga", "Melati", "Mawar"}[rng.IntN(3)], 1+rng.IntN(99), 1+rng.IntN(9), 1+rng.IntN(9)))}}
		for range 1 + rng.IntN(4) {
			at := time.Date(2025, 1, 1, 8, 0, 0, 0, time.UTC).AddDate(0, 0, rng.IntN(500))
			code := codes[rng.IntN(len(codes))]
			items = append(items, care.Item{Resource: s.Site.Read(fmt.Sprintf(`{"resourceType":"Condition","subject":{"reference":"Patient/%d"},"code":{"coding":[{"system":"http://hl7.org/fhir/sid/icd-10","code":%q,"display":%q}]},"recordedDate":%q}`, id, code[0], code[1], at.Format("2006-01-02")))},
				care.Item{Resource: s.Site.Read(fmt.Sprintf(`{"resourceType":"Observation","status":"final","subject":{"reference":"Patient/%d"},"code":{"coding":[{"system":"http://loinc.org","code":"8310-5","display":"Suhu tubuh"}]},"effectiveDateTime":%q,"valueQuantity":{"value":%.1f,"unit":"Cel"}}`, id, at.Format("2006-01-02T15:04:05Z"), 36+rng.Float64()*3))})
		}
		s.give(who.NIK, items...)
	}
	s.Officers = s.Site.Officers()
	s.flow = &export.Flow{DB: s.DB, Keeper: s.Server, Care: s.Care, Now: time.Now, Canaries: crowd}
	return s
}

// inRange reports whether a text is a NIK of nobody's.
func inRange(text string) bool {
	n, err := identity.ParseNIK(text)
	return err == nil && crowd.Holds(n)
}

// TestCanariesInEveryForm: each form has people whom nobody registered; the real ones are
// there all, and what is said of them is what is said where there are no canaries.
func TestCanariesInEveryForm(t *testing.T) {
	s := canaried(t, 30, elsewhere)
	for _, form := range []staff.Form{staff.FormCSV, staff.FormNDJSON, staff.FormFHIR, staff.FormPDF, staff.FormXLSX} {
		s.flow.Canaries = canary.Spec{}
		without := s.exported(form, s.niks)
		s.flow.Canaries = crowd
		with := s.exported(form, s.niks)
		if form == staff.FormXLSX { // packed: longer is all that is told here
			if len(with) < len(without)+1000 {
				t.Errorf("%s: %d bytes, %d without canaries", form, len(with), len(without))
			}
			continue
		}
		if n := strings.Count(without, "990151"); n != 0 {
			t.Errorf("%s: %d canaries that nobody asked for", form, n)
		}
		if n := strings.Count(with, "990151"); n < 5 {
			t.Errorf("%s: %d canaries", form, n)
		}
		for _, n := range s.niks {
			if strings.Count(with, n.Reveal()) != strings.Count(without, n.Reveal()) {
				t.Errorf("%s: somebody is there another time, or not", form)
			}
		}
	}
	meaning := func(text string) (out []string) {
		rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			if len(row) > 20 && !inRange(row[3]) {
				out = append(out, strings.Join(append(slices.Clone(row[2:4]), row[12:21]...), "|"))
			}
		}
		slices.Sort(out)
		return out
	}
	s.flow.Canaries = canary.Spec{}
	without := meaning(s.exported(staff.FormCSV, s.niks))
	s.flow.Canaries = crowd
	if with := meaning(s.exported(staff.FormCSV, s.niks)); !slices.Equal(with, without) {
		t.Errorf("what is said of people differs: %d rows, %d without canaries", len(with), len(without))
	}
}

// TestSameCanariesAgain: a part that is lost is written again with the same people.
func TestSameCanariesAgain(t *testing.T) {
	s := canaried(t, 30, elsewhere)
	people, err := s.flow.People(t.Context(), s.niks)
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.flow.Request(t.Context(), "audit", s.to.Recipient().String(), staff.FormCSV, people)
	if err != nil {
		t.Fatal(err)
	}
	s.Approve(r.ID())
	var texts []string
	for i := range uint64(2) {
		disk := durabletest.New(i + 1)
		done, err := s.flow.Run(t.Context(), r.ID(), people, disk)
		if err != nil || done.Canaries == 0 || done.Canaries > 15 || done.Percent != 50 {
			t.Fatalf("%+v %v", done, err)
		}
		texts = append(texts, caretest.Parts(t, disk, s.to))
	}
	if texts[0] != texts[1] {
		t.Error("another copy")
	}
}

// A row is what a thief sees of one person.
type seen struct {
	nik      string
	canary   bool
	features map[string]float64
}

// look takes a copy apart into people, in their order, and each into what can be counted.
func look(t *testing.T, text string) (out []seen) {
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	head := rows[0]
	at := func(name string) int { return slices.Index(head, name) }
	byPerson := map[string][][]string{}
	var order []string
	for _, row := range rows[1:] {
		if row[0] == head[0] {
			continue
		}
		who, _, _ := strings.Cut(row[at("record")], "-")
		if byPerson[who] == nil {
			order = append(order, who)
		}
		byPerson[who] = append(byPerson[who], row)
	}
	for place, who := range order {
		f := map[string]float64{"place": float64(place), "records": float64(len(byPerson[who])), "digits of the number": float64(len(who))}
		number, _ := strconv.ParseFloat(who, 64)
		f["number"] = number
		if place > 0 {
			before, _ := strconv.ParseFloat(order[place-1], 64)
			f["gap"] = number - before
		}
		codes, dates := map[string]bool{}, map[string]bool{}
		for _, row := range byPerson[who] {
			for i, cell := range row {
				f["length of "+head[i]] += float64(len(cell)) / float64(len(byPerson[who]))
				if cell == "" {
					f["empty "+head[i]]++
				}
				f["digits in "+head[i]] += float64(strings.IndexFunc(cell, func(r rune) bool { return r >= '0' && r <= '9' }))
			}
			codes[row[at("code")]], dates[row[at("date")][:min(10, len(row[at("date")]))]] = true, true
			f["code "+row[at("code")]]++
			f["of type "+row[at("type")]]++
			if v, err := strconv.ParseFloat(row[at("value")], 64); err == nil {
				f["value"] += v / float64(len(byPerson[who]))
			}
			if d, err := time.Parse(time.RFC3339, row[at("updated")]); err == nil {
				f["updated"] = float64(d.Unix())
			}
			if d, err := time.Parse(time.DateOnly, row[at("date")][:min(10, len(row[at("date")]))]); err == nil {
				f["date"] = float64(d.Unix())
			}
		}
		f["codes"], f["dates"] = float64(len(codes)), float64(len(dates))
		year, _ := strconv.ParseFloat(byPerson[who][0][at("birth_date")][:4], 64)
		f["birth"] = year
		nik := byPerson[who][0][at("nik")]
		f["region"], _ = strconv.ParseFloat(nik[:6], 64)
		f["serial"], _ = strconv.ParseFloat(nik[12:], 64)
		out = append(out, seen{nik, inRange(nik), f})
	}
	return out
}

// separates returns how well one feature tells canaries from people: the area under its
// curve, less a half, in standard deviations (Mann and Whitney 1947).
func separates(all []seen, feature string) float64 {
	above, n, m := 0.0, 0.0, 0.0
	for _, a := range all {
		if !a.canary {
			m++
			continue
		}
		n++
		for _, b := range all {
			switch x, y := a.features[feature], b.features[feature]; {
			case b.canary:
			case x > y:
				above++
			case x == y:
				above += 0.5
			}
		}
	}
	return math.Abs(above/(n*m)-0.5) / math.Sqrt((n+m+1)/(12*n*m))
}

// TestThiefSeesNoForm: where the canaries' range lies among the NIKs of people, whoever knows
// neither key nor range finds nothing that tells canaries from people: no column's length, gaps,
// digits, order, numbers, codes, dates or counts, nor a NIK's region and serial. Canaries of a poor
// maker, without telephone numbers, or all at the end, and a range apart from people are the
// control.
func TestThiefSeesNoForm(t *testing.T) {
	s := canaried(t, 100, around)
	var all []seen
	for range 3 {
		all = append(all, look(t, s.exported(staff.FormCSV, s.niks))...)
	}
	met := map[string]bool{} // who stands in several copies counts once
	all = slices.DeleteFunc(all, func(a seen) bool {
		again := met[a.nik]
		met[a.nik] = true
		return again
	})
	features := map[string]bool{}
	canaries := 0
	for _, a := range all {
		if a.canary {
			canaries++
		}
		for f := range a.features {
			features[f] = true
		}
	}
	if canaries < 40 {
		t.Fatalf("%d canaries among %d", canaries, len(all))
	}
	const limit = 4
	worst, most := "", 0.0
	for f := range features {
		d := separates(all, f)
		if d > most {
			worst, most = f, d
		}
		if d > limit {
			t.Errorf("%q tells canaries: %.1f standard deviations", f, d)
		}
	}
	t.Logf("%d canaries among %d, %d features, the most telling is %q at %.1f", canaries, len(all), len(features), worst, most)
	for i := range all {
		if all[i].canary {
			all[i].features["length of phone"] = 0
			all[i].features["place"] += 1000
		}
	}
	for _, f := range []string{"length of phone", "place"} {
		if d := separates(all, f); d < limit {
			t.Errorf("the control: %q does not tell them: %.1f", f, d)
		}
	}
	apart := canaried(t, 50, elsewhere)
	if d := separates(look(t, apart.exported(staff.FormCSV, apart.niks)), "region"); d < limit {
		t.Errorf("the control: a range apart from people does not tell them: %.1f", d)
	}
}

// TestCanariesTellNobodysStory: no record of a canary says, all together, what another
// person's does, and references lead to the canary's own records.
func TestCanariesTellNobodysStory(t *testing.T) {
	s := canaried(t, 40, elsewhere)
	stories := map[string][]string{}
	real := map[string]bool{}
	for _, line := range strings.Split(strings.TrimSpace(s.exported(staff.FormFHIR, s.niks)), "\n") {
		var r struct {
			ID         string
			Type       string `json:"resourceType"`
			Subject    struct{ Reference string }
			Identifier []struct{ Value string }
			Recorded   string                      `json:"recordedDate"`
			Effective  string                      `json:"effectiveDateTime"`
			Value      struct{ Value json.Number } `json:"valueQuantity"`
			Code       struct{ Coding []struct{ Code string } }
		}
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		who, _, _ := strings.Cut(r.ID, "-")
		if r.Type == "Patient" {
			real[who] = !inRange(r.Identifier[0].Value)
			continue
		}
		if r.Subject.Reference != "Patient/"+who {
			t.Errorf("%s is of %s", r.ID, r.Subject.Reference)
		}
		stories[who] = append(stories[who], fmt.Sprint(r.Type, r.Code.Coding, r.Recorded, r.Effective, r.Value.Value))
	}
	canaries := 0
	for who, story := range stories {
		if real[who] {
			continue
		}
		canaries++
		for other, told := range stories {
			if real[other] && slices.Equal(story, told) {
				t.Errorf("%s tells what %s's records do", who, other)
			}
		}
	}
	if canaries == 0 {
		t.Error("no canaries")
	}
}
