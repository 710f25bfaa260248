package console

import (
	"context"
	"net/http"
	"strconv"

	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/flow/rollout"
	"github.com/amanah-project/amanah/internal/web/signed"
)

// ErrStep: a step that there is not.
var ErrStep = fault.New(fault.NotFound, "no such step: promote, certify, suspend, resume or end")

// Partners are led through their life cycle (package rollout). To countersign an agreement
// is not among it: only the keeper's host does that.
type Partners interface {
	List(ctx context.Context) ([]rollout.Row, error)
	Show(ctx context.Context, id partner.ID) (rollout.Shown, error)
	Promote(ctx context.Context, a rollout.Ask, id partner.ID) (partner.Partner, error)
	Certify(ctx context.Context, a rollout.Ask, r partner.Report) (partner.Partner, error)
	Suspend(ctx context.Context, a rollout.Ask, id partner.ID) (partner.Partner, error)
	Resume(ctx context.Context, a rollout.Ask, id partner.ID) (partner.Partner, error)
	End(ctx context.Context, a rollout.Ask, id partner.ID) (partner.Partner, error)
}

// shownPartner is a partner as officers see it.
type shownPartner struct {
	Partner uint32        `json:"partner"`
	Name    string        `json:"name"`
	State   string        `json:"state"`
	Stage   int           `json:"stage"`
	Linked  int           `json:"linked"`
	Most    int           `json:"most"`
	Terms   int           `json:"terms"`
	Joined  int64         `json:"joined"`
	Next    []partner.Due `json:"next,omitempty"`
	Steps   []shownStep   `json:"steps,omitempty"`
}

type shownStep struct {
	Number int    `json:"number"`
	At     int64  `json:"at"`
	Who    string `json:"who"`
	From   string `json:"from"`
	To     string `json:"to"`
	Stage  int    `json:"stage"`
	Reason string `json:"reason"`
}

func rowOf(r rollout.Row) shownPartner {
	return shownPartner{
		Partner: uint32(r.ID), Name: r.Name, State: r.State.String(), Stage: r.Stage, Linked: r.Linked, Most: r.Most, Terms: r.Terms,
		Joined: moment(r.Joined),
	}
}

func partnerOf(s rollout.Shown) shownPartner {
	out := rowOf(s.Row)
	out.Next = s.Due
	for _, one := range s.Steps {
		out.Steps = append(out.Steps, shownStep{one.Number, moment(one.At), one.Who, one.From.String(), one.To.String(), one.Stage, one.Reason})
	}
	return out
}

// partners lists all partners, for officers.
func (c *Console) partners(r *http.Request, who signed.Caller) (any, error) {
	if who.Member.Role != staff.RoleOfficer {
		return nil, staff.ErrNotYours
	}
	all, err := c.Partners.List(r.Context())
	out := struct {
		Partners []shownPartner `json:"partners"`
	}{[]shownPartner{}}
	for _, one := range all {
		out.Partners = append(out.Partners, rowOf(one))
	}
	return out, err
}

// partner shows one partner and its steps, for officers.
func (c *Console) partner(r *http.Request, who signed.Caller) (any, error) {
	if who.Member.Role != staff.RoleOfficer {
		return nil, staff.ErrNotYours
	}
	id, err := partnerID(r)
	if err != nil {
		return nil, err
	}
	shown, err := c.Partners.Show(r.Context(), id)
	if err != nil {
		return nil, err
	}
	return partnerOf(shown), nil
}

func partnerID(r *http.Request) (partner.ID, error) {
	n, err := strconv.ParseUint(r.PathValue("partner"), 10, 32)
	if err != nil || n == 0 {
		return 0, rollout.ErrPartner
	}
	return partner.ID(n), nil
}

// step takes a partner one step. Any officer may suspend, at once; all that lets a partner
// do more than before, or ends it, takes an elevation, by a second person. The log has the
// officer's name.
func (c *Console) step(r *http.Request, who signed.Caller) (any, error) {
	var in struct {
		Reason string `json:"reason"`
		Report string `json:"report"` // of a certification: the file's text, to the byte
	}
	if err := read(r, &in); err != nil {
		return nil, err
	}
	if who.Member.Role != staff.RoleOfficer {
		return nil, staff.ErrNotYours
	}
	id, err := partnerID(r)
	if err != nil {
		return nil, err
	}
	name := r.PathValue("step")
	take, err := c.taking(name, id, in.Report)
	if err != nil {
		return nil, err
	}
	if name != "suspend" {
		if err := c.Seconds.Elevated(r.Context(), who.Member.ID); err != nil {
			return nil, err
		}
	}
	if _, err := take(r.Context(), rollout.Ask{Who: string(who.Member.ID), Reason: in.Reason}, id); err != nil {
		return nil, err
	}
	shown, err := c.Partners.Show(r.Context(), id)
	if err != nil {
		return nil, err
	}
	return partnerOf(shown), nil
}

type taking func(ctx context.Context, a rollout.Ask, id partner.ID) (partner.Partner, error)

func (c *Console) taking(step string, id partner.ID, report string) (taking, error) {
	if (step == "certify") != (report != "") {
		return nil, ErrBody
	}
	switch step {
	case "promote":
		return c.Partners.Promote, nil
	case "suspend":
		return c.Partners.Suspend, nil
	case "resume":
		return c.Partners.Resume, nil
	case "end":
		return c.Partners.End, nil
	case "certify":
		what, err := c.Report([]byte(report))
		if err != nil {
			return nil, err
		}
		if what.Partner != id {
			return nil, partner.ErrReport
		}
		return func(ctx context.Context, a rollout.Ask, _ partner.ID) (partner.Partner, error) {
			return c.Partners.Certify(ctx, a, what)
		}, nil
	}
	return nil, ErrStep
}
