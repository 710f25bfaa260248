//go:build !amanah_slowred && !amanah_longred

package relay

import "github.com/amanah-project/amanah/internal/web/api"

// leak returns a sealed answer as it is.
func leak(sealed []byte, _ api.Response) []byte { return sealed }
