package leak

import (
	"fmt"
	"math"
)

// Grade is how sure a verdict is. Only the two highest accuse, and a copy or an account,
// never a person.
type Grade uint8

// Grades, from the least.
const (
	NotOurs           Grade = iota // the sample is somebody else's
	CannotTell                     // it may be ours, and says nothing of this copy
	Consistent                     // it fits this copy, and may fit by chance
	StronglySupported              // what is logged says so, under the model of the log
	Established                    // the marks say so, whatever the leaker did
)

// Grades returns all, from the least.
func Grades() []Grade {
	return []Grade{NotOurs, CannotTell, Consistent, StronglySupported, Established}
}

// String returns the grade in English, as JSON and tables have it.
func (g Grade) String() string { return g.In(English) }

// MarshalText returns the grade as String does.
func (g Grade) MarshalText() ([]byte, error) { return []byte(g.String()), nil }

// Language is one that verdicts are worded in.
type Language string

// Languages of verdicts.
const (
	English    Language = "en"
	Indonesian Language = "id"
)

// In returns the grade in a language.
func (g Grade) In(l Language) string {
	w := g.words()
	if l == Indonesian {
		return w.indonesian
	}
	return w.english
}

// Meaning returns what the grade says and what it does not.
func (g Grade) Meaning(l Language) string {
	w := g.words()
	if l == Indonesian {
		return w.artinya
	}
	return w.meaning
}

type gradeWords struct{ english, indonesian, meaning, artinya string }

func (g Grade) words() gradeWords {
	switch g {
	case Established:
		return gradeWords{"established", "terbukti",
			"The marks in the sample are this copy's. Whatever the leaker did, and whoever helped, marks name an innocent copy with at most the stated probability. This is said of the copy, and of no person: who took the copy is another question.",
			"Tanda dalam sampel adalah milik salinan ini. Apa pun yang dilakukan pembocor dan siapa pun yang membantunya, tanda menunjuk salinan yang tidak terlibat dengan peluang paling besar sebagaimana disebutkan. Ini berlaku bagi salinan, bukan bagi seseorang: siapa yang mengambil salinan itu adalah pertanyaan lain."}
	case StronglySupported:
		return gradeWords{"strongly supported", "didukung kuat",
			"The record of who opened what explains the sample far better with this account than without it. That rests on the record being complete. It is said of the account, and of no person, and does not accuse alone.",
			"Catatan siapa membuka apa menjelaskan sampel jauh lebih baik dengan akun ini daripada tanpanya. Hal itu bergantung pada kelengkapan catatan. Ini berlaku bagi akun, bukan bagi seseorang, dan tidak cukup untuk menuduh."}
	case Consistent:
		return gradeWords{"consistent", "selaras",
			"The sample fits this copy better than most. It does so for an innocent copy, too, now and then. It is a reason to look further and none to accuse.",
			"Sampel lebih cocok dengan salinan ini daripada dengan kebanyakan salinan lain. Salinan yang tidak terlibat pun kadang demikian. Ini alasan untuk memeriksa lebih lanjut, bukan untuk menuduh."}
	case CannotTell:
		return gradeWords{"cannot tell", "tidak dapat ditentukan",
			"Nothing in the sample tells whether this copy is its source. That its marks are missing does not acquit it.",
			"Tidak ada dalam sampel yang menunjukkan apakah salinan ini sumbernya. Tidak adanya tanda bukan berarti salinan ini bebas."}
	}
	return gradeWords{"not ours", "bukan milik kami",
		"The sample does not come from this platform's records.",
		"Sampel tidak berasal dari rekam medis platform ini."}
}

// Verdict is what a trace concludes of one copy or account.
type Verdict struct {
	Grade     Grade
	LnE       float64 // of the marks
	LnNatural float64 // of the record of who opened what
	Threshold float64 // what either must reach
}

// consistentAt is the expected number of innocent copies, of all there are, that marks
// call consistent.
const consistentAt = 0.05

