package partner

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/amanah-project/amanah/internal/fault"
)

// ErrLanguage is returned for a language that terms are not written in.
var ErrLanguage = fault.New(fault.Invalid, "terms are written in id and en")

// phrases are an agreement's words in one language.
type phrases struct {
	title, version, force, may, shows, why, keeps, relay, decisions, stages, stage, contacts, others, none, returns, group string
	words                                                                                                                  map[string]string
}

func phrasesOf(lang string) (phrases, bool) {
	switch lang {
	case "id":
		return phrases{
			title: "Perjanjian dengan mitra %s", version: "Mitra nomor %s, versi %d.",
			force: "Berlaku mulai %s dan berakhir sebelum %s (UTC).",
			may:   "Mitra boleh:", shows: "Warna yang boleh ditampilkan: %s.", why: "Tujuan:",
			keeps:     "Mitra tidak menyimpan apa pun (retensi 0 hari).",
			relay:     "Paling banyak %s pesan per menit.",
			decisions: "Paling banyak %s keputusan per hari.",
			stages:    "Jumlah orang tertaut dibatasi per tahap:", stage: "tahap %d: paling banyak %s orang",
			contacts: "Kontak:", others: "Pihak lain yang membawa lalu lintas mitra:", none: "tidak ada",
			returns: "Alamat kembali setelah menautkan:", group: ".",
			words: map[string]string{
				string(ScopeColour):   "menampilkan kepada orang, di ponselnya sendiri, warnanya",
				string(ScopeDecision): "menerima boleh atau tidak untuk satu perjalanan, tanpa warna",
				PurposeVenue:          "masuk dan keluar tempat", PurposeJourney: "menaiki satu perjalanan",
				"green": "hijau", "yellow": "kuning", "red": "merah", "black": "hitam",
				RoleTechnical: "teknis", RoleData: "pelindungan data", RoleIncident: "insiden",
			},
		}, true
	case "en":
		return phrases{
			title: "Agreement with partner %s", version: "Partner number %s, version %d.",
			force: "In force from %s and before %s (UTC).",
			may:   "The partner may:", shows: "Colours that it may show: %s.", why: "Purposes:",
			keeps:     "The partner keeps nothing (retention 0 days).",
			relay:     "At most %s messages a minute.",
			decisions: "At most %s decisions a day.",
			stages:    "The number of people linked is bounded in each stage:", stage: "stage %d: at most %s people",
			contacts: "Contacts:", others: "Others who carry the partner's traffic:", none: "none",
			returns: "Addresses to return to after linking:", group: ",",
			words: map[string]string{
				string(ScopeColour):   "show people, on their own phone, their colour",
				string(ScopeDecision): "be told admit or refuse for one journey, without a colour",
				PurposeVenue:          "entering and leaving venues", PurposeJourney: "boarding one journey",
				"green": "green", "yellow": "yellow", "red": "red", "black": "black",
				RoleTechnical: "technical", RoleData: "data protection", RoleIncident: "incident",
			},
		}, true
	}
	return phrases{}, false
}

// Text writes terms that Check passed for people to read, in Indonesian (id) or
// English (en); the keys are left to the signed document. ErrLanguage.
func (t Terms) Text(lang string) (string, error) {
	p, ok := phrasesOf(lang)
	if !ok {
		return "", ErrLanguage
	}
	var b strings.Builder
	say := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	list := func(head string, items []string) {
		say("\n%s", head)
		if len(items) == 0 {
			items = []string{p.none}
		}
		for _, i := range items {
			say("- %s", i)
		}
	}
	say(p.title, t.Name)
	say("\n"+p.version, t.Partner, t.Version)
	say(p.force, t.From.UTC().Format(time.DateTime), t.Until.UTC().Format(time.DateTime))
	list(p.may, each(t.Scopes, func(s Scope) string { return p.words[string(s)] }))
	if len(t.Colours) > 0 {
		say("\n"+p.shows, strings.Join(each(t.Colours, p.word), ", "))
	}
	list(p.why, each(t.Purposes, p.word))
	say("\n%s", p.keeps)
	say(p.relay, p.number(t.Limits.MessagesPerMinute))
	if t.Limits.DecisionsPerDay > 0 {
		say(p.decisions, p.number(t.Limits.DecisionsPerDay))
	}
	var stages []string
	for i, most := range t.Stages {
		stages = append(stages, fmt.Sprintf(p.stage, i+1, p.number(most)))
	}
	list(p.stages, stages)
	list(p.contacts, each(t.Contacts, func(c Contact) string { return p.words[c.Role] + ": " + c.Email + ", " + c.Phone }))
	list(p.others, each(t.SubProcessors, func(s SubProcessor) string { return s.Name + " (" + s.Country + "): " + s.Task }))
	list(p.returns, t.Redirects)
	return b.String(), nil
}

func (p phrases) word(code string) string { return p.words[code] }

// number groups digits by three, as the language does.
func (p phrases) number(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + p.group + s[i:]
	}
	return s
}

func each[T any](in []T, write func(T) string) []string {
	out := make([]string, len(in))
	for i, v := range in {
		out[i] = write(v)
	}
	return out
}
