package sqlstore

import "github.com/amanah-project/amanah/internal/domain/partner"

const (
	putPartner = `INSERT INTO partner_partner (id, name, relay, state, joined, stage, held)
		VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (id) DO UPDATE SET name = excluded.name, relay = excluded.relay, state = excluded.state,
			joined = excluded.joined, stage = excluded.stage, held = excluded.held`
	// So that there is a row to hold before anybody is linked.
	openLinked    = `INSERT INTO partner_linked (partner_id, people) VALUES ($1, 0) ON CONFLICT (partner_id) DO NOTHING`
	selectPartner = `SELECT id, name, relay, state, joined, stage, held FROM partner_partner `
	allPartners   = selectPartner + `ORDER BY id`
	getPartner    = selectPartner + `WHERE id = $1`
	addStep       = `INSERT INTO partner_step
			(partner_id, number, who, from_state, to_state, stage, reason, at, passed, tested, relay, report)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`
	stepsOf = `SELECT number, who, from_state, to_state, stage, reason, at, passed, tested, relay, report
		FROM partner_step WHERE partner_id = $1 ORDER BY number`
)

type partners struct{ *Tx }

var _ partner.Store = partners{}

func (t partners) Put(p partner.Partner) error {
	err := t.exec(putPartner, func(a *Args) {
		a.Number(uint64(p.ID))
		a.Text(p.Name)
		a.Bytes(p.Relay[:])
		a.Int(int64(p.State))
		a.Time(p.Joined)
		a.Int(int64(p.Stage))
		a.Int(int64(p.Held))
	})
	if err != nil {
		return err
	}
	return t.exec(openLinked, func(a *Args) { a.Number(uint64(p.ID)) })
}

// All leaves out partners that were altered: they are not served, and others are.
func (t partners) All() ([]partner.Partner, error) {
	var out []partner.Partner
	bad, err := t.good(allPartners, 1, func(int, *Args) {}, func(_ int, r Row) error {
		out = append(out, scanPartner(r))
		return nil
	})
	return without(out, bad, err)
}

func (t partners) Get(id partner.ID) (p partner.Partner, err error) {
	err = t.query(getPartner+t.conn.Lock(), func(a *Args) { a.Number(uint64(id)) }, func(r Row) error {
		p = scanPartner(r)
		return nil
	})
	return p, err
}

func scanPartner(r Row) partner.Partner {
	p := partner.Partner{
		ID: partner.ID(r.Int(0)), Name: r.Text(1), State: partner.State(r.Int(3)), Joined: moment(r.Int(4)),
		Stage: int(r.Int(5)), Held: partner.State(r.Int(6)),
	}
	r.Fixed(2, p.Relay[:])
	return p
}

func (t partners) Log(s partner.Step) error {
	before, err := t.Steps(s.Partner)
	if err != nil {
		return err
	}
	last := int64(0)
	if n := len(before); n > 0 {
		last = int64(before[n-1].Number)
	}
	return t.exec(addStep, func(a *Args) {
		a.Number(uint64(s.Partner))
		a.Int(last + 1)
		a.Text(s.Who)
		a.Int(int64(s.From))
		a.Int(int64(s.To))
		a.Int(int64(s.Stage))
		a.Text(s.Reason)
		a.Time(s.At)
		a.Int(bit(s.Report.Passed))
		a.Time(s.Report.At)
		a.Bytes(s.Report.Relay[:])
		a.Bytes(s.Report.Digest[:])
	})
}

func (t partners) Steps(id partner.ID) ([]partner.Step, error) {
	var out []partner.Step
	err := t.query(stepsOf, func(a *Args) { a.Number(uint64(id)) }, func(r Row) error {
		s := partner.Step{
			Partner: id, Number: int(r.Int(0)), Who: r.Text(1), From: partner.State(r.Int(2)), To: partner.State(r.Int(3)),
			Stage: int(r.Int(4)), Reason: r.Text(5), At: moment(r.Int(6)),
		}
		s.Report.Passed, s.Report.At = r.Int(7) != 0, moment(r.Int(8))
		r.Fixed(9, s.Report.Relay[:])
		r.Fixed(10, s.Report.Digest[:])
		if s.Report != (partner.Report{}) {
			s.Report.Partner = id
		}
		out = append(out, s)
		return nil
	})
	return out, err
}
