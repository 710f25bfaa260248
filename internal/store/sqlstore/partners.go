package sqlstore

import "github.com/amanah-project/amanah/internal/domain/partner"

const (
	putPartner = `INSERT INTO partner_partner (id, name, relay, state, joined) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (id) DO UPDATE SET name = excluded.name, relay = excluded.relay,
			state = excluded.state, joined = excluded.joined`
	allPartners = `SELECT id, name, relay, state, joined FROM partner_partner ORDER BY id`
)

type partners struct{ *Tx }

var _ partner.Store = partners{}

func (t partners) Put(p partner.Partner) error {
	return t.exec(putPartner, func(a *Args) {
		a.Number(uint64(p.ID))
		a.Text(p.Name)
		a.Bytes(p.Relay[:])
		a.Int(int64(p.State))
		a.Time(p.Joined)
	})
}

func (t partners) All() ([]partner.Partner, error) {
	var out []partner.Partner
	err := t.query(allPartners, func(*Args) {}, func(r Row) error {
		p := partner.Partner{ID: partner.ID(r.Int(0)), Name: r.Text(1), State: partner.State(r.Int(3)), Joined: moment(r.Int(4))}
		r.Fixed(2, p.Relay[:])
		out = append(out, p)
		return nil
	})
	return out, err
}
