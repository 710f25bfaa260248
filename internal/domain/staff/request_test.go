package staff_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/domain/staff"
)

func asked(kind staff.Ask, by staff.ActorID) staff.Request {
	r := staff.Request{Kind: kind, By: by, Place: "dinkes-99", Purpose: "audit", Asked: noon, Until: noon.Add(time.Hour)}
	if kind == staff.AskExport || kind == staff.AskErase {
		r.Body = []byte("{}")
	}
	return r
}

// TestRequestID: every part of a request is in its name.
func TestRequestID(t *testing.T) {
	base := asked(staff.AskExport, "officer-1")
	seen := map[staff.RequestID]string{base.ID(): "the request"}
	for name, change := range map[string]func(r *staff.Request){
		"kind":    func(r *staff.Request) { r.Kind = staff.AskEnrol },
		"by":      func(r *staff.Request) { r.By = "officer-2" },
		"place":   func(r *staff.Request) { r.Place = "dinkes-98" },
		"shifted": func(r *staff.Request) { r.By, r.Place = "officer-1d", "inkes-99" },
		"purpose": func(r *staff.Request) { r.Purpose = "audit." },
		"body":    func(r *staff.Request) { r.Body = []byte("{ }") },
		"asked":   func(r *staff.Request) { r.Asked = r.Asked.Add(time.Second) },
		"until":   func(r *staff.Request) { r.Until = r.Until.Add(time.Second) },
	} {
		r := base
		change(&r)
		if other, known := seen[r.ID()]; known {
			t.Errorf("%s has the name of %s", name, other)
		}
		seen[r.ID()] = name
	}
}

