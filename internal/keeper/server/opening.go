package server

import (
	"slices"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/journal"
	"github.com/amanah-project/amanah/internal/keeper/people"
)

// No call here gives what is kept before a record on disk says who opens it: permits journal,
// and only for the journal.Entry that comes of it do people give keys, and days events.

// Read gives the keys of the versions an intent names, after it is durable.
func (k *Keeper) Read(role keeper.Role, i keeper.Intent, reads []keeper.Read) (keeper.Receipt, []keeper.Opened, error) {
	receipt, entry, err := k.Intend(role, i, reads, len(reads))
	if err != nil {
		return receipt, nil, err
	}
	return receipt, k.people.Hold(reads).Give(entry), nil
}

// OpenRecords gives the keys of the versions that somebody asks for in their own signed
// words, after that is durable and within their budget (permit.Signed). The proof is not
// taken yet when no read agrees with its head.
func (k *Keeper) OpenRecords(a keeper.Ask, reads []keeper.Read) (keeper.Receipt, []keeper.Opened, error) {
	signed, err := k.Signed(a, reads)
	if err != nil {
		return keeper.Receipt{}, nil, err
	}
	held := k.people.Hold(reads)
	names := held.Agreeing()
	if len(names) == 0 {
		return keeper.Receipt{}, held.Give(journal.Entry{}), nil
	}
	receipt, entry, err := signed.Open(names)
	if err != nil {
		return keeper.Receipt{}, nil, err
	}
	return receipt, held.Give(entry), nil
}

// OpenExport gives the keys of health records' versions of people whom an approved export
// is of, after who they are is durable, within the day's ceiling over all exports. What the
// export's marks are is committed to before.
func (k *Keeper) OpenExport(e keeper.Export, reads []keeper.Read) (keeper.Receipt, []keeper.Opened, error) {
	export, err := k.Export(e)
	if err == nil {
		err = k.Committed(e)
	}
	if err != nil {
		return keeper.Receipt{}, nil, err
	}
	receipt, entry, err := export.Open(reads)
	if err != nil {
		return keeper.Receipt{}, nil, err
	}
	return receipt, k.people.Hold(reads).Give(entry), nil
}

// OpenNotes opens texts, after the intent that names their people and matters is
// durable and within its budget.
func (k *Keeper) OpenNotes(role keeper.Role, i keeper.Intent, notes []keeper.Note) ([][]byte, error) {
	reads, err := people.ReadsOf(notes)
	if err != nil {
		return nil, err
	}
	_, entry, err := k.Intend(role, i, reads, len(notes))
	if err != nil {
		return nil, err
	}
	return k.people.OpenNotes(entry, notes)
}

// OpenEvents opens events of one day, after the intent is durable.
func (k *Keeper) OpenEvents(i keeper.Intent, d day.Day, events []keeper.SealedEvent) ([]keeper.Event, error) {
	if len(events) > keeper.MaxBulk {
		return nil, keeper.ErrTooMany
	}
	keys, ok := k.days.Held(d)
	if !ok {
		return nil, keeper.ErrDay
	}
	_, entry, err := k.Intend(keeper.RoleServe, i, nil, len(events))
	if err != nil {
		return nil, err
	}
	out, err := keys.Open(entry, d, events)
	if err == nil && slices.ContainsFunc(out, func(e keeper.Event) bool { return k.people.Erased(e.Person) }) {
		return nil, keeper.ErrErased
	}
	return out, err
}

// Erase destroys a person's key and certifies it, when two officers' passkeys signed for
// that person and reason, one of them who asked. Whether the law lets somebody be erased
// now, the caller has decided.
func (k *Keeper) Erase(role keeper.Role, e keeper.Erase) (keeper.Erased, error) {
	if role != keeper.RoleAdmin {
		return keeper.Erased{}, keeper.ErrRole
	}
	body, err := staff.ParseErasure(e.Request.Body)
	by := k.Approved(staff.AskErase, e.Request, e.Approvals)
	if err != nil || !slices.Contains(by, e.Request.By) {
		return keeper.Erased{}, keeper.ErrErase
	}
	return k.people.Erase(body, e.Request.ID(), by, k.Unreadable)
}
