package check

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/amanah-project/amanah/internal/domain/accesslog"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/store"
)

// reader reads a row's columns by name.
type reader struct {
	table store.Table
	row   []store.Value
}

func (r reader) at(name string) store.Value {
	i := slices.IndexFunc(r.table.Columns, func(c store.Column) bool { return c.Name == name })
	if i < 0 {
		return store.Value{}
	}
	return r.row[i]
}

// key names a row by its primary key.
func (r reader) key() string {
	type part struct {
		at   int
		text string
	}
	var parts []part
	for i, c := range r.table.Columns {
		switch v := r.row[i]; {
		case c.Key == 0:
		case c.Kind == store.IntValue:
			parts = append(parts, part{c.Key, strconv.FormatInt(v.Int, 10)})
		case c.Kind == store.TextValue:
			parts = append(parts, part{c.Key, string(v.Bytes)})
		default:
			parts = append(parts, part{c.Key, hex.EncodeToString(v.Bytes)})
		}
	}
	slices.SortFunc(parts, func(a, b part) int { return a.at - b.at })
	var out []string
	for _, p := range parts {
		out = append(out, p.text)
	}
	return strings.Join(out, "/")
}

// owners goes over the rows of every table that name a person, a partner or a link,
// and looks whether they are there. Rows of people who came since the check began are
// passed over.
func (c *Check) owners(ctx context.Context) error {
	return c.DB.Snapshot(ctx, func(s store.Snapshot) error {
		tables, err := s.Tables()
		if err != nil {
			return err
		}
		partners := map[int64]bool{}
		links := map[string]bool{}
		if err := eachOf(s, tables, "partner_partner", func(r reader) error { partners[r.at("id").Int] = true; return nil }); err != nil {
			return err
		}
		if err := eachOf(s, tables, "identity_link", func(r reader) error {
			links[string(r.at("id").Bytes)] = true
			return c.linked(r, partners)
		}); err != nil {
			return err
		}
		for _, t := range tables {
			if err := c.owned(s, t, partners, links); err != nil {
				return err
			}
		}
		for who := range c.last {
			if err := c.found(Finding{"record_person", strconv.FormatInt(who, 10), Missing, "the person has rows of health records"}); err != nil {
				return err
			}
		}
		return nil
	})
}

// eachOf hands on the rows of one table.
func eachOf(s store.Snapshot, tables []store.Table, name string, fn func(reader) error) error {
	for _, t := range tables {
		if t.Name == name {
			return s.Rows(t, func(row []store.Value) error { return fn(reader{t, row}) })
		}
	}
	return nil
}

// linked checks that a link is a person's and a partner's.
func (c *Check) linked(r reader, partners map[int64]bool) error {
	subject := r.at("subject").Bytes
	if len(subject) == len(identity.Tag{}) && identity.Tag(subject) != (identity.Tag{}) && !c.subjects[identity.Tag(subject)] {
		return c.found(Finding{r.table.Name, r.key(), Foreign, "its subject is nobody's tag"})
	}
	if !partners[r.at("partner_id").Int] {
		return c.found(Finding{r.table.Name, r.key(), Foreign, "there is no such partner"})
	}
	return nil
}

// owned checks one table's rows.
func (c *Check) owned(s store.Snapshot, t store.Table, partners map[int64]bool, links map[string]bool) error {
	var people []string
	var byPartner, byLink bool
	for _, col := range t.Columns {
		switch {
		case strings.HasSuffix(col.Name, "person_id"), col.Name == "guardian_id", col.Name == "child_id":
			people = append(people, col.Name)
		case col.Name == "partner_id" && t.Name != "identity_link":
			byPartner = true
		case col.Name == "link_id" && t.Name != "identity_authorization": // empty until there is one
			byLink = true
		}
	}
	n := 0
	err := s.Rows(t, func(row []store.Value) error {
		n++
		r := reader{t, row}
		for _, col := range people {
			if err := c.whose(r, r.at(col).Int); err != nil {
				return err
			}
		}
		if err := c.lasts(r); err != nil {
			return err
		}
		if byPartner && !partners[r.at("partner_id").Int] {
			return c.found(Finding{t.Name, r.key(), Foreign, "there is no such partner"})
		}
		if byLink && !links[string(r.at("link_id").Bytes)] {
			return c.found(Finding{t.Name, r.key(), Foreign, "there is no such link"})
		}
		return nil
	})
	if _, counted := c.report.Rows[t.Name]; !counted && n > 0 {
		c.rows(t.Name, n)
	}
	return err
}

