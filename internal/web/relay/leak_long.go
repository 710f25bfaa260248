//go:build amanah_longred

package relay

import (
	"bytes"

	"github.com/amanah-project/amanah/internal/web/api"
)

// leak is in this build, which exists so that an attack test can see red answered
// with one byte more. Never release it.
func leak(sealed []byte, r api.Response) []byte {
	if bytes.Contains(r.Body, []byte(`"colour":"red"`)) {
		return append(sealed, 0)
	}
	return sealed
}
