package response

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"filippo.io/age"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/leak"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/durable"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/flow/evidence"
	"github.com/amanah-project/amanah/internal/format/table"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/store"
	"github.com/amanah-project/amanah/internal/trace"
)

// Errors of names.
var (
	ErrCase      = fault.New(fault.Invalid, "this is no folder of a case that was traced to its end, or it was altered")
	ErrPart      = fault.New(fault.Invalid, "the case has no such part: parts are numbered from 1, and have 262,144 people each")
	ErrRecipient = fault.New(fault.Invalid, "the recipient is an age public key: age1 and 58 letters and digits, as age-keygen prints it")
)

// matchedName is the file of whom and what a trace found, as keyed ids.
const matchedName = "matched.csv"

func observation(o observed, frozen *leak.Frozen) staff.Observation {
	return staff.Observe(frozen.Digest(), o.Result.Views, o.Result.Patients, o.Result.Known)
}

func writeMatched(to durable.FS, found *trace.Result) error {
	return durable.Replace(to, matchedName, func(file io.Writer) error {
		w := bufio.NewWriterSize(file, 1<<16)
		w.WriteString("kind,id\n")
		line := make([]byte, 0, 32)
		for i, rows := range [][]leak.Row{found.Patients, found.Known} {
			for _, r := range rows {
				id := binary.BigEndian.AppendUint64(nil, uint64(r))
				line = append(hex.AppendEncode(append(line[:0], [2]string{"person,", "record,"}[i]...), id), '\n')
				w.Write(line)
			}
		}
		return w.Flush() // tells of errors before, too
	})
}

// NamesKeeper tells whom keyed ids are of, for an approved request, and opens who they are.
type NamesKeeper interface {
	Keeper
	Read(ctx context.Context, i keeper.Intent, r []keeper.Read) (keeper.Receipt, []keeper.Opened, error)
}

// Naming turns keyed ids of a case into names, for people to be told (UU 27/2022 art. 46:
// within 3×24 hours). It believes no approval itself; it shows them to the keeper.
type Naming struct {
	DB     store.DB
	Keeper NamesKeeper
	Case   durable.FS // the case folder
	Now    func() time.Time
}

// traced is what a case folder says was found.
type traced struct {
	trace       staff.RequestID
	people      []leak.Row
	observation staff.Observation
}

// read reads a case folder and holds it against the hash that the trace froze.
func (n *Naming) read() (c traced, err error) {
	raw, err := durable.ReadFile(n.Case, "result.json")
	if err != nil {
		return c, ErrCase
	}
	var said struct {
		Trace, Frozen, Sample string
		Seen                  []string
	}
	if json.Unmarshal(raw, &said) != nil {
		return c, ErrCase
	}
	sample, serr := hex.DecodeString(said.Sample)
	if c.trace, err = staff.ParseRequestID(said.Trace); err != nil || serr != nil || len(sample) != 32 {
		return c, ErrCase
	}
	var views []leak.ViewToken
	for _, text := range said.Seen {
		leak.FindViews([]byte(text), func(v leak.ViewToken) { views = append(views, v) })
	}
	if raw, err = durable.ReadFile(n.Case, matchedName); err != nil {
		return c, ErrCase
	}
	var records []leak.Row
	for i, line := range strings.Split(strings.TrimSuffix(string(raw), "\n"), "\n") {
		kind, id, _ := strings.Cut(line, ",")
		b, err := hex.DecodeString(id)
		row := leak.Row(0)
		for _, v := range b {
			row = row<<8 | leak.Row(v)
		}
		switch {
		case i == 0 && line == "kind,id":
		case err != nil || len(b) != 8:
			return c, ErrCase
		case kind == "person":
			c.people = append(c.people, row)
		case kind == "record":
			records = append(records, row)
		default:
			return c, ErrCase
		}
	}
	c.observation = staff.Observe([32]byte(sample), views, c.people, records)
	if d := c.observation.Digest(); hex.EncodeToString(d[:]) != said.Frozen {
		return c, ErrCase
	}
	return c, nil
}

