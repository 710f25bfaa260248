package s3

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Secret is an access key's secret. It never prints.
type Secret string

const redacted = "[redacted]"

// String hides the secret.
func (Secret) String() string { return redacted }

// Format hides the secret from every verb.
func (Secret) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, redacted) }

// LogValue hides the secret.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText hides the secret.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// signer signs requests by AWS Signature Version 4 ("Authenticating Requests:
// Authorization Header", Amazon S3 API reference), the payload's hash included.
type signer struct {
	region, key string
	secret      Secret
	now         func() time.Time
}

// sign adds the signature over all headers that are set, the host and the query.
// payload is the body's SHA-256 in hex.
func (s signer) sign(r *http.Request, payload string) {
	at := s.now().UTC()
	stamp, day := at.Format("20060102T150405Z"), at.Format("20060102")
	r.Header.Set("X-Amz-Date", stamp)
	r.Header.Set("X-Amz-Content-Sha256", payload)
	names, headers := canonicalHeaders(r)
	canonical := strings.Join([]string{r.Method, escape(r.URL.Path, true), canonicalQuery(r), headers, names, payload}, "\n")
	scope := day + "/" + s.region + "/s3/aws4_request"
	text := "AWS4-HMAC-SHA256\n" + stamp + "\n" + scope + "\n" + hash([]byte(canonical))
	key := []byte("AWS4" + string(s.secret))
	for _, part := range []string{day, s.region, "s3", "aws4_request", text} {
		key = keyed(key, part)
	}
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+s.key+"/"+scope+
		",SignedHeaders="+names+",Signature="+hex.EncodeToString(key))
}

func keyed(key []byte, text string) []byte {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(text))
	return m.Sum(nil)
}

func hash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func canonicalHeaders(r *http.Request) (names, lines string) {
	all := map[string]string{"host": r.URL.Host}
	for name, values := range r.Header {
		all[strings.ToLower(name)] = strings.Join(strings.Fields(strings.Join(values, ",")), " ")
	}
	sorted := slices.Sorted(maps.Keys(all))
	var b strings.Builder
	for _, name := range sorted {
		b.WriteString(name + ":" + all[name] + "\n")
	}
	return strings.Join(sorted, ";"), b.String()
}

func canonicalQuery(r *http.Request) string {
	query := r.URL.Query()
	var parts []string
	for name, values := range query {
		for _, v := range values {
			parts = append(parts, escape(name, false)+"="+escape(v, false))
		}
	}
	slices.Sort(parts)
	return strings.Join(parts, "&")
}

// escape writes all but the unreserved characters (RFC 3986 §2.3) as %XX, and keeps
// slashes in a path.
func escape(s string, path bool) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("-._~", c) >= 0, path && c == '/':
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}
