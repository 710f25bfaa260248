package consent

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/store"
)

// maxChildren bounds whom a page offers, and with that what one attempt opens.
const maxChildren = 10

// Choice is somebody who may be linked, as a page shows them.
type Choice struct {
	Pick  string    // names them in this browser's attempt and nowhere else
	Name  string    // masked
	Child bool      // a dependant
	Until time.Time // when a child's link ends by itself
	Taken bool      // chosen already
	who   identity.PersonID
}

// Choices returns who may be linked by whoever proved who they are: themselves and
// the children they are guardian of. identity.ErrStep before the proof.
func (f *Flow) Choices(ctx context.Context, a Attempt) ([]Choice, error) {
	page := a.Asking.Page
	if !page.Proved || page.Asked == 0 {
		return nil, identity.ErrStep
	}
	ids := []identity.PersonID{page.Asked}
	err := f.DB.View(ctx, func(s store.Stores) error {
		children, err := s.Guardians.Of(page.Asked)
		for _, g := range children[:min(len(children), maxChildren)] {
			ids = append(ids, g.Child)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	files, err := openFiles(ctx, f.DB, f.Keeper, intent(a.ID, "link-choose"), ids)
	if err != nil {
		return nil, err
	}
	var out []Choice
	for n := range files {
		c := Choice{Pick: pick(a, ids[n]), Name: files[n].person.Name.Masked(), Taken: ids[n] == page.Chosen, who: ids[n]}
		if n > 0 {
			c.Child = true
			if c.Until, err = identity.Guard(page.Asked, ids[n], files[n].person.Birth, f.Now()); err != nil {
				continue // of age: by their own consent only
			}
		}
		out = append(out, c)
	}
	return out, nil
}

// pick is a number for somebody that says nothing outside the browser's attempt.
func pick(a Attempt, who identity.PersonID) string {
	h := hmac.New(sha256.New, a.Asking.Browser[:])
	h.Write(a.ID[:])
	h.Write(binary.BigEndian.AppendUint64([]byte("amanah choice v1\x00"), uint64(who)))
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// Choose takes one of Choices; identity.ErrChoice for anybody else.
func (f *Flow) Choose(ctx context.Context, a Attempt, name string) error {
	all, err := f.Choices(ctx, a)
	if err != nil {
		return err
	}
	var chosen Choice
	for _, c := range all {
		if c.Pick == name {
			chosen = c
		}
	}
	return f.change(ctx, a, func(t turn) error {
		page, err := t.page.Choose(chosen.who, chosen.Until)
		*t.page = page
		return err
	})
}

// Consent records the consent of whoever proved who they are. Whether they may
// still give it is asked in the same transaction. identity.ErrStep,
// identity.ErrChoice, identity.ErrOfAge.
func (f *Flow) Consent(ctx context.Context, a Attempt) error {
	return f.change(ctx, a, func(t turn) error {
		children, err := t.Guardians.Of(t.page.Guardian)
		if err != nil {
			return err
		}
		holds := false
		for _, g := range children {
			holds = holds || g.Child == t.page.Chosen
		}
		page, err := t.page.Consent(holds, f.Now())
		*t.page = page
		return err
	})
}
