package partner_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/fault"
)

const edHead = `{"alg":"EdDSA"}`

// agreement is one version of good terms, signed by the key of a seed; that key is
// the terms' own unless another is named.
func agreement(t *testing.T, version int, by, names byte) partner.Agreement {
	t.Helper()
	in := terms(t)
	in.Version, in.Keys.Sign = version, edJWK(names)
	raw := canonical(t, in)
	return partner.Agreement{Partner: in.Partner, Version: version, Terms: raw, Signature: edSign(by, edHead, raw), Until: in.Until}
}

func countersigned(a partner.Agreement, key ed25519.PrivateKey) partner.Agreement {
	a.Countersignature = partner.Countersignature{Seq: 7, At: now.Truncate(time.Millisecond)}
	a.Countersignature.Sign(key, a.Digest())
	return a
}

// TestOpen: an agreement holds by both signatures, over what is stored and nothing else.
func TestOpen(t *testing.T) {
	platform := edKey(50)
	public := platform.Public().(ed25519.PublicKey)
	good := countersigned(agreement(t, 1, 1, 1), platform)
	in, err := good.Open(public)
	if err != nil || in.Name != "Toko Maya <& Co>" {
		t.Fatalf("%v, %v", in.Name, err)
	}
	if k, _ := partner.ParseKey(in.Keys.Relay); in.Relay != k.Thumbprint() {
		t.Error("another relay key than the terms'")
	}
	for name, spoil := range map[string]func(a *partner.Agreement){
		"not countersigned":        func(a *partner.Agreement) { a.Countersignature = partner.Countersignature{} },
		"other terms":              func(a *partner.Agreement) { a.Terms = []byte(strings.Replace(string(a.Terms), "250000", "950000", 1)) },
		"another's partner":        func(a *partner.Agreement) { a.Partner++ },
		"another version":          func(a *partner.Agreement) { a.Version++ },
		"another number of record": func(a *partner.Agreement) { a.Countersignature.Seq++ },
		"another time":             func(a *partner.Agreement) { a.Countersignature.At = a.Countersignature.At.Add(time.Millisecond) },
		"another partner's signature": func(a *partner.Agreement) {
			*a = countersigned(partner.Agreement{Partner: a.Partner, Version: 1, Terms: a.Terms, Signature: edSign(3, edHead, a.Terms)}, platform)
		},
		"countersigned by somebody": func(a *partner.Agreement) { *a = countersigned(*a, edKey(51)) },
	} {
		bad := good
		spoil(&bad)
		if _, err := bad.Open(public); fault.KindOf(err) != fault.Denied {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := countersigned(agreement(t, 2, 1, 6), platform).Open(public); err != nil {
		t.Errorf("a version that changes the signing key: %v", err)
	}
	if _, err := good.Open(nil); !errors.Is(err, partner.ErrUnsigned) {
		t.Errorf("no platform key: %v", err)
	}
}

// TestSucceeds: the next version is signed by the key of the last that both signed.
func TestSucceeds(t *testing.T) {
	platform := edKey(50)
	offered, signed := agreement(t, 1, 1, 1), countersigned(agreement(t, 1, 1, 1), platform)
	rotated := countersigned(agreement(t, 2, 1, 6), platform)
	draft := agreement(t, 2, 1, 6)
	for name, c := range map[string]struct {
		next   partner.Agreement
		before []partner.Agreement
		want   error
	}{
		"the first":                           {agreement(t, 1, 1, 1), nil, nil},
		"a first that another signed":         {agreement(t, 1, 6, 1), nil, partner.ErrSignature},
		"a first numbered two":                {agreement(t, 2, 1, 1), nil, partner.ErrVersion},
		"the same number":                     {agreement(t, 1, 1, 1), []partner.Agreement{signed}, partner.ErrVersion},
		"one skipped":                         {agreement(t, 3, 1, 1), []partner.Agreement{signed}, partner.ErrVersion},
		"by the same key":                     {agreement(t, 2, 1, 1), []partner.Agreement{signed}, nil},
		"a new key named by the old":          {agreement(t, 2, 1, 6), []partner.Agreement{signed}, nil},
		"a new key that names itself":         {agreement(t, 2, 6, 6), []partner.Agreement{signed}, partner.ErrSignature},
		"after the key was changed":           {agreement(t, 3, 6, 6), []partner.Agreement{signed, rotated}, nil},
		"the old key after the change":        {agreement(t, 3, 1, 1), []partner.Agreement{signed, rotated}, partner.ErrSignature},
		"a draft's key speaks for nobody":     {agreement(t, 3, 6, 6), []partner.Agreement{signed, draft}, partner.ErrSignature},
		"the old key counts after a draft":    {agreement(t, 3, 1, 1), []partner.Agreement{signed, draft}, nil},
		"an application mended by its key":    {agreement(t, 2, 1, 1), []partner.Agreement{offered}, nil},
		"an application mended by a stranger": {agreement(t, 2, 6, 6), []partner.Agreement{offered}, partner.ErrSignature},
	} {
		if err := c.next.Succeeds(c.before); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func TestReport(t *testing.T) {
	good := partner.Report{Partner: 2, Relay: [32]byte{1}, Passed: true, At: now}
	in := &partner.Agreed{Terms: terms(t), Relay: [32]byte{1}}
	for name, c := range map[string]struct {
		spoil func(r *partner.Report)
		at    time.Time
		ok    bool
	}{
		"passed":             {func(*partner.Report) {}, now, true},
		"30 days old":        {func(*partner.Report) {}, now.Add(partner.ReportLife), true},
		"older":              {func(*partner.Report) {}, now.Add(partner.ReportLife + 1), false},
		"to come":            {func(*partner.Report) {}, now.Add(-2 * time.Minute), false},
		"failed":             {func(r *partner.Report) { r.Passed = false }, now, false},
		"of another key":     {func(r *partner.Report) { r.Relay[0]++ }, now, false},
		"of another":         {func(r *partner.Report) { r.Partner++ }, now, false},
		"none":               {func(r *partner.Report) { *r = partner.Report{} }, now, false},
		"of its certificate": {func(r *partner.Report) { r.Relay = sha256.Sum256([]byte("a certificate")) }, now, true},
	} {
		r := good
		c.spoil(&r)
		if err := r.Check(in, c.at); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
	other := good
	other.Passed = false
	steps := []partner.Step{{}, {Report: good}, {}, {Report: other}, {}}
	if partner.LastReport(steps) != other || partner.LastReport(steps[:3]) != good || partner.LastReport(nil) != (partner.Report{}) {
		t.Error("the last report is the last that is there")
	}
}

func TestStepCheck(t *testing.T) {
	for name, c := range map[string]struct {
		step partner.Step
		want error
	}{
		"plain":         {partner.Step{Who: "kantor mitra"}, nil},
		"with a reason": {partner.Step{Who: "x", Reason: strings.Repeat("é", 200)}, nil},
		"nobody":        {partner.Step{}, partner.ErrWho},
		"who too long":  {partner.Step{Who: strings.Repeat("x", 65)}, partner.ErrWho},
		"two lines":     {partner.Step{Who: "x", Reason: "a\nb"}, partner.ErrReason},
		"too long":      {partner.Step{Who: "x", Reason: strings.Repeat("é", 201)}, partner.ErrReason},
	} {
		if err := c.step.Check(); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
