// Package portability is the flow by which a person takes their own records along: all
// that stand, restricted and withdrawn ones too, as FHIR and files, sealed by age to a
// key that the person gives, and journaled before it is opened (UU 27/2022 art. 13).
//
// It is theirs: it carries no mark, and neither a restriction nor a legal hold stops it.
// Nothing of it lies on a disk of ours: it is sealed on the way out, in constant memory
// but for the resources.
package portability

import (
	"archive/tar"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"time"

	"filippo.io/age"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/flow/care"
	"github.com/amanah-project/amanah/internal/flow/consent"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/verify"
)

// ErrRecipient: nothing is sealed to that.
var ErrRecipient = fault.New(fault.Invalid, "give the public key of age that the records are sealed to, as age1…: age-keygen makes one")

// Keeper is what this flow asks of the keeper.
type Keeper interface {
	Read(ctx context.Context, i keeper.Intent, r []keeper.Read) (keeper.Receipt, []keeper.Opened, error)
}

// Records opens what is a person's own: the care flow.
type Records interface {
	Own(ctx context.Context, who identity.PersonID, ask func(context.Context, keeper.Read) (keeper.Opened, error)) ([]care.Record, error)
	Document(ctx context.Context, r care.Record) (care.Opened, error)
}

// Flow writes people's own records.
type Flow struct {
	Keeper  Keeper
	Records Records
	Base    string // of the platform's FHIR resources, as https://host/fhir/R4
	Now     func() time.Time
}

// Manifest is what the archive says of itself: manifest.json, its first file.
type Manifest struct {
	Person    string    `json:"person"`
	Made      time.Time `json:"made"`
	Resources int       `json:"resources"` // in bundle.json
	Files     []File    `json:"files"`
}

// File is one document of the archive.
type File struct {
	Name        string           `json:"name"`
	Record      string           `json:"record"`
	Version     uint64           `json:"version"`
	Kind        string           `json:"kind"`
	ContentType string           `json:"content_type"`
	Size        int64            `json:"size"`
	SHA256      string           `json:"sha256"`
	Facility    string           `json:"facility"`
	Entered     time.Time        `json:"entered"`
	Transfer    *verify.Transfer `json:"transfer,omitempty"` // of a document that was sent from facility to facility
}

// Take writes the records of whoever proved who they are on the platform's own page,
// sealed to a recipient: a tar archive of manifest.json, bundle.json (a FHIR R4
// collection) and documents. begin is called once all is opened and before the first
// byte: what goes wrong later leaves an archive that age finds cut. identity.ErrStep of
// whoever proved nothing, ErrRecipient.
func (f *Flow) Take(ctx context.Context, a consent.Attempt, recipient string, begin func() io.Writer) error {
	who, err := a.Holder()
	if err != nil {
		return err
	}
	to, err := age.ParseX25519Recipient(recipient)
	if err != nil {
		return ErrRecipient
	}
	i := keeper.Intent{Actor: "authorization/" + hex.EncodeToString(a.ID[:]), Purpose: keeper.PurposeOwn, Budget: keeper.BudgetSelf}
	rand.Read(i.ID[:])
	all, err := f.Records.Own(ctx, who, func(ctx context.Context, r keeper.Read) (keeper.Opened, error) {
		_, opened, err := f.Keeper.Read(ctx, i, []keeper.Read{r})
		if err != nil {
			return keeper.Opened{}, err
		}
		if len(opened) != 1 {
			return keeper.Opened{}, keeper.ErrUnavailable
		}
		return opened[0], opened[0].Err
	})
	if err != nil {
		return err
	}
	m, bundle, documents, err := f.gather(who, all)
	if err != nil {
		return err
	}
	sealed, err := age.Encrypt(begin(), to)
	if err != nil {
		return err
	}
	out := tar.NewWriter(sealed)
	if err := f.write(ctx, out, m, bundle, documents); err != nil {
		return err
	}
	return errors.Join(out.Close(), sealed.Close())
}

// gather says what the archive holds, in the order of the records' numbers.
func (f *Flow) gather(who identity.PersonID, all []care.Record) (m Manifest, bundle []byte, documents []care.Record, err error) {
	type entry struct {
		URL      string          `json:"fullUrl"`
		Resource json.RawMessage `json:"resource"`
	}
	b := struct {
		Type  string  `json:"resourceType"`
		Kind  string  `json:"type"`
		Entry []entry `json:"entry,omitempty"`
	}{Type: "Bundle", Kind: "collection"}
	m = Manifest{Person: record.Ref{Person: who}.String(), Made: f.Now().UTC().Truncate(time.Second), Files: []File{}}
	for _, r := range all {
		switch {
		case r.Type != "":
			raw, err := r.Resource()
			if err != nil {
				return m, nil, nil, err
			}
			b.Entry = append(b.Entry, entry{f.Base + "/" + r.Type + "/" + r.Ref.String(), raw})
		case r.Content.Document != nil:
			d := r.Content.Document
			m.Files = append(m.Files, File{
				Name: "documents/" + r.Ref.String() + record.Extension(r.ContentType), Record: r.Ref.String(), Version: r.Version, Kind: r.Kind.String(),
				ContentType: r.ContentType, Size: d.Size, SHA256: hex.EncodeToString(d.Hash[:]), Facility: r.Facility, Entered: r.Entered, Transfer: r.Transfer,
			})
			documents = append(documents, r)
		}
	}
	m.Resources = len(b.Entry)
	bundle, err = json.Marshal(&b)
	return m, bundle, documents, err
}

func (f *Flow) write(ctx context.Context, out *tar.Writer, m Manifest, bundle []byte, documents []care.Record) error {
	manifest, err := json.MarshalIndent(&m, "", "  ")
	if err != nil {
		return err
	}
	put := func(name string, size int64, at time.Time, content func(io.Writer) error) error {
		h := &tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o600, ModTime: at.Truncate(time.Second)}
		if err := out.WriteHeader(h); err != nil {
			return err
		}
		return content(out)
	}
	whole := func(raw []byte) func(io.Writer) error {
		return func(w io.Writer) error {
			_, err := w.Write(raw)
			return err
		}
	}
	if err := put("manifest.json", int64(len(manifest)), m.Made, whole(manifest)); err != nil {
		return err
	}
	if err := put("bundle.json", int64(len(bundle)), m.Made, whole(bundle)); err != nil {
		return err
	}
	for i, r := range documents {
		err := put(m.Files[i].Name, m.Files[i].Size, r.Entered, func(w io.Writer) error {
			o, err := f.Records.Document(ctx, r)
			if err != nil {
				return err
			}
			_, err = io.CopyBuffer(struct{ io.Writer }{w}, io.NewSectionReader(o, 0, o.Size()), make([]byte, 256<<10))
			return errors.Join(err, o.Close(), ctx.Err())
		})
		if err != nil {
			return err
		}
	}
	return nil
}
