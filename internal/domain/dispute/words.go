package dispute

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/venue"
)

// Bounds of what is written, in characters and bytes.
const (
	maxText   = 500
	maxBytes  = 2000
	maxReason = 700 // of JSON: an answer reaches the person whole
	maxAbout  = 40
)

// Filing is what a person wrote, as it is sealed to them.
type Filing struct {
	About string    `json:"about"` // colour, the number of a visit, or the code of a reason
	Text  string    `json:"text"`
	Filed time.Time `json:"filed"`
}

// Answer is what they were answered, as it is sealed to them.
type Answer struct {
	Number  string    `json:"number"`
	Outcome string    `json:"outcome"`
	By      string    `json:"by"` // the desk that answered, by role and number
	Text    string    `json:"text"`
	At      time.Time `json:"at"`
}

// NewFiling checks what a person wrote.
func NewFiling(about, text string, now time.Time) (Filing, error) {
	f := Filing{About: about, Text: strings.TrimSpace(text), Filed: now.Truncate(time.Second).UTC()}
	if !isAbout(about) {
		return f, ErrAbout
	}
	if !plain(f.Text) || len(f.Text) > maxBytes {
		return f, ErrText
	}
	return f, nil
}

// NewAnswer checks what a desk answers.
func NewAnswer(n Number, o Outcome, by, text string, now time.Time) (Answer, error) {
	a := Answer{Number: n.String(), Outcome: o.String(), By: by, Text: strings.TrimSpace(text), At: now.Truncate(time.Second).UTC()}
	if _, err := ParseOutcome(a.Outcome); err != nil {
		return a, err
	}
	if err := CheckClerk(by); err != nil {
		return a, err
	}
	if quoted, err := json.Marshal(a.Text); err != nil || len(quoted) > maxReason || !plain(a.Text) {
		return a, ErrReason
	}
	return a, nil
}

// CheckClerk returns ErrClerk unless a text names a role and number.
func CheckClerk(by string) error {
	if len(by) < 2 || len(by) > 40 || !inAlphabet(by, "abcdefghijklmnopqrstuvwxyz0123456789./-") {
		return ErrClerk
	}
	return nil
}

// isAbout reports whether a text names something that may be disputed.
func isAbout(s string) bool {
	if s == "" || len(s) > maxAbout || !inAlphabet(s, "abcdefghijklmnopqrstuvwxyz0123456789-") {
		return false
	}
	if raw, err := hex.DecodeString(s); err == nil {
		return len(raw) == len(venue.VisitID{})
	}
	return s[0] >= 'a' && s[0] <= 'z' // colour, or the code of a reason
}

func inAlphabet(s, alphabet string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return !strings.ContainsRune(alphabet, r) })
}

// plain reports whether a text is 1 to 500 characters that can be read.
func plain(s string) bool {
	n := utf8.RuneCountInString(s)
	return utf8.ValidString(s) && n >= 1 && n <= maxText &&
		!strings.ContainsFunc(s, func(r rune) bool { return r != '\n' && !unicode.IsGraphic(r) })
}

// Name returns the id of the dispute that a person files with this nonce.
func Name(p identity.PersonID, nonce venue.Nonce) ID {
	b := append([]byte("amanah dispute v1\x00"), nonce[:]...)
	sum := sha256.Sum256(binary.BigEndian.AppendUint64(b, uint64(p)))
	var id ID
	copy(id[:6], nonce[:6])
	copy(id[6:], sum[:10])
	return id
}

// Digest tells the words of one filing from others under the same nonce. The nonce's
// 80 random bits are stored nowhere, so that words cannot be guessed by it.
func (f Filing) Digest(nonce venue.Nonce) [32]byte {
	b := append([]byte("amanah dispute words v1\x00"), nonce[:]...)
	b = append(append(b, f.About...), 0)
	return sha256.Sum256(append(b, f.Text...))
}

// Marshal writes the form that is sealed.
func (f Filing) Marshal() []byte { return marshal(f) }

// Marshal writes the form that is sealed.
func (a Answer) Marshal() []byte { return marshal(a) }

func marshal(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil { // strings and times of our own
		panic(err)
	}
	return b
}

// ReadFiling reads what a dispute's person wrote; ErrCorrupt when it is not what was
// filed then.
func (d Dispute) ReadFiling(opened []byte) (Filing, error) {
	var f Filing
	if json.Unmarshal(opened, &f) != nil || !f.Filed.Equal(d.Filed) {
		return Filing{}, ErrCorrupt
	}
	return f, nil
}

// ReadAnswer reads what they were answered; ErrCorrupt when the dispute's outcome and
// time are not those of the answer.
func (d Dispute) ReadAnswer(opened []byte) (Answer, error) {
	var a Answer
	if json.Unmarshal(opened, &a) != nil || a.Number != d.Number.String() || a.Outcome != d.Outcome.String() || !a.At.Equal(d.Answered) {
		return Answer{}, ErrCorrupt
	}
	return a, nil
}
