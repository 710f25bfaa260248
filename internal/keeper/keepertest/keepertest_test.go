package keepertest_test

import (
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/domain/staff/stafftest"
	"github.com/amanah-project/amanah/internal/durable/durabletest"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/keepertest"
)

// TestEnrol is also how a flow's test opens a record: a system's own proof.
func TestEnrol(t *testing.T) {
	serve, admin := keepertest.Both(t, durabletest.New(1))
	system := stafftest.Ed(t)
	keepertest.Enrol(t, admin, staff.Actor{ID: "client-1", Facility: "rs-99-001", Role: staff.RoleClient, Rights: staff.View, Key: system.JWK()})
	if _, err := admin.Register(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	ask := keeper.Ask{Proof: system.Proof(t, stafftest.Request("GET", stafftest.Origin+"/fhir/R4/Patient/1", time.Now()))}
	_, out, err := serve.OpenRecords(t.Context(), ask, []keeper.Read{{Person: 1, Records: true}})
	if err != nil || len(out) != 1 || out[0].Err != nil {
		t.Errorf("%+v %v", out, err)
	}
}