// Request asks for the names of a part of a case's people, from 1; nobody has approved it yet.
func (n *Naming) Request(ctx context.Context, purpose, recipient string, part int) (staff.Request, error) {
	if _, err := age.ParseX25519Recipient(recipient); err != nil {
		return staff.Request{}, ErrRecipient
	}
	c, err := n.read()
	if err != nil {
		return staff.Request{}, err
	}
	parts := slices.Collect(slices.Chunk(c.people, staff.MaxNamed))
	if part < 1 || part > len(parts) {
		return staff.Request{}, ErrPart
	}
	rows := parts[part-1]
	body := staff.Names{Trace: c.trace, Observed: c.observation.Digest(), Count: len(rows), Rows: staff.RowsDigest(rows), Recipient: recipient}
	now := n.Now().Truncate(time.Second)
	r := staff.Request{Kind: staff.AskNames, Purpose: purpose, Asked: now, Until: now.Add(staff.ExportLife), Body: body.Body()}
	if err := r.Check(); err != nil {
		return r, err
	}
	return r, n.DB.Update(ctx, func(s store.Stores) error { return s.Requests.Put(r) })
}

// Named is what a run gave.
type Named struct {
	People int `json:"people"` // with their names
	Gone   int `json:"gone"`   // erased since, or of nobody any more
}

// Run writes the names of an approved request's people, sealed to its recipient before a byte
// of it leaves memory: a table of keyed id, NIK and name.
func (n *Naming) Run(ctx context.Context, id staff.RequestID, w io.Writer) (done Named, err error) {
	ask := keeper.TraceAsk{Step: keeper.TraceNames}
	err = n.DB.View(ctx, func(s store.Stores) (err error) {
		if ask.Trace.Request, err = s.Requests.Get(id); err != nil {
			return err
		}
		ask.Trace.Approvals, err = s.Requests.Approvals(id)
		return err
	})
	if err != nil {
		return done, err
	}
	body, err := staff.ParseNames(ask.Trace.Request.Body)
	if err != nil {
		return done, err
	}
	to, err := age.ParseX25519Recipient(body.Recipient)
	if err != nil {
		return done, ErrRecipient
	}
	c, err := n.read()
	if err != nil {
		return done, err
	}
	ask.Observation = c.observation
	for rows := range slices.Chunk(c.people, staff.MaxNamed) {
		if staff.RowsDigest(rows) == body.Rows {
			ask.Rows = rows
		}
	}
	if err := body.Of(c.observation, c.observation.Digest(), ask.Rows); err != nil {
		return done, err
	}
	g, err := n.Keeper.Trace(ctx, ask)
	if err != nil {
		return done, err
	}
	if len(g.People) != len(ask.Rows) {
		return done, keeper.ErrUnavailable
	}
	return n.seal(ctx, w, to, ask, g.People)
}

// seal opens who people are and writes them.
func (n *Naming) seal(ctx context.Context, w io.Writer, to age.Recipient, ask keeper.TraceAsk, people []identity.PersonID) (done Named, err error) {
	sealed, err := age.Encrypt(w, to)
	if err != nil {
		return done, err
	}
	id := ask.Trace.Request.ID()
	sheet, err := table.New("csv", sealed, table.About{ID: [16]byte(id[:16]), Title: "Orang dalam kebocoran", Made: ask.Trace.Request.Asked, Columns: []string{"id", "nik", "name"}})
	if err != nil {
		return done, err
	}
	for from := 0; from < len(people); from += keeper.MaxBatch {
		some := people[from:min(from+keeper.MaxBatch, len(people))]
		known, err := n.open(ctx, some)
		if err != nil {
			return done, err
		}
		for i, who := range some {
			p, ok := known[who]
			if !ok {
				done.Gone++
				continue
			}
			done.People++
			if err := sheet.Row([]string{fmt.Sprintf("%016x", uint64(ask.Rows[from+i])), p.NIK.Reveal(), p.Name.Reveal()}); err != nil {
				return done, err
			}
		}
	}
	return done, errors.Join(sheet.Close(), sealed.Close())
}

// open returns who some people are, without those who are erased; each is in the keeper's
// journal.
func (n *Naming) open(ctx context.Context, ids []identity.PersonID) (map[identity.PersonID]identity.Person, error) {
	ids = slices.DeleteFunc(slices.Clone(ids), func(p identity.PersonID) bool { return p == 0 })
	known, stuck, err := evidence.Known(ctx, n.DB, n.Keeper, keeper.Intent{Actor: "operator", Purpose: "leak-names", Budget: keeper.BudgetImport}, ids)
	if err == nil && stuck > 0 {
		err = keeper.ErrHead
	}
	return known, err
}
