package s3

import (
	"context"
	"net/http"
	"net/url"
)

// Ask makes a request of its own under a bucket's credential, for what a store does
// not do: making buckets, and counting what it leaves.
func Ask(ctx context.Context, b Bucket, method string, query url.Values) (status int, body []byte, err error) {
	base, _, err := parseURL(b.URL)
	if err != nil {
		return 0, nil, err
	}
	s := &Store{base: base, client: NewClient(&http.Transport{}), sign: signer{region: b.Region, key: b.Key, secret: b.Secret, now: nowOr(b.Now)}}
	a, err := s.call(ctx, request{method: method, query: query})
	return a.status, a.body, err
}
