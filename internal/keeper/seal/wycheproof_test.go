package seal

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"
)

// TestWycheproofHMAC runs the HMAC-SHA-256 vectors against the keeper's own function, on
// which its index, names of days and notes rest. Tags that were cut to 128 bits are in the
// file, as the index's are.
func TestWycheproofHMAC(t *testing.T) {
	raw, err := os.ReadFile("testdata/wycheproof/hmac_sha256_test.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		NumberOfTests int
		TestGroups    []struct {
			TagSize int // bits
			Tests   []struct {
				TcID                           int
				Comment, Key, Msg, Tag, Result string
			}
		}
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	unhex := func(s string) []byte {
		b, err := hex.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	ran, invalid := 0, 0
	for _, g := range file.TestGroups {
		for _, v := range g.Tests {
			ran++
			if v.Result != "valid" {
				invalid++
			}
			if same := bytes.Equal(MAC(unhex(v.Key), unhex(v.Msg))[:g.TagSize/8], unhex(v.Tag)); same != (v.Result == "valid") {
				t.Errorf("%d %s: equal %t, want %s", v.TcID, v.Comment, same, v.Result)
			}
		}
	}
	if ran != file.NumberOfTests || ran != 174 || invalid == 0 {
		t.Errorf("%d tests ran, %d of them invalid: the file is not what it was", ran, invalid)
	}
}
