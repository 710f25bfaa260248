package check

import (
	"bytes"
	"context"
	"time"

	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/format/jose"
	"github.com/amanah-project/amanah/internal/store"
)

// staff holds who works with records against whom the keeper knows. Systems that
// cannot sign the keeper never heard of; what they may is in this database alone.
func (c *Check) staff(ctx context.Context) error {
	actors, err := c.Keeper.Actors(ctx)
	if err != nil {
		return err
	}
	var members []staff.Member
	if err := c.DB.View(ctx, func(s store.Stores) (err error) {
		members, err = s.Staff.All()
		return err
	}); err != nil {
		return err
	}
	rows := map[staff.ActorID]staff.Member{}
	for _, m := range members {
		rows[m.ID] = m
	}
	known := map[staff.ActorID]bool{}
	for _, a := range actors {
		known[a.ID] = true
		m, there := rows[a.ID]
		if what, why := member(a, m, there); what != "" {
			if err := c.found(Finding{"staff_member", string(a.ID), what, why}); err != nil {
				return err
			}
		}
	}
	if err := c.requests(ctx, actors); err != nil {
		return err
	}
	for _, m := range members {
		if signs := m.Role.Person() || len(m.Key) > 0; signs && m.State() == "enrolled" && !known[m.ID] {
			if err := c.found(Finding{"staff_member", string(m.ID), Foreign, "the keeper enrolled nobody of this name"}); err != nil {
				return err
			}
		}
	}
	return nil
}

// member compares a row with the keeper's actor. An operator may end here whom the keeper
// still believes.
func member(a staff.Actor, m staff.Member, there bool) (What, string) {
	switch {
	case !there:
		return Missing, "the keeper enrolled somebody of this name"
	case m.Facility != a.Facility || m.Role != a.Role || m.Rights != a.Rights || !bytes.Equal(m.Key, a.Key):
		return Altered, "the keeper knows them with another role, right, key or facility"
	case a.Ended.IsZero() && m.State() == "registered":
		return Altered, "is not said to be enrolled, and the keeper knows them"
	case !a.Ended.IsZero() && m.Ended.IsZero():
		return Altered, "is not said to have ended, and the keeper believes them no more"
	}
	return "", ""
}

// requests checks that each request is what its number says, and that who approved one
// signed for it with the passkey that the keeper knows.
func (c *Check) requests(ctx context.Context, actors []staff.Actor) error {
	if c.Site.ID == "" {
		return nil
	}
	keys := map[staff.ActorID]jose.Key{}
	for _, a := range actors {
		if k, err := jose.ParseKey(a.Key); err == nil {
			keys[a.ID] = k
		}
	}
	return c.DB.Snapshot(ctx, func(s store.Snapshot) error {
		tables, err := s.Tables()
		if err != nil {
			return err
		}
		if err := eachOf(s, tables, "staff_request", func(r reader) error {
			q := staff.Request{
				Kind: staff.Ask(r.at("kind").Int), By: staff.ActorID(r.at("asker").Bytes), Place: staff.FacilityID(r.at("place").Bytes),
				Purpose: string(r.at("purpose").Bytes), Body: r.at("body").Bytes,
				Asked: time.UnixMicro(r.at("asked").Int), Until: time.UnixMicro(r.at("until").Int),
			}
			if id := q.ID(); !bytes.Equal(id[:], r.at("id").Bytes) {
				return c.found(Finding{r.table.Name, r.key(), Altered, "is not what its number says"})
			}
			return nil
		}); err != nil {
			return err
		}
		return eachOf(s, tables, "staff_approval", func(r reader) error {
			a := staff.Approval{Actor: staff.ActorID(r.at("actor").Bytes), Assertion: staff.Assertion{
				AuthData: r.at("auth_data").Bytes, ClientData: r.at("client_data").Bytes, Signature: r.at("signature").Bytes,
			}}
			copy(a.Request[:], r.at("request_id").Bytes)
			key, known := keys[a.Actor]
			site := c.Site
			site.Synced = true // what is taken was decided when the key was enrolled
			if !known || a.Verify(site, key) != nil {
				return c.found(Finding{r.table.Name, r.key(), Altered, "nobody whom the keeper knows signed it"})
			}
			return nil
		})
	})
}
