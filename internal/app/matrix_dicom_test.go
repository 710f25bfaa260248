package app

import (
	"bytes"
	"mime/multipart"
	"net/textproto"
	"strings"

	"github.com/amanah-project/amanah/internal/format/dicom"
	"github.com/amanah-project/amanah/internal/format/dicom/dicomtest"
	"github.com/amanah-project/amanah/internal/web/dicomweb"
)

// image is one of the ward's person.
func (w *ward) image() []byte {
	return dicomtest.Image(map[dicom.Tag]string{
		dicomtest.PatientID: w.nik, dicomtest.Name: "Uji^Orang", dicomtest.Birth: "19900101",
		dicomtest.Study: "1.2.3", dicomtest.Series: "1.2.3.1", dicomtest.Instance: "1.2.3.1.1",
	}, 40)
}

// dicomMatrix is who may ask for what of images. The columns are those of fhirMatrix;
// the first rows store what the others ask for.
func dicomMatrix() []fhirRow {
	enters := [fhirRoles]int{401, 401, 401, 200, 200, 403, 401, 200}
	views := [fhirRoles]int{401, 401, 401, 403, 200, 403, 401, 200}
	never := [fhirRoles]int{401, 401, 401, 403, 406, 403, 401, 406} // nothing is rendered, for who is admitted
	store := func(path string) func(w *ward) (string, string, string, []string) {
		return func(w *ward) (string, string, string, []string) {
			var b bytes.Buffer
			m := multipart.NewWriter(&b)
			one, err := m.CreatePart(textproto.MIMEHeader{"Content-Type": {"application/dicom"}})
			if err == nil {
				_, err = one.Write(w.image())
			}
			if err != nil || m.Close() != nil {
				w.t.Fatal("write the image: ", err)
			}
			return dicomweb.Base + path, `multipart/related; type="application/dicom"; boundary=` + m.Boundary(), b.String(), nil
		}
	}
	rows := []fhirRow{
		{"POST /dicomweb/studies", store("/studies"), enters},
		{"POST /dicomweb/studies/{study}", store("/studies/1.2.3"), enters},
	}
	for _, path := range []string{
		"/studies", "/series", "/instances", "/studies/{study}/series", "/studies/{study}/instances", "/studies/{study}/series/{series}/instances",
		"/studies/{study}", "/studies/{study}/metadata", "/studies/{study}/rendered",
		"/studies/{study}/series/{series}", "/studies/{study}/series/{series}/metadata", "/studies/{study}/series/{series}/rendered",
		"/studies/{study}/series/{series}/instances/{instance}", "/studies/{study}/series/{series}/instances/{instance}/metadata",
		"/studies/{study}/series/{series}/instances/{instance}/rendered",
	} {
		want := views
		if strings.HasSuffix(path, "/rendered") {
			want = never
		}
		rows = append(rows, fhirRow{"GET /dicomweb/patients/{person}" + path, func(w *ward) (string, string, string, []string) {
			at := strings.NewReplacer("{study}", "1.2.3", "{series}", "1.2.3.1", "{instance}", "1.2.3.1.1").Replace(path)
			return dicomweb.Base + "/patients/" + w.person + at, "", "", nil
		}, want})
	}
	return rows
}
