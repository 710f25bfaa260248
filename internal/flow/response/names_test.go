package response_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/durable"
	"github.com/amanah-project/amanah/internal/durable/durabletest"
	"github.com/amanah-project/amanah/internal/flow/response"
	"github.com/amanah-project/amanah/internal/keeper"
)

// TestNamesOfACase: a case has keyed ids; who they are is sealed to one recipient, by a request
// of its own that two officers approve, of the people that were found and of no others.
func TestNamesOfACase(t *testing.T) {
	s := open(t, 6)
	_, text := s.copy(staff.FormCSV)
	dir, body := s.evidence(text)
	id := s.approved(body)
	folder := durabletest.New(1)
	f := response.Flow{DB: s.DB, Keeper: s.Keeper, Index: s.index, Case: folder, Workers: 2, Version: "test"}
	if _, err := f.Run(t.Context(), id, []string{dir}, body); err != nil {
		t.Fatal(err)
	}
	for _, who := range []string{"Warga", "99010104039"} {
		if folder.Contains(who) {
			t.Fatalf("the folder names %q", who)
		}
	}
	n := response.Naming{DB: s.DB, Keeper: s.Keeper, Case: folder, Now: time.Now}
	to := s.to.Recipient().String()
	if _, err := n.Request(t.Context(), "art. 46", to, 2); !errors.Is(err, response.ErrPart) {
		t.Errorf("a part there is not: %v", err)
	}
	if _, err := n.Request(t.Context(), "art. 46", "somebody", 1); !errors.Is(err, response.ErrRecipient) {
		t.Errorf("to nobody: %v", err)
	}
	r, err := n.Request(t.Context(), "art. 46", to, 1)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if _, err := n.Run(t.Context(), r.ID(), &out); !errors.Is(err, keeper.ErrNames) || out.Len() != 0 {
		t.Errorf("nobody approved: %v, %d bytes", err, out.Len())
	}
	s.Approve(r.ID())
	done, err := n.Run(t.Context(), r.ID(), &out)
	if err != nil || done.People != 6 || done.Gone != 0 {
		t.Fatalf("%+v %v", done, err)
	}
	if bytes.Contains(out.Bytes(), []byte("Warga")) || bytes.Contains(out.Bytes(), []byte("990101")) {
		t.Error("it is not sealed")
	}
	plain, err := age.Decrypt(&out, s.to)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(plain)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(raw)).ReadAll()
	if err != nil || len(rows) != 7 {
		t.Fatalf("%d rows: %v", len(rows), err)
	}
	listed, err := durable.ReadFile(folder, "matched.csv")
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows[1:] {
		if !bytes.Contains(listed, []byte("person,"+row[0]+"\n")) || !strings.HasPrefix(row[1], "99010104039") || !strings.HasPrefix(row[2], "Warga ") {
			t.Errorf("%v", row)
		}
	}

	// Somebody adds a person to the folder whom nobody found.
	if err := durable.WriteFile(folder, "matched.csv", append([]byte("kind,id\nperson,0000000000000001\n"), listed[len("kind,id\n"):]...)); err != nil {
		t.Fatal(err)
	}
	if _, err := n.Request(t.Context(), "art. 46", to, 1); !errors.Is(err, response.ErrCase) {
		t.Errorf("a folder that was altered: %v", err)
	}
	if _, err := n.Run(t.Context(), r.ID(), io.Discard); !errors.Is(err, response.ErrCase) {
		t.Errorf("a folder that was altered: %v", err)
	}
}
