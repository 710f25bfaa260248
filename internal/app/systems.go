package app

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"

	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/flow/signin"
	"github.com/amanah-project/amanah/internal/format/jose"
)

// AddSystem registers a facility's system that signs by a key, a public JWK. It waits
// for an officer to enrol it, who compares the fingerprint that is returned.
func (o *Operator) AddSystem(ctx context.Context, id staff.ActorID, at staff.FacilityID, key []byte) (fingerprint string, err error) {
	k, err := jose.ParseKey(key)
	if err != nil {
		return "", err
	}
	return staff.Fingerprint(k), o.Office().RegisterSystem(ctx, staff.Actor{
		ID: id, Facility: at, Role: staff.RoleClient, Rights: staff.Enter | staff.Correct | staff.View, Key: key,
	})
}

// AddKeylessSystem registers a facility's system that cannot sign, and returns its
// secret.
func (o *Operator) AddKeylessSystem(ctx context.Context, id staff.ActorID, at staff.FacilityID) (staff.Secret, error) {
	return o.Office().AddKeyless(ctx, staff.Actor{ID: id, Facility: at, Role: staff.RoleClient, Rights: staff.Enter | staff.Correct})
}

// SystemSecret gives a system a new secret.
func (o *Operator) SystemSecret(ctx context.Context, id staff.ActorID) (staff.Secret, error) {
	return o.Office().Secret(ctx, id)
}

// EndSystem ends a system here: it gets no token, and what it holds is good no more. In
// the keeper an officer ends its key.
func (o *Operator) EndSystem(ctx context.Context, id staff.ActorID) error {
	if _, err := o.system(ctx, id); err != nil {
		return err
	}
	return o.Office().End(ctx, id)
}

func (o *Operator) system(ctx context.Context, id staff.ActorID) (staff.Member, error) {
	all, err := o.Systems(ctx)
	for _, m := range all {
		if m.ID == id {
			return m, nil
		}
	}
	if err == nil {
		err = signin.ErrSystem
	}
	return staff.Member{}, err
}

// Systems lists facilities' systems.
func (o *Operator) Systems(ctx context.Context) (out []staff.Member, err error) {
	all, err := o.Office().Members(ctx)
	for _, m := range all {
		if m.Role == staff.RoleClient {
			out = append(out, m)
		}
	}
	return out, err
}

// MakeSystemKey makes a key for a system, writes it to a file of mode 0600 and returns
// its public half, which the platform is told.
func MakeSystemKey(file string) (public []byte, err error) {
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		return nil, err
	}
	if err := WriteKey(file, key); err != nil {
		return nil, err
	}
	return json.Marshal(struct {
		Kty string `json:"kty"`
		Crv string `json:"crv"`
		X   string `json:"x"`
	}{"OKP", "Ed25519", base64.RawURLEncoding.EncodeToString(key.Public().(ed25519.PublicKey))})
}