// Conclude grades one copy: by its marks, by what is logged of it, and by whether the
// sample is ours at all. Marks that reach the bound need nothing else; what is logged
// never reaches the highest grade, and counts for nothing unless the sample is ours.
func Conclude(o Ours, b Bound, lnE, lnNatural float64) Verdict {
	v := Verdict{Grade: CannotTell, LnE: lnE, LnNatural: lnNatural, Threshold: b.Threshold()}
	hint := math.Log(float64(max(b.Copies, 1)) / consistentAt)
	switch {
	case lnE >= v.Threshold:
		v.Grade = Established
	case o.Finding == Foreign:
		v.Grade = NotOurs
	case o.Finding == Proven && lnNatural >= v.Threshold:
		v.Grade = StronglySupported
	case lnE >= hint, o.Finding == Proven && lnNatural >= hint:
		v.Grade = Consistent
	}
	return v
}

// Words returns the verdict as one sentence with its figures.
func (v Verdict) Words(l Language) string {
	e, at := v.LnE/math.Ln10, v.Threshold/math.Ln10
	if l == Indonesian {
		return fmt.Sprintf("%s: log10 E = %.1f, ambang %.1f; catatan akses log10 = %.1f. %s", v.Grade.In(l), e, at, v.LnNatural/math.Ln10, v.Grade.Meaning(l))
	}
	return fmt.Sprintf("%s: log10 E = %.1f, threshold %.1f; access record log10 = %.1f. %s", v.Grade.In(l), e, at, v.LnNatural/math.Ln10, v.Grade.Meaning(l))
}

// Refuted lists what would refute the verdict.
func (v Verdict) Refuted(l Language) []string {
	texts := refutations(v.Grade)
	out := make([]string, len(texts))
	for i, t := range texts {
		out[i] = t[0]
		if l == Indonesian {
			out[i] = t[1]
		}
	}
	return out
}

func refutations(g Grade) [][2]string {
	switch g {
	case Established:
		return [][2]string{
			{"the copy's commitment in the journal differs from the one made of its seed, or is dated after the leak", "komitmen salinan dalam jurnal berbeda dari yang dihitung dari benihnya, atau bertanggal setelah kebocoran"},
			{"the digest of the frozen sample is not the one noted before the codes were opened", "ringkasan sampel yang dibekukan bukan yang dicatat sebelum kode dibuka"},
			{"copies were made that the count leaves out", "ada salinan yang tidak ikut dihitung"},
			{"somebody other than the recipient had the seed, as whoever holds the keeper's root key", "ada pihak selain penerima yang memegang benih, misalnya pemegang kunci induk"},
			{"decoy copies, weighed in the same run, reach the threshold, too", "salinan umpan yang ditimbang bersamaan juga mencapai ambang"},
		}
	case StronglySupported:
		return [][2]string{
			{"openings that are missing from the record", "ada pembukaan yang tidak tercatat"},
			{"another account that opened the same versions for a reason of its own", "ada akun lain yang membuka versi yang sama dengan alasan tersendiri"},
			{"a copy of the whole database or of a facility, which has what this account opened", "ada salinan seluruh basis data atau satu fasilitas yang memuat apa yang dibuka akun ini"},
		}
	case Consistent:
		return [][2]string{
			{"more rows of the same dump that fit the copy no better", "lebih banyak baris dari bocoran yang sama tidak lebih cocok dengan salinan ini"},
			{"another copy for which the marks reach the threshold alone", "salinan lain yang tandanya mencapai ambang dengan sendirinya"},
		}
	case CannotTell:
		return [][2]string{
			{"more rows, or the same rows before they were rewritten", "lebih banyak baris, atau baris yang sama sebelum ditulis ulang"},
			{"columns that only this platform has", "kolom yang hanya dimiliki platform ini"},
		}
	}
	return [][2]string{
		{"rows with something only this platform holds, as a record's number, that is right", "baris berisi sesuatu yang hanya dimiliki platform ini, seperti nomor rekam, dan isinya benar"},
		{"a token or a canary of any copy", "token atau kenari dari salinan mana pun"},
		{"records' numbers that somebody replaced before the sample was posted", "nomor rekam yang diganti seseorang sebelum sampel dipublikasikan"},
	}
}
