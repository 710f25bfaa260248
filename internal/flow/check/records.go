package check

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/domain/vault"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/store"
)

// chart is all that is stored of one person's health records.
type chart struct {
	who   identity.PersonID
	head  keeper.Head
	have  []keeper.Version // ascending
	rows  []record.Row     // of have
	wrong []Finding
	// Of what opened: where records came from, and documents.
	sources []source
}

// source is a record's name in the system that it came from.
type source struct{ facility, name string }

func (c *chart) is(v keeper.Version, what What, why string) {
	c.wrong = append(c.wrong, Finding{"record_version", rowName(c.who, v), what, why})
}

// rowName names one version of a record.
func rowName(who identity.PersonID, v keeper.Version) string {
	return fmt.Sprintf("%d-%d/%d", who, v.Record, v.Version)
}

// A batch of charts is opened under one intent.
const (
	chartVersions = 4096
	chartWants    = 512 // of one question: journal.MaxRecord / 64 and more
)

// records goes over the health records of everybody whom the keeper knows.
func (c *Check) records(ctx context.Context) error {
	var ids []identity.PersonID
	for id := 1; id < len(c.seen); id++ {
		if ids = append(ids, identity.PersonID(id)); len(ids) == page || id == len(c.seen)-1 {
			if err := c.charts(ctx, ids); err != nil {
				return err
			}
			ids = ids[:0]
		}
	}
	return nil
}

// charts goes over some people's health records, and again over those that differ.
func (c *Check) charts(ctx context.Context, ids []identity.PersonID) error {
	heads, err := c.Keeper.Heads(ctx, ids)
	if err != nil {
		return err
	}
	if len(heads) != len(ids) {
		return keeper.ErrUnavailable
	}
	for i, id := range ids {
		for try := 1; ; try++ {
			if try > 1 {
				again, err := c.Keeper.Heads(ctx, []identity.PersonID{id})
				if err != nil || len(again) != 1 {
					return errors.Join(err, keeper.ErrUnavailable)
				}
				heads[i] = again[0]
			}
			f := &chart{who: id, head: heads[i]}
			if err := c.chart(ctx, f); err != nil {
				return err
			}
			if len(f.wrong) > 0 && try < again {
				continue
			}
			for _, w := range f.wrong {
				if err := c.found(w); err != nil {
					return err
				}
			}
			if err := c.sources(ctx, f); err != nil {
				return err
			}
			break
		}
	}
	return nil
}

// chart judges one person's health records.
func (c *Check) chart(ctx context.Context, f *chart) error {
	err := c.DB.View(ctx, func(s store.Stores) error {
		f.have, f.rows = nil, nil
		versions, err := s.Records.Versions(f.who)
		if err != nil || len(versions) == 0 {
			return err
		}
		for _, v := range versions {
			f.have = append(f.have, keeper.Version{Record: keeper.Record(v.Number), Version: v.Version})
		}
		f.rows, err = s.Records.Get(f.who, versions)
		return err
	})
	switch {
	case err != nil:
		return err
	case f.head.Erased && len(f.have) > 0:
		f.wrong = append(f.wrong, Finding{"record_version", number(f.who), LeftOver, "the person is erased: `amanah record erase` removes what is left"})
		return nil
	case f.head.Erased || f.head.Records == 0 && len(f.have) == 0:
		return nil
	case !slices.Contains(f.head.Bases, keeper.RecordsHead(f.have)):
		f.differs()
		return nil
	}
	for from := 0; from < len(f.have); from += chartWants {
		if err := c.unsealChart(ctx, f, from, min(from+chartWants, len(f.have))); err != nil {
			return err
		}
	}
	return nil
}

// differs says which version is missing from what the keeper's head covers, or not of
// it: the one that, put back or taken away, makes the head.
func (c *chart) differs() {
	for _, v := range c.have {
		if v.Version > c.head.Records {
			c.is(v, Foreign, "of a version that was never given")
			return
		}
	}
	is := func(have []keeper.Version) bool { return slices.Contains(c.head.Bases, keeper.RecordsHead(have)) }
	for i := range c.have {
		if is(slices.Delete(slices.Clone(c.have), i, i+1)) {
			c.is(c.have[i], Foreign, "the keeper's head has no such version")
			return
		}
	}
	for _, v := range c.absent() {
		if is(insert(c.have, v)) {
			c.is(v, Missing, "the keeper's head has it")
			return
		}
	}
	for i := range c.have {
		rest := slices.Delete(slices.Clone(c.have), i, i+1)
		for _, v := range c.absent() {
			if is(insert(rest, v)) {
				c.is(v, Missing, "the keeper's head has it")
				c.is(c.have[i], Foreign, "the keeper's head has no such version")
				return
			}
		}
	}
	c.wrong = append(c.wrong, Finding{"record_version", number(c.who), RolledBack,
		fmt.Sprintf("%d versions, and not those of the keeper's head: several are missing, or were added", len(c.have))})
}

// maxGuesses bounds the heads that differs makes.
const maxGuesses = 20_000

// absent lists versions that are not stored and could have been, within maxGuesses.
func (c *chart) absent() (out []keeper.Version) {
	most := keeper.Record(record.Entered)
	for _, v := range c.have {
		most = max(most, v.Record)
	}
	many := maxGuesses
	if n := len(c.have); n > 0 {
		many /= n
	}
	for n := keeper.Record(record.First); n <= most+1; n++ {
		for v := uint64(1); v <= c.head.Records; v++ {
			if len(out) == many {
				return out
			}
			if one := (keeper.Version{Record: n, Version: v}); !slices.Contains(c.have, one) {
				out = append(out, one)
			}
		}
	}
	return out
}