// whose checks that a row is of somebody who has a row. Of whom the keeper may have
// registered since the check began it asks later.
func (c *Check) whose(r reader, id int64) error {
	f := Finding{r.table.Name, r.key(), Foreign, "there is no row of the person it names"}
	switch {
	case id >= int64(len(c.seen)):
		if _, noted := c.unknown[id]; !noted {
			c.unknown[id] = f
		}
		return nil
	case id <= 0, c.seen[id] == registered, c.seen[id] == gone && r.table.Name == "dispute_dispute", // numbers have no gaps
		c.seen[id] == aside && strings.HasPrefix(r.table.Name, "record_"):
		return nil
	}
	return c.found(f)
}

// strangers asks the keeper of people whose rows were seen and who were not registered
// when the check began.
func (c *Check) strangers(ctx context.Context) error {
	for id, f := range c.unknown {
		heads, err := c.Keeper.Heads(ctx, []identity.PersonID{identity.PersonID(id)})
		if err != nil || len(heads) != 1 {
			return errors.Join(err, keeper.ErrUnavailable)
		}
		if !heads[0].Known {
			f.Why = "the keeper knows no such person"
			if err := c.found(f); err != nil {
				return err
			}
		}
	}
	return nil
}

// lasts holds each person's highest version of health records against the rows, which
// lie in an earlier table, and looks at the rows of names.
func (c *Check) lasts(r reader) error {
	who := r.at("person_id").Int
	switch r.table.Name {
	case "record_version":
		c.last[who] = max(c.last[who], r.at("version").Int)
	case "record_person":
		last := c.last[who]
		delete(c.last, who)
		if last != r.at("last").Int {
			return c.found(Finding{r.table.Name, r.key(), Altered, "is not the highest version of this person's rows"})
		}
	case "record_source":
		return c.sourced(r)
	}
	return nil
}

// leaves checks the access log: signatures, roots and the chain of each gate.
func (c *Check) leaves(ctx context.Context) error {
	var gates []accesslog.Tally
	if err := c.DB.View(ctx, func(s store.Stores) (err error) {
		gates, err = s.Log.Gates()
		return err
	}); err != nil {
		return err
	}
	for _, g := range gates {
		if err := c.gate(ctx, g.Gate); err != nil {
			return err
		}
	}
	return nil
}

func (c *Check) gate(ctx context.Context, gate accesslog.GateID) error {
	var last *accesslog.Leaf
	for next := uint64(0); ; next = last.Seq + 1 {
		var leaves []accesslog.Leaf
		if err := c.DB.View(ctx, func(s store.Stores) (err error) {
			leaves, err = s.Log.Of(gate, next, 64)
			return err
		}); err != nil || len(leaves) == 0 {
			return err
		}
		for i := range leaves {
			if what, why := c.leaf(&leaves[i], last); what != "" {
				if err := c.found(Finding{"accesslog_leaf", leafName(gate, leaves[i].Seq), what, why}); err != nil {
					return err
				}
			}
			last = &leaves[i]
		}
	}
}

func leafName(gate accesslog.GateID, seq uint64) string { return fmt.Sprintf("%x/%d", gate, seq) }

func (c *Check) leaf(l, last *accesslog.Leaf) (What, string) {
	switch {
	case l.Check(c.Log) != nil:
		return Altered, "is not what the keeper signed"
	case last == nil && l.Seq != 0:
		return Missing, "those before it are gone"
	case last != nil && l.Seq != last.Seq+1:
		return Missing, "those between it and the one before are gone"
	case last != nil && l.Prev != last.Hash():
		return Altered, "does not follow the one before it"
	}
	return "", ""
}

