package document_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/flow/care"
	"github.com/amanah-project/amanah/internal/flow/document"
	"github.com/amanah-project/amanah/internal/store"
	"github.com/amanah-project/amanah/internal/trace/index"
)

// TestDocumentsAreKnownAgain: a document that is kept, by itself or in a resource, has tags of
// its content beside its record; the same one again has others, and a record without any has
// none.
func TestDocumentsAreKnownAgain(t *testing.T) {
	r := newRig(t)
	raw, err := os.ReadFile(filepath.Join("..", "..", "format", "dicom", "testdata", "CT_small.dcm"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.put(document.Incoming{From: bytes.NewReader(raw)}); err != nil {
		t.Fatal(err)
	}
	note := "Keluhan batuk sejak 9 hari dan sesak sejak 3 hari, tekanan darah 130 per 85, suhu 38 koma 2, saturasi 94 persen, diagnosis J18"
	for range 2 {
		if _, err := r.put(document.Incoming{From: bytes.NewReader([]byte(note)), ContentType: "text/plain"}); err != nil {
			t.Fatal(err)
		}
	}
	for _, resource := range []string{
		fmt.Sprintf(`{"resourceType":"DocumentReference","status":"current","subject":{"reference":"Patient/%d"},"content":[{"attachment":{"contentType":"text/plain","data":%q}},{"attachment":{"contentType":"application/dicom","data":%q}}]}`,
			r.who, base64.StdEncoding.EncodeToString([]byte(note)), base64.StdEncoding.EncodeToString(raw)),
		fmt.Sprintf(`{"resourceType":"Condition","subject":{"reference":"Patient/%d"},"code":{"text":"batuk"}}`, r.who),
	} {
		done, err := r.Care.Enter(t.Context(), hospital, []care.Entry{{Person: r.who, Items: []care.Item{{Resource: r.Read(resource)}}}})
		if err != nil || done[0].Err != nil {
			t.Fatal(err, done)
		}
	}
	var rows []record.Row
	if err := r.DB.View(t.Context(), func(s store.Stores) (err error) {
		rows, err = s.Records.Walk(0, 100)
		return err
	}); err != nil || len(rows) != 5 {
		t.Fatal(len(rows), err)
	}
	var all [][]index.Document
	for _, row := range rows {
		all = append(all, index.ParseKnown(row.Known))
	}
	for i, want := range []int{1, 1, 1, 2, 0} {
		if len(all[i]) != want {
			t.Fatalf("row %d: %d documents of %d", i, len(all[i]), want)
		}
	}
	image, text, again, both := all[0][0], all[1][0], all[2][0], all[3]
	for place, there := range image.Tags {
		if there == 0 || place != index.OfFile && text.Tags[place] != 0 {
			t.Errorf("tag %d: of the image %x, of the text %x", place, there, text.Tags[place])
		}
	}
	if len(image.Words) != 0 || len(text.Words) == 0 || text.Tags[index.OfFile] == 0 {
		t.Errorf("%d and %d runs of words", len(image.Words), len(text.Words))
	}
	if text.Tags[index.OfFile] == again.Tags[index.OfFile] || text.Words[0] == again.Words[0] && text.Words[1] == again.Words[1] || text.Salt == again.Salt {
		t.Error("the same document twice has the same tags")
	}
	if len(both[0].Words) == 0 || both[1].Tags[index.OfPixels] == 0 {
		t.Errorf("the documents of a resource: %v", both)
	}
}
