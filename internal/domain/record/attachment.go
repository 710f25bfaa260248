package record

import (
	"encoding/base64"
	"errors"
	"strings"

	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/format/fhir"
)

// CheckAttachments looks into the documents that stand in a resource, as into those that
// are sent by themselves: what is not whole, is of another content type than it says, or
// would run something where it is opened, is refused. It fails with *fhir.Invalid, which
// names the place.
func CheckAttachments(r *fhir.Resource) error {
	var issues []fhir.Issue
	for _, a := range r.Attachments() {
		data := a.Data
		if strings.ContainsAny(data, " \t") { // allowed, and rare
			data = strings.Join(strings.Fields(data), "")
		}
		_, err := Look(base64.NewDecoder(base64.StdEncoding, strings.NewReader(data)), a.ContentType)
		if err == nil {
			continue
		}
		if _, broken := errors.AsType[base64.CorruptInputError](err); broken {
			err = errBase64
		}
		if issues = append(issues, fhir.Issue{Code: "invalid", Place: a.Place, Why: fault.Text(err)}); len(issues) == maxTold {
			break
		}
	}
	if len(issues) > 0 {
		return &fhir.Invalid{Issues: issues, More: len(issues) == maxTold}
	}
	return nil
}

// maxTold bounds the documents that one answer tells about.
const maxTold = 20

// errBase64: the standard's elements are known to be base64, those of an extension may
// not be.
var errBase64 = fault.New(fault.Invalid, "the data is not base64")
