package rollout

import (
	"context"
	"time"

	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/store"
)

// Row is one partner of a list.
type Row struct {
	partner.Partner
	Linked int // people
	Most   int // people that its stage allows; 0 without an agreement in force
	Terms  int // version in force; 0 for none
}

// List returns every partner.
func (f *Flow) List(ctx context.Context) ([]Row, error) {
	var rows []Row
	now := f.Now()
	err := f.DB.View(ctx, func(st store.Stores) error {
		rows = nil
		all, err := st.Partners.All()
		if err != nil {
			return err
		}
		for _, p := range all {
			s, err := f.load(st, p.ID)
			if err != nil {
				return err
			}
			row := Row{Partner: s.Partner}
			if in, err := partner.InForce(s.agreed, now); err == nil {
				row.Terms, row.Most = in.Version, in.Room(max(1, p.Stage), 0)
			}
			if row.Linked, err = st.Links.Linked(p.ID); err != nil {
				return err
			}
			rows = append(rows, row)
		}
		return nil
	})
	return rows, err
}

// Shown is all that is known of one partner.
type Shown struct {
	Row
	Agreements []partner.Agreement
	Steps      []partner.Step
	Until      time.Time      // end of the version in force; zero for none
	Report     partner.Report // the last; zero for none
	Counts     bool           // the report lets the partner go on now
	Due        []partner.Due
}

// Suspension is the step by which the partner was last suspended; the zero Step when
// it is not suspended.
func (s Shown) Suspension() partner.Step {
	var last partner.Step
	for _, step := range s.Steps {
		if s.State == partner.Suspended && step.To == partner.Suspended && step.From != partner.Suspended {
			last = step
		}
	}
	return last
}

// Show returns one partner; ErrPartner.
func (f *Flow) Show(ctx context.Context, id partner.ID) (Shown, error) {
	var out Shown
	now := f.Now()
	err := f.DB.View(ctx, func(st store.Stores) error {
		s, err := f.load(st, id)
		if err != nil {
			return err
		}
		out = Shown{Row: Row{Partner: s.Partner}, Agreements: s.agreements}
		if out.Linked, err = st.Links.Linked(id); err != nil {
			return err
		}
		if out.Steps, err = st.Partners.Steps(id); err != nil {
			return err
		}
		out.Report = partner.LastReport(out.Steps)
		if in, err := partner.InForce(s.agreed, now); err == nil {
			out.Terms, out.Most, out.Until = in.Version, in.Room(max(1, s.Stage), 0), in.Until
			out.Counts = out.Report != (partner.Report{}) && out.Report.Check(in, now) == nil
		}
		out.Due = s.Due(s.agreements, s.agreed, out.Report, now)
		return nil
	})
	return out, err
}
