package partner

import (
	"slices"
	"testing"
	"time"
)

// TestDue: what a partner waits for, wherever it stands.
func TestDue(t *testing.T) {
	now := time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC)
	signed := Agreement{Version: 1, Countersignature: Countersignature{At: now}}
	in := Agreed{Terms: Terms{Partner: 3, Stages: []int{10, 20}, From: now.Add(-time.Hour), Until: now.AddDate(1, 0, 0)}, Relay: [32]byte{1}}
	ending := in
	ending.Until = now.Add(time.Hour)
	good := Report{Partner: 3, Relay: [32]byte{1}, Passed: true, At: now.Add(-time.Hour)}
	old := good
	old.At = now.Add(-ReportLife - time.Hour)
	for name, c := range map[string]struct {
		partner Partner
		offered []Agreement
		agreed  []Agreed
		last    Report
		want    []Due
	}{
		"an application":              {Partner{State: Applied}, []Agreement{{Version: 1}}, nil, Report{}, []Due{DueCountersignature}},
		"one that was signed":         {Partner{State: Applied}, []Agreement{signed}, []Agreed{in}, Report{}, []Due{DueSandbox}},
		"in the sandbox":              {Partner{State: Sandbox}, []Agreement{signed}, []Agreed{in}, Report{}, []Due{DueReport}},
		"certified":                   {Partner{State: Certified}, []Agreement{signed}, []Agreed{in}, good, []Due{DuePromotion}},
		"certified long ago":          {Partner{State: Certified}, []Agreement{signed}, []Agreed{in}, old, []Due{DueReport}},
		"live":                        {Partner{State: Live, Stage: 1}, []Agreement{signed}, []Agreed{in}, good, []Due{DuePromotion}},
		"live, with an old report":    {Partner{State: Live, Stage: 1}, []Agreement{signed}, []Agreed{in}, old, []Due{DueReport}},
		"in the last stage":           {Partner{State: Live, Stage: 2}, []Agreement{signed}, []Agreed{in}, old, nil},
		"its agreement ends":          {Partner{State: Live, Stage: 2}, []Agreement{signed}, []Agreed{ending}, good, []Due{DueAgreement}},
		"ends, and the next is there": {Partner{State: Live, Stage: 2}, []Agreement{signed, {Version: 2}}, []Agreed{ending}, good, []Due{DueCountersignature}},
		"without an agreement":        {Partner{State: Live, Stage: 1}, []Agreement{signed}, nil, good, []Due{DueAgreement}},
		"suspended":                   {Partner{State: Suspended, Held: Live, Stage: 1}, []Agreement{signed}, []Agreed{in}, good, []Due{DueResumption}},
		"ended":                       {Partner{State: Ended}, []Agreement{signed}, nil, Report{}, nil},
	} {
		if got := c.partner.Due(c.offered, c.agreed, c.last, now); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
