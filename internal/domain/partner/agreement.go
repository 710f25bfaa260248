package partner

import (
	"encoding/json"
	"time"
)

// Scope is what a partner's tokens may be good for, as OAuth writes it.
type Scope string

// Scopes that an agreement may grant.
const (
	ScopeColour   Scope = "colour"          // devices show their person's colour
	ScopeDecision Scope = "decision:server" // a server is told admit or refuse for one journey, never a colour
)

// Terms are an agreement in machine-readable form. Both sides sign its canonical
// JSON; the text that people read is generated from it. A changed agreement is a
// new version, never a changed row.
type Terms struct {
	Partner       ID             `json:"partner"`
	Version       int            `json:"version"` // from 1, ascending
	Name          string         `json:"name"`    // as people know the partner
	Scopes        []Scope        `json:"scopes"`
	Colours       []string       `json:"colours"`        // the colours that the partner's app may show, design §7
	Purposes      []string       `json:"purposes"`       // codes, such as venue-check-in
	RetentionDays int            `json:"retention_days"` // always 0: a partner keeps nothing
	Limits        Limits         `json:"limits"`
	Stages        []int          `json:"stages"` // most people linked in each stage of Live, ascending
	Contacts      []Contact      `json:"contacts"`
	SubProcessors []SubProcessor `json:"sub_processors"`
	Redirects     []string       `json:"redirect_uris"` // exact, as OAuth compares them
	Keys          Keys           `json:"keys"`
	From          time.Time      `json:"from"`  // in force from, UTC, whole seconds
	Until         time.Time      `json:"until"` // and before
}

// Limits bound what a partner may send.
type Limits struct {
	MessagesPerMinute int `json:"messages_per_minute"` // encapsulated messages of its relay
	DecisionsPerDay   int `json:"decisions_per_day"`   // of ScopeDecision
}

// Contact is an office to reach, not a private person.
type Contact struct {
	Role  string `json:"role"` // technical, data-protection, incident
	Email string `json:"email"`
	Phone string `json:"phone"`
}

// SubProcessor is a company that the partner lets carry its traffic.
type SubProcessor struct {
	Name    string `json:"name"`
	Country string `json:"country"` // ISO 3166-1 alpha-2
	Task    string `json:"task"`
}

// Keys are the partner's public keys that an agreement binds, each a JWK (RFC
// 7517): P-256 for ES256 or Ed25519 for EdDSA.
type Keys struct {
	Sign        json.RawMessage   `json:"sign"`        // signs agreements
	Relay       json.RawMessage   `json:"relay"`       // the relay's proofs; its thumbprint is Partner.Relay
	Clients     []json.RawMessage `json:"clients"`     // private_key_jwt of servers, attestation of devices
	Certificate string            `json:"certificate"` // base64url SHA-256 of the relay's certificate (RFC 8705 x5t#S256); empty without mTLS
}
