package route

import (
	"net/http"

	"github.com/amanah-project/amanah/internal/domain/leak"
)

// ViewHeader has the name of what was opened at once, for whoever shows or prints it
// (docs/leak-tracing.md, single views). It stands beside what was opened, whose bytes stay as
// they were entered.
const ViewHeader = "Amanah-View"

// View names a view in an answer's head; the zero name is none.
func View(h http.Header, v leak.ViewToken) {
	if v != (leak.ViewToken{}) {
		h.Set(ViewHeader, v.String())
	}
}