// visits checks that each visit and each ask is the event of a leaf that it says.
func (c *Check) visits(ctx context.Context) error {
	return c.DB.Snapshot(ctx, func(s store.Snapshot) error {
		tables, err := s.Tables()
		if err != nil {
			return err
		}
		rows := map[string]map[leafID]int64{"venue_ask": {}, "venue_pass": {}}
		for _, name := range []string{"venue_visit", "venue_ask", "venue_pass"} {
			var held *accesslog.Leaf // most rows are of the leaf of the row before
			if err := eachOf(s, tables, name, func(r reader) error {
				if of := rows[name]; of != nil && alone(r) {
					of[leafID{fit(r.at("gate").Bytes), r.at("seq").Int}]++
				}
				why, err := c.event(ctx, r, &held)
				if err != nil || why == "" {
					return err
				}
				return c.found(Finding{name, r.key(), Foreign, why})
			}); err != nil {
				return err
			}
		}
		return c.complete(s, tables, rows)
	})
}

// event returns why a row is not the event it says; empty when it is.
func (c *Check) event(ctx context.Context, r reader, held **accesslog.Leaf) (string, error) {
	gate, seq := r.at("gate").Bytes, uint64(r.at("seq").Int)
	if len(gate) != len(accesslog.GateID{}) {
		return "it names no gate", nil
	}
	if l := *held; l == nil || l.Gate != accesslog.GateID(gate) || l.Seq != seq {
		var leaves []accesslog.Leaf
		if err := c.DB.View(ctx, func(s store.Stores) (err error) {
			leaves, err = s.Log.Of(accesslog.GateID(gate), seq, 1)
			return err
		}); err != nil {
			return "", err
		}
		if len(leaves) == 0 || leaves[0].Seq != seq {
			return "its leaf is not there", nil
		}
		*held = &leaves[0]
	}
	at := r.at("event").Int
	if at < 0 || at >= int64(len((*held).Events)) {
		return "its leaf has no such event", nil
	}
	if id := (*held).Events[at].ID; string(id[:]) != string(r.at("id").Bytes) {
		return "its leaf's event is another", nil
	}
	if (*held).Voided && r.table.Name != "venue_ask" {
		return "its leaf says that its batch came to nothing", nil
	}
	if tag := (*held).Events[at].Tag; string(tag[:]) != string(r.at("who").Bytes) && !zeros(r.at("who").Bytes) {
		return "its leaf's event is of another pseudonym", nil
	}
	return "", nil
}

// zeros is the pseudonym of nobody: of a look-up that told nothing.
func zeros(b []byte) bool { return len(b) == 16 && string(b) == string(make([]byte, 16)) }

// agreements checks both sides' signatures of what the platform signed.
func (c *Check) agreements(ctx context.Context) error {
	type signed struct {
		id  partner.ID
		all []partner.Agreement
	}
	var list []signed
	if err := c.DB.View(ctx, func(s store.Stores) error {
		list = nil
		partners, err := s.Partners.All()
		if err != nil {
			return err
		}
		for _, p := range partners {
			all, err := s.Agreements.Of(p.ID)
			if err != nil {
				return err
			}
			list = append(list, signed{p.ID, all})
		}
		return nil
	}); err != nil {
		return err
	}
	for _, l := range list {
		for i, a := range l.all {
			what, why := c.agreed(a, l.all[:i])
			if what == "" {
				continue
			}
			if err := c.found(Finding{"partner_agreement", fmt.Sprintf("%d/%d", l.id, a.Version), what, why}); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *Check) agreed(a partner.Agreement, before []partner.Agreement) (What, string) {
	if a.Version != len(before)+1 {
		return Missing, "the version before it is gone"
	}
	if a.Countersignature.At.IsZero() {
		return "", "" // an offer: nobody rests on it
	}
	if _, err := a.Open(c.Log); err != nil {
		return Altered, "its signatures do not hold"
	}
	return "", ""
}
