package guard_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/amanah-project/amanah/internal/domain/guard"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/domain/staff"
)

// table is every decision for whoever holds the right to view. The columns are care
// relationship (C or -), restriction (R or -), second person (S or -). A cell is the
// people an hour, with ! where it is loud and + where the limit of ten minutes is
// lifted; or role, purpose, export or restricted for the refusals.
const table = `
role      purpose     ---     --S     -R-         -RS         C--     C-S     CR-         CRS
nobody    none        role    role    role        role        role    role    role        role
nobody    treatment   role    role    role        role        role    role    role        role
nobody    glass       role    role    role        role        role    role    role        role
nobody    export      role    role    role        role        role    role    role        role
client    none        purpose purpose purpose     purpose     purpose purpose purpose     purpose
client    treatment   10      10+     restricted  restricted  2000    2000+   restricted  restricted
client    glass       3!      3!+     3!          3!+         3!      3!+     3!          3!+
client    export      export  export  export      export      export  export  export      export
clinician none        purpose purpose purpose     purpose     purpose purpose purpose     purpose
clinician treatment   10      10+     restricted  restricted  60      60+     restricted  restricted
clinician glass       3!      3!+     3!          3!+         3!      3!+     3!          3!+
clinician export      export  export  export      export      export  export  export      export
officer   none        role    role    role        role        role    role    role        role
officer   treatment   role    role    role        role        role    role    role        role
officer   glass       role    role    role        role        role    role    role        role
officer   export      role    role    role        role        role    role    role        role
`

func cell(v guard.Verdict) string {
	for name, err := range map[string]error{
		"role": guard.ErrRole, "purpose": guard.ErrPurpose, "export": guard.ErrExport, "restricted": record.ErrRestricted,
	} {
		if errors.Is(v.Err, err) {
			if v != (guard.Verdict{Err: v.Err}) {
				return "refused, and more"
			}
			return name
		}
	}
	out := fmt.Sprint(v.Hour)
	if v.Loud {
		out += "!"
	}
	switch v.Rush {
	case 0:
		out += "+"
	case 50:
	default:
		out += "?"
	}
	return out
}

// TestEveryCell: no decision is left to a default. A table with one cell changed is the
// control.
func TestEveryCell(t *testing.T) {
	roles := map[string]staff.Role{"nobody": 0, "client": staff.RoleClient, "clinician": staff.RoleClinician, "officer": staff.RoleOfficer}
	purposes := map[string]guard.Purpose{"none": 0, "treatment": guard.Treatment, "glass": guard.BreakGlass, "export": guard.Export}
	wrong := func(table string) (out []string, cells int) {
		lines := strings.Split(strings.TrimSpace(table), "\n")
		heads := strings.Fields(lines[0])[2:]
		for _, line := range lines[1:] {
			row := strings.Fields(line)
			role, okRole := roles[row[0]]
			purpose, okPurpose := purposes[row[1]]
			if !okRole || !okPurpose || len(row) != 2+len(heads) {
				out = append(out, line)
				continue
			}
			for i, head := range heads {
				q := guard.Question{
					Role: role, Rights: staff.View, Purpose: purpose, Care: head[0] == 'C', Restricted: head[1] == 'R', Second: head[2] == 'S',
				}
				cells++
				if got := cell(guard.Decide(q)); got != row[2+i] {
					out = append(out, fmt.Sprintf("%s, %s, %s: %s, want %s", row[0], row[1], head, got, row[2+i]))
				}
			}
		}
		return out, cells
	}
	bad, cells := wrong(table)
	if len(bad) > 0 || cells != len(roles)*len(purposes)*8 {
		t.Errorf("%d cells: %s", cells, strings.Join(bad, "\n"))
	}
	if bad, _ := wrong(strings.Replace(table, "2000+", "60+", 1)); len(bad) != 1 {
		t.Errorf("a changed cell is not seen: %q", bad)
	}
}

// TestWithoutTheRight: who does not hold the right to view views nothing, whatever else.
func TestWithoutTheRight(t *testing.T) {
	for role := staff.Role(0); role < 5; role++ {
		for purpose := guard.Purpose(0); purpose < 5; purpose++ {
			for bits := range 8 {
				q := guard.Question{
					Role: role, Rights: staff.Enter | staff.Correct, Purpose: purpose, Care: bits&1 > 0, Restricted: bits&2 > 0, Second: bits&4 > 0,
				}
				if v := guard.Decide(q); v.Err == nil {
					t.Errorf("%+v: %+v", q, v)
				}
			}
		}
	}
}
