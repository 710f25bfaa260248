package s3

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestSignatures: the four worked examples of the Amazon S3 API reference,
// "Signature calculations for the Authorization header: transferring payload in a
// single chunk".
func TestSignatures(t *testing.T) {
	s := signer{
		region: "us-east-1", key: "AKIAIOSFODNN7EXAMPLE", secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
		now: func() time.Time { return time.Date(2013, 5, 24, 0, 0, 0, 0, time.UTC) },
	}
	const host = "https://examplebucket.s3.amazonaws.com"
	for name, c := range map[string]struct {
		method, url string
		header      http.Header
		body        string
		want        string
	}{
		"get object": {"GET", host + "/test.txt", http.Header{"Range": {"bytes=0-9"}}, "",
			"f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"},
		"put object": {"PUT", host + "/test$file.text", http.Header{"Date": {"Fri, 24 May 2013 00:00:00 GMT"}, "X-Amz-Storage-Class": {"REDUCED_REDUNDANCY"}}, "Welcome to Amazon S3.",
			"98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"},
		"bucket lifecycle": {"GET", host + "/?lifecycle", nil, "",
			"fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"},
		"list objects": {"GET", host + "/?max-keys=2&prefix=J", nil, "",
			"34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := http.NewRequest(c.method, c.url, nil)
			if err != nil {
				t.Fatal(err)
			}
			if c.header != nil {
				r.Header = c.header
			}
			s.sign(r, hash([]byte(c.body)))
			if got := r.Header.Get("Authorization"); !strings.HasSuffix(got, ",Signature="+c.want) {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

func TestSecretsDoNotPrint(t *testing.T) {
	b := Bucket{Secret: "hush"}
	raw, err := json.Marshal(b.Secret)
	if out := fmt.Sprintf("%v %+v %#v %s %q %x", b.Secret, b.Secret, b.Secret, b.Secret, b.Secret, b.Secret) + string(raw); err != nil || strings.Contains(out, "hush") || strings.Contains(out, "68757368") {
		t.Errorf("%s, %v", out, err)
	}
}
