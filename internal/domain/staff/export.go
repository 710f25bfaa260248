package staff

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/leak/canary"
	"github.com/amanah-project/amanah/internal/fault"
)

// Errors of exports.
var (
	ErrExport = fault.New(fault.Invalid, "an export names an age recipient (age1…), 1 to 5,000 people, and one of the forms fhir, csv, ndjson, xlsx and pdf")
	ErrListed = fault.New(fault.Denied, "this is not the list of people that was approved")
)

// MaxExport bounds the people of one export.
const MaxExport = 5000

// Export is what a bulk export is of and for, as the body of its request: who approves it
// signs over all of it.
type Export struct {
	Recipient string   // age public key, age1…
	Count     int      // of people
	People    [32]byte // PeopleDigest of them
	Form      Form     // in which it leaves; FHIR when empty
	Documents bool     // the files that records are of leave with it
	Canaries  string   // which stand among the people, as canary.Spec says it; empty for none
}

// Form is how an export is written: all of each record as FHIR, or rows of what fits a
// table.
type Form string

// Forms of exports.
const (
	FormFHIR   Form = ""
	FormCSV    Form = "csv"
	FormNDJSON Form = "ndjson"
	FormXLSX   Form = "xlsx"
	FormPDF    Form = "pdf"
)

// ParseForm reads a form, of which the FHIR one is called fhir; ErrExport.
func ParseForm(s string) (Form, error) {
	f := Form(s)
	if s == "fhir" {
		f = FormFHIR
	}
	if s == "" || !f.known() {
		return "", ErrExport
	}
	return f, nil
}

// String names the form.
func (f Form) String() string {
	if f == FormFHIR {
		return "fhir"
	}
	return string(f)
}

func (f Form) known() bool {
	return f == FormFHIR || f == FormCSV || f == FormNDJSON || f == FormXLSX || f == FormPDF
}

// PeopleDigest is SHA-256 over a name of the purpose and the numbers of people, ascending.
func PeopleDigest(people []identity.PersonID) [32]byte {
	b := append(make([]byte, 0, 24+8*len(people)), "amanah export people v1\x00"...)
	for _, p := range people {
		b = binary.BigEndian.AppendUint64(b, uint64(p))
	}
	return sha256.Sum256(b)
}

// Lists returns ErrListed unless these are the people of the export, ascending.
func (e Export) Lists(people []identity.PersonID) error {
	for i := range people {
		if i > 0 && people[i] <= people[i-1] {
			return ErrListed
		}
	}
	if len(people) != e.Count || PeopleDigest(people) != e.People {
		return ErrListed
	}
	return nil
}

// Body writes the export as its request's body, lines that people can read: three, one for
// a form other than FHIR, one where documents leave with it, and one where canaries stand
// among the people.
func (e Export) Body() []byte {
	body := "recipient " + e.Recipient + "\npeople " + strconv.Itoa(e.Count) + "\nlist " + hex.EncodeToString(e.People[:]) + "\n"
	if e.Form != FormFHIR {
		body += "form " + string(e.Form) + "\n"
	}
	if e.Documents {
		body += withDocuments + "\n"
	}
	if e.Canaries != "" {
		body += withCanaries + e.Canaries + "\n"
	}
	return []byte(body)
}

// withDocuments is the line of an export that documents leave with.
const withDocuments = "documents too"

// withCanaries begins the line of an export that canaries are in.
const withCanaries = "canaries "

// ParseExport reads what Body writes, in that one spelling; ErrExport.
func ParseExport(body []byte) (e Export, err error) {
	lines := strings.Split(string(body), "\n")
	if len(lines) < 4 || len(lines) > 7 {
		return e, ErrExport
	}
	for _, line := range lines[3 : len(lines)-1] {
		if line == withDocuments {
			e.Documents = true
			continue
		}
		if spec, ok := strings.CutPrefix(line, withCanaries); ok {
			e.Canaries = spec
			continue
		}
		e.Form = Form(strings.TrimPrefix(line, "form "))
	}
	e.Recipient = strings.TrimPrefix(lines[0], "recipient ")
	n, err := strconv.Atoi(strings.TrimPrefix(lines[1], "people "))
	digest, herr := hex.DecodeString(strings.TrimPrefix(lines[2], "list "))
	if err != nil || herr != nil || n < 1 || n > MaxExport || len(digest) != 32 || !recipient(e.Recipient) || !e.Form.known() || !canaries(e.Canaries) {
		return Export{}, ErrExport
	}
	e.Count, e.People = n, [32]byte(digest)
	if string(e.Body()) != string(body) {
		return Export{}, ErrExport
	}
	return e, nil
}

// canaries reports whether a text says canaries, or that there are none.
func canaries(text string) bool {
	_, err := canary.Parse(text)
	return err == nil
}

// recipient reports whether a text may be an age X25519 recipient: Bech32 in lower case.
func recipient(s string) bool {
	if len(s) != 62 || !strings.HasPrefix(s, "age1") {
		return false
	}
	return strings.Trim(s[4:], "qpzry9x8gf2tvdw0s3jn54khce6mua7l") == ""
}
