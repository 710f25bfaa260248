package permit

import (
	"encoding/json"
	"slices"
	"sort"

	"github.com/amanah-project/amanah/internal/domain/notice"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/desk"
	"github.com/amanah-project/amanah/internal/keeper/journal"
)

// noted notes what a record of the journal says that somebody is told of, if it does. The
// caller holds mu since it put the record: what is noted is in the journal's order. It
// is kept for notice.Life; a keeper that starts again reads it from the journal.
func (p *Permits) noted(seq uint64, kind byte, payload []byte) {
	n, ok := noticeOf(kind, payload)
	now := p.now()
	if !ok || notice.Over(n.At, now) {
		return
	}
	n.Place = seq
	over := 0
	for over < len(p.told) && notice.Over(p.told[over].At, now) {
		over++
	}
	p.told = append(slices.Delete(p.told, 0, over), n)
}

// noticeOf reads a record that somebody is told of: an emergency once for each time that it
// counted, a transfer when it is stated, and what a person took along themselves.
func noticeOf(kind byte, b []byte) (n notice.Notice, ok bool) {
	switch kind {
	case journal.KindOpened:
		s, ok := parseSigned(b)
		return notice.Notice{Person: s.Who, Kind: notice.Emergency, At: s.At}, ok && s.Class == desk.Glass && !s.Again
	case journal.KindSent:
		var d decision
		if json.Unmarshal(b, &d) != nil || d.Sent == nil {
			return n, false
		}
		return notice.Notice{Person: d.Sent.Person, Kind: notice.Sent, At: d.Sent.Transfer.Sent}, true
	case journal.KindIntent:
		i, ok := parseIntent(b)
		if !ok || i.budget != keeper.BudgetSelf || i.purpose != keeper.PurposeOwn || i.versions.n() == 0 {
			return n, false
		}
		return notice.Notice{Person: i.versions.at(0).Person, Kind: notice.Taken, At: i.at}, true
	}
	return n, false
}

// maxNotices bounds one answer.
const maxNotices = 1000

// Notices gives what people are to be told of that came after a place and is durable, the
// earliest first, at most n.
func (p *Permits) Notices(after uint64, n int) []notice.Notice {
	durable, now := p.journal.Durable().Seq, p.now()
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []notice.Notice
	from := sort.Search(len(p.told), func(i int) bool { return p.told[i].Place > after })
	for _, one := range p.told[from:] {
		if len(out) >= min(n, maxNotices) || one.Place > durable {
			break
		}
		if !notice.Over(one.At, now) {
			out = append(out, one)
		}
	}
	return out
}
