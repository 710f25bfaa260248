package s3

import (
	"context"
	"net/http"
	"net/url"
)

// Ask makes one request of its own about a bucket, under its credential: for what a
// store does not do, as making the bucket, saying who may do what in it, and counting
// what is left in it.
func Ask(ctx context.Context, b Bucket, method string, query url.Values, content []byte) (status int, body []byte, err error) {
	base, _, err := parseURL(b.URL)
	if err != nil {
		return 0, nil, err
	}
	s := &Store{base: base, client: NewClient(&http.Transport{}), sign: signer{region: b.Region, key: b.Key, secret: b.Secret, now: nowOr(b.Now)}}
	a, err := s.call(ctx, request{method: method, query: query, body: content})
	return a.status, a.body, err
}
