package certify

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// ErrReport is returned for a document that is no whole report of this list.
var ErrReport = errors.New("certify: not a report, or changed since it was written")

const (
	reportVersion = 1
	maxReport     = 1 << 20
)

// Credential says by what a relay proves itself to the platform.
type Credential string

// The credentials.
const (
	ByProof       Credential = "dpop"
	ByCertificate Credential = "mtls"
)

// Result is how one case ended.
type Result struct {
	ID       string  `json:"id"`
	Verdict  Verdict `json:"verdict"`
	Evidence string  `json:"evidence"`
}

// Report is what a run found. It names nobody: the person of the cases is made up.
type Report struct {
	Version    int        `json:"version"` // of this document
	List       int        `json:"list"`    // ListVersion
	Partner    uint32     `json:"partner"`
	Credential Credential `json:"credential"` // of the relay; empty when it was not run
	Relay      string     `json:"relay"`      // base64url: its key's RFC 7638 thumbprint, or its certificate's SHA-256
	At         time.Time  `json:"at"`         // when the run began, UTC, seconds
	Passed     bool       `json:"passed"`     // every case passed or does not apply
	Cases      []Result   `json:"cases"`      // of the whole list, in its order
	Digest     string     `json:"digest"`     // hex SHA-256 of the canonical document with this member empty
}

// canonical is the document as it is hashed and written: the members in the order
// above, no space between them, no character escaped that need not be.
func (r Report) canonical() []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(r); err != nil {
		return nil // strings, numbers and a time of this century always encode
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

func (r Report) sum() string {
	r.Digest = ""
	sum := sha256.Sum256(r.canonical())
	return hex.EncodeToString(sum[:])
}

func (r Report) holds() bool {
	for _, c := range r.Cases {
		if c.Verdict != Passed && c.Verdict != NotApplicable {
			return false
		}
	}
	return len(r.Cases) > 0
}

func (r *Report) close() {
	r.Passed = r.holds()
	r.Digest = r.sum()
}

// Marshal writes the canonical document.
func (r Report) Marshal() []byte { return append(r.canonical(), '\n') }

// Parse reads a report: ErrReport unless it is canonical, whole, of this list, and
// its digest and its verdict follow from the rest. A digest is no signature: who
// takes a report over must know who ran it.
func Parse(raw []byte) (*Report, error) {
	var r Report
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if len(raw) > maxReport || d.Decode(&r) != nil {
		return nil, ErrReport
	}
	list := List()
	if r.Version != reportVersion || r.List != ListVersion || len(r.Cases) != len(list) {
		return nil, fmt.Errorf("%w: another version", ErrReport)
	}
	for i, c := range list {
		if r.Cases[i].ID != c.ID {
			return nil, fmt.Errorf("%w: a case is missing", ErrReport)
		}
	}
	if r.Digest != r.sum() || r.Passed != r.holds() || !bytes.Equal(raw, r.Marshal()) {
		return nil, ErrReport
	}
	return &r, nil
}

// Language is of a report for people.
type Language string

// The languages.
const (
	Indonesian Language = "id"
	English    Language = "en"
)

func (l Language) of(t Text) string {
	if l == English {
		return t.English
	}
	return t.Indonesian
}

// Markdown writes the report for people. What the harness saw stays in English.
func (r Report) Markdown(l Language) string {
	var b strings.Builder
	say := func(t Text, a ...any) { fmt.Fprintf(&b, l.of(t)+"\n", a...) }
	say(Text{"# Laporan sertifikasi mitra %d\n", "# Certification report of partner %d\n"}, r.Partner)
	say(map[bool]Text{
		true:  {"**Lulus.** Semua kasus uji lulus atau tidak berlaku.\n", "**Passed.** Every case passed or does not apply.\n"},
		false: {"**Tidak lulus.**\n", "**Not passed.**\n"},
	}[r.Passed])
	say(Text{"- daftar kasus uji: versi %d", "- list of cases: version %d"}, r.List)
	say(Text{"- waktu: %s", "- time: %s"}, r.At.Format(time.RFC3339))
	if r.Relay != "" {
		say(Text{"- kredensial penerus: %s, sidik `%s`", "- relay's credential: %s, thumbprint `%s`"}, r.Credential, r.Relay)
	}
	say(Text{"- SHA-256 laporan: `%s`\n", "- SHA-256 of the report: `%s`\n"}, r.Digest)
	say(Text{"| kasus uji | yang dituntut | hasil | yang terlihat |", "| case | what is asked | verdict | what was seen |"})
	b.WriteString("|---|---|---|---|\n")
	titles := map[string]Text{}
	for _, c := range List() {
		titles[c.ID] = c.Title
	}
	for _, c := range r.Cases {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", c.ID, l.of(titles[c.ID]), l.of(c.Verdict.text()), cell(c.Evidence))
	}
	return b.String()
}

func (v Verdict) text() Text {
	switch v {
	case Passed:
		return Text{"lulus", "passed"}
	case NotApplicable:
		return Text{"tidak berlaku", "does not apply"}
	case NotRun:
		return Text{"tidak dijalankan", "not run"}
	}
	return Text{"**gagal**", "**failed**"}
}

// cell keeps a text from another side inside its cell.
func cell(s string) string {
	return strings.NewReplacer("|", "\\|", "\n", " ", "\r", " ", "`", "'", "<", "&lt;", "[", "\\[").Replace(s)
}

// Published writes the list as docs/certification.md shows it.
func Published() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Version %d of the list. H marks the cases in which something goes wrong or somebody\ntries something.\n", ListVersion)
	for _, s := range []Subject{OfRelay, OfClient} {
		fmt.Fprintf(&b, "\n## Cases of a %s\n\n| case | | what is asked | yang dituntut | what the harness does and looks at |\n|---|---|---|---|---|\n", s)
		for _, c := range List() {
			hostile := map[bool]string{true: "H"}[c.Hostile]
			if c.Subject == s {
				fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", c.ID, hostile, c.Title.English, c.Title.Indonesian, c.How)
			}
		}
	}
	return b.String()
}
