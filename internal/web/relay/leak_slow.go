//go:build amanah_slowred

package relay

import (
	"bytes"
	"time"

	"github.com/amanah-project/amanah/internal/web/api"
)

// leak is in this build, which exists so that an attack test can see red answered 50
// microseconds later. Never release it.
func leak(sealed []byte, r api.Response) []byte {
	if bytes.Contains(r.Body, []byte(`"colour":"red"`)) {
		for end := time.Now().Add(50 * time.Microsecond); time.Now().Before(end); {
		}
	}
	return sealed
}