// insert returns have with one more, ascending.
func insert(have []keeper.Version, v keeper.Version) []keeper.Version {
	i, _ := slices.BinarySearchFunc(have, v, func(a, b keeper.Version) int {
		if a.Record != b.Record {
			return int(int64(a.Record) - int64(b.Record))
		}
		return int(int64(a.Version) - int64(b.Version))
	})
	return slices.Insert(slices.Clone(have), i, v)
}

// unsealChart opens some versions and holds what stands in clear against them.
func (c *Check) unsealChart(ctx context.Context, f *chart, from, to int) error {
	read := keeper.Read{Person: f.who, Have: f.have, Want: f.have[from:to], Records: true}
	_, opened, err := c.Keeper.Read(ctx, c.intent(), []keeper.Read{read})
	if err != nil {
		return err
	}
	if len(opened) != 1 {
		return keeper.ErrUnavailable
	}
	o := opened[0]
	if o.Err != nil || len(o.Keys) != to-from {
		f.wrong = append(f.wrong, Finding{"record_version", number(f.who), Altered, "the keeper gives no key"})
		return nil
	}
	for i, v := range f.have[from:to] {
		row := f.rows[from+i]
		place := vault.Binding{Table: vault.Records, Person: f.who, Record: uint64(v.Record), Version: v.Version}
		raw, err := vault.OpenRecord(o.Keys[i], place, row.Sealed)
		var content record.Content
		if err == nil {
			content, err = record.ParseContent(raw)
		}
		if err != nil {
			f.is(v, Altered, "does not open in its place")
			continue
		}
		if content.Entered.UnixMicro() != row.Entered.UnixMicro() {
			f.is(v, Altered, "came at another time than it says")
		}
		if !bytes.Equal(content.Known, record.KnownSum(row.Known)) {
			f.is(v, Altered, "its documents are known by something else than it says")
		}
		if content.Source != "" {
			f.sources = append(f.sources, source{content.Facility, content.Source})
		}
		if err := c.letter(ctx, f, v, row, content.Document); err != nil {
			return err
		}
	}
	c.rows("record_version", to-from)
	return nil
}

// sources holds the names by which records are found again against the records: each
// has a row that points to a record of that name.
func (c *Check) sources(ctx context.Context, f *chart) error {
	if len(f.sources) == 0 {
		return nil
	}
	names := make([][]byte, len(f.sources))
	for i, s := range f.sources {
		names[i] = []byte(record.SourceName(s.facility, s.name))
	}
	tags, err := c.Keeper.Index(ctx, keeper.KindSource, names)
	if err != nil {
		return err
	}
	var rows []record.Source
	if err := c.DB.View(ctx, func(s store.Stores) (err error) {
		rows, err = s.Records.Sources(tags)
		return err
	}); err != nil {
		return err
	}
	checks := make([][]byte, len(rows))
	for i, r := range rows {
		c.named[binary.BigEndian.Uint64(tags[i][:])] = struct{}{}
		checks[i] = []byte(record.CheckName(f.sources[i].facility, f.sources[i].name, r.Ref))
	}
	marks, err := c.Keeper.Index(ctx, keeper.KindSource, checks)
	if err != nil {
		return err
	}
	for i, r := range rows {
		switch row := hex.EncodeToString(tags[i][:]); {
		case r.Ref.Person == 0 && c.report.Erased > 0: // the row may have gone with somebody whose record took the name over
			c.gone = append(c.gone, tags[i])
		case r.Ref.Person == 0:
			err = c.found(Finding{"record_source", row, Missing, "a record has this name"})
		case marks[i] != r.Check:
			err = c.found(Finding{"record_source", row, Altered, "points to a record of another name"})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// doubt is a row of record_source whose name no record was seen to have.
type doubt struct {
	tag identity.Tag
	who identity.PersonID
}

// sourced looks at one row of record_source, after all records were opened.
func (c *Check) sourced(r reader) error {
	tag := r.at("tag").Bytes
	if len(tag) != len(identity.Tag{}) {
		return c.found(Finding{r.table.Name, r.key(), Altered, "is no tag"})
	}
	if _, known := c.named[binary.BigEndian.Uint64(tag)]; !known {
		c.doubts = append(c.doubts, doubt{identity.Tag(tag), identity.PersonID(r.at("person_id").Int)})
	}
	return nil
}

// doubtful looks again at people whom such rows name, for what came meanwhile.
func (c *Check) doubtful(ctx context.Context) error {
	for _, d := range c.doubts {
		heads, err := c.Keeper.Heads(ctx, []identity.PersonID{d.who})
		if err != nil || len(heads) != 1 {
			return errors.Join(err, keeper.ErrUnavailable)
		}
		f := &chart{who: d.who, head: heads[0]}
		if heads[0].Known && !heads[0].Erased {
			if err := c.chart(ctx, f); err != nil {
				return err
			}
		}
		names := make([][]byte, len(f.sources))
		for i, s := range f.sources {
			names[i] = []byte(record.SourceName(s.facility, s.name))
		}
		tags, err := c.Keeper.Index(ctx, keeper.KindSource, names)
		if err != nil {
			return err
		}
		if !slices.Contains(tags, d.tag) {
			if err := c.found(Finding{"record_source", hex.EncodeToString(d.tag[:]), Foreign, "no record has this name"}); err != nil {
				return err
			}
		}
	}
	return nil
}