func TestRequestCheck(t *testing.T) {
	for name, c := range map[string]struct {
		change func(r *staff.Request)
		ok     bool
	}{
		"as asked":                {func(*staff.Request) {}, true},
		"of no kind":              {func(r *staff.Request) { r.Kind = 0 }, false},
		"for nothing":             {func(r *staff.Request) { r.Purpose = "" }, false},
		"with a line feed":        {func(r *staff.Request) { r.Purpose = "a\nb" }, false},
		"read from the right":     {func(r *staff.Request) { r.Purpose = "a\u202eb" }, false},
		"without what it is of":   {func(r *staff.Request) { r.Body = nil }, false},
		"over before it is asked": {func(r *staff.Request) { r.Until = r.Asked }, false},
		"for longer than its kind": {func(r *staff.Request) {
			r.Until = r.Asked.Add(staff.ExportLife + time.Second)
		}, false},
		"part of a second": {func(r *staff.Request) { r.Until = r.Until.Add(time.Millisecond) }, false},
	} {
		r := asked(staff.AskExport, "")
		c.change(&r)
		if err := r.Check(); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, kind := range []staff.Ask{staff.AskElevate, staff.AskErase} {
		nobody := asked(kind, "")
		if err := nobody.Check(); err == nil {
			t.Errorf("%s, asked by nobody", kind)
		}
	}
}

// TestMayApprove: who may be a second person, by kind, role and facility.
func TestMayApprove(t *testing.T) {
	officer := staff.Actor{ID: "officer-2", Facility: "dinkes-98", Role: staff.RoleOfficer, Since: noon}
	colleague := staff.Actor{ID: "staff-2", Facility: "dinkes-99", Role: staff.RoleClinician, Rights: staff.View, Since: noon}
	stranger, typist, system, ended, new := colleague, colleague, colleague, officer, officer
	stranger.Facility, typist.Rights, system.Role = "rs-99", staff.Enter, staff.RoleClient
	ended.Ended, new.Since = noon, time.Time{}
	elevate, widen, export := asked(staff.AskElevate, "officer-1"), asked(staff.AskWiden, "staff-1"), asked(staff.AskExport, "officer-1")
	erase := asked(staff.AskErase, "officer-1")
	for name, c := range map[string]struct {
		r    staff.Request
		who  staff.Actor
		at   time.Time
		want error
	}{
		"officer, elevate":               {elevate, officer, noon, nil},
		"officer, widen":                 {widen, officer, noon, nil},
		"officer, export":                {export, officer, noon, nil},
		"officer, enrol":                 {staff.Request{Kind: staff.AskEnrol, Until: noon.Add(time.Hour)}, officer, noon, staff.ErrNotYours},
		"colleague, elevate":             {elevate, colleague, noon, staff.ErrNotYours},
		"colleague, widen":               {widen, colleague, noon, nil},
		"colleague, export":              {export, colleague, noon, staff.ErrNotYours},
		"another facility's, widen":      {widen, stranger, noon, staff.ErrNotYours},
		"who views nothing, widen":       {widen, typist, noon, staff.ErrNotYours},
		"system, widen":                  {widen, system, noon, staff.ErrNotYours},
		"who has ended":                  {elevate, ended, noon, staff.ErrNotYours},
		"who is not enrolled":            {elevate, new, noon, staff.ErrNotYours},
		"oneself, elevate":               {asked(staff.AskElevate, "officer-2"), officer, noon, staff.ErrOneself},
		"oneself, widen":                 {asked(staff.AskWiden, "staff-2"), colleague, noon, staff.ErrOneself},
		"oneself, export, as one of two": {asked(staff.AskExport, "officer-2"), officer, noon, nil},
		"officer, erase":                 {erase, officer, noon, nil},
		"colleague, erase":               {erase, colleague, noon, staff.ErrNotYours},
		"oneself, erase, as one of two":  {asked(staff.AskErase, "officer-2"), officer, noon, nil},
		"when it is over":                {elevate, officer, noon.Add(time.Hour), staff.ErrOver},
	} {
		if err := staff.MayApprove(c.r, c.who, nil, c.at); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	had := []staff.Approval{{Request: export.ID(), Actor: officer.ID}}
	if err := staff.MayApprove(export, officer, had, noon); !errors.Is(err, staff.ErrApproved) {
		t.Errorf("twice: %v", err)
	}
}

// TestGranted: as many different people as the kind needs, one of them another than who
// asked, and in time.
func TestGranted(t *testing.T) {
	export, elevate, erase := asked(staff.AskExport, "officer-1"), asked(staff.AskElevate, "officer-1"), asked(staff.AskErase, "officer-1")
	by := func(r staff.Request, minute int, who staff.ActorID) staff.Approval {
		return staff.Approval{Request: r.ID(), Actor: who, At: noon.Add(time.Duration(minute) * time.Minute)}
	}
	at := func(minute int) time.Time { return noon.Add(time.Duration(minute) * time.Minute) }
	for name, c := range map[string]struct {
		r    staff.Request
		had  []staff.Approval
		now  time.Time
		want error
	}{
		"export by two":                     {export, []staff.Approval{by(export, 1, "officer-1"), by(export, 2, "officer-2")}, at(3), nil},
		"export by one":                     {export, []staff.Approval{by(export, 1, "officer-2")}, at(3), staff.ErrUnapproved},
		"export by one, twice":              {export, []staff.Approval{by(export, 1, "officer-2"), by(export, 2, "officer-2")}, at(3), staff.ErrUnapproved},
		"export, one approval of another":   {export, []staff.Approval{by(export, 1, "officer-2"), by(elevate, 2, "officer-3")}, at(3), staff.ErrUnapproved},
		"export, over":                      {export, []staff.Approval{by(export, 1, "officer-2"), by(export, 2, "officer-3")}, at(60), staff.ErrOver},
		"erasure by who asked, and another": {erase, []staff.Approval{by(erase, 2, "officer-2"), by(erase, 1, "officer-1")}, at(59), nil},
		"erasure by two who did not ask":    {erase, []staff.Approval{by(erase, 1, "officer-2"), by(erase, 2, "officer-3")}, at(3), staff.ErrUnapproved},
		"erasure by who asked alone":        {erase, []staff.Approval{by(erase, 1, "officer-1"), by(erase, 2, "officer-1")}, at(3), staff.ErrUnapproved},
		"elevation by another":              {elevate, []staff.Approval{by(elevate, 1, "officer-2")}, at(60), nil},
		"elevation by oneself":              {elevate, []staff.Approval{by(elevate, 1, "officer-1")}, at(3), staff.ErrUnapproved},
		"elevation, an hour after approval": {elevate, []staff.Approval{by(elevate, 1, "officer-2")}, at(61), staff.ErrOver},
		"elevation, approved twice later":   {elevate, []staff.Approval{by(elevate, 1, "officer-2"), by(elevate, 30, "officer-3")}, at(61), staff.ErrOver},
		"nobody":                            {elevate, nil, at(1), staff.ErrUnapproved},
	} {
		if _, _, err := staff.Granted(c.r, c.had, c.now); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func TestRolesAndRights(t *testing.T) {
	const all = staff.Enter | staff.Correct | staff.View
	for role := staff.Role(0); role < 5; role++ {
		for rights := staff.Rights(0); rights < 16; rights++ {
			want := role == staff.RoleOfficer && rights == 0 || (role == staff.RoleClient || role == staff.RoleClinician) && rights != 0 && rights <= all
			if got := role.Check(rights) == nil; got != want {
				t.Errorf("role %d with rights %d: %v", role, rights, got)
			}
		}
	}
}

func TestCodes(t *testing.T) {
	c := staff.NewCode()
	for _, typed := range []string{c.Reveal(), " " + c.Reveal() + " "} {
		got, err := staff.ParseCode(typed)
		if err != nil || got.Hash() != c.Hash() {
			t.Errorf("%q: %v", typed, err)
		}
	}
	if other := staff.NewCode(); other.Hash() == c.Hash() {
		t.Error("two codes are one")
	}
	for _, typed := range []string{"", "ABCD", c.Reveal() + "A", "1" + c.Reveal()[1:]} {
		if _, err := staff.ParseCode(typed); !errors.Is(err, staff.ErrCode) {
			t.Errorf("%q: %v", typed, err)
		}
	}
}

// TestRequestNumber: a number is read as it is written, with its prefix or without, and
// never looks like a flag.
func TestRequestNumber(t *testing.T) {
	for first := range 257 {
		id := staff.RequestID{byte(first), 7}
		if first == 256 {
			id = staff.RequestID{0x47, 0xe0} // R- without its prefix, too
		}
		s := id.String()
		for _, text := range []string{s, strings.TrimPrefix(s, "R-")} {
			if got, err := staff.ParseRequestID(text); err != nil || got != id {
				t.Fatalf("%s: %v %v", text, got, err)
			}
		}
		if s[0] == '-' {
			t.Errorf("%s is taken for a flag", s)
		}
	}
	for _, text := range []string{"", "R-", "R-R-" + staff.RequestID{}.String()[2:], staff.RequestID{}.String() + "A", staff.RequestID{}.String() + "\n", "short"} {
		if _, err := staff.ParseRequestID(text); !errors.Is(err, staff.ErrNumber) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
