package dicomweb

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/flow/care"
	"github.com/amanah-project/amanah/internal/web/route"
)

// level is what a search finds.
type level int

const (
	ofStudy level = iota
	ofSeries
	ofInstance
)

// keys are the attributes that are searched by, under their tag and their keyword.
var keys = map[string]func(*record.Image) string{
	"StudyInstanceUID":  func(i *record.Image) string { return i.Study },
	"SeriesInstanceUID": func(i *record.Image) string { return i.Series },
	"SOPInstanceUID":    func(i *record.Image) string { return i.Instance },
	"SOPClassUID":       func(i *record.Image) string { return i.Class },
	"Modality":          func(i *record.Image) string { return i.Modality },
	"ModalitiesInStudy": func(i *record.Image) string { return i.Modality },
	"StudyDate":         func(i *record.Image) string { return i.StudyDate },
	"AccessionNumber":   func(i *record.Image) string { return i.Accession },
	"StudyID":           func(i *record.Image) string { return i.StudyID },
}

var tags = map[string]string{
	"0020000D": "StudyInstanceUID", "0020000E": "SeriesInstanceUID", "00080018": "SOPInstanceUID", "00080016": "SOPClassUID",
	"00080060": "Modality", "00080061": "ModalitiesInStudy", "00080020": "StudyDate", "00080050": "AccessionNumber", "00200010": "StudyID",
}

// query is what is searched for.
type query struct {
	want          map[string]string
	limit, offset int
}

// parseQuery reads a search's parameters. What is not known is refused: to pass over it
// would find more than was asked for.
func parseQuery(values url.Values) (query, error) {
	q := query{want: map[string]string{}, limit: maxFound}
	for name, all := range values {
		if keyword, ok := tags[strings.ToUpper(name)]; ok {
			name = keyword
		}
		_, known := keys[name]
		switch {
		case name == "includefield": // what is kept is told in any case
			continue
		case len(all) != 1 || q.want[name] != "":
			return q, errQuery
		case name == "fuzzymatching" && all[0] == "false":
			continue
		case name == "limit" || name == "offset":
			n, err := strconv.ParseUint(all[0], 10, 31)
			if err != nil {
				return q, errQuery
			}
			if name == "limit" {
				q.limit = min(int(n), maxFound)
			} else {
				q.offset = int(n)
			}
			continue
		case !known || len(all[0]) > 1024:
			return q, errQuery
		case name == "StudyDate" && !dates(all[0]):
			return q, errRange
		}
		if all[0] != "" { // an empty value matches all (PS3.4 C.2.2.2.3)
			q.want[name] = all[0]
		}
	}
	return q, nil
}

// dates says whether a text is a date or a range of two.
func dates(s string) bool {
	from, until, ranged := strings.Cut(s, "-")
	ok := func(d string) bool {
		_, err := strconv.ParseUint(d, 10, 32)
		return d == "" && ranged || len(d) == 8 && err == nil
	}
	return s == "" || s != "-" && ok(from) && (!ranged || ok(until))
}

// holds says whether an instance is among those sought. UIDs may be a list, by commas
// or backslashes (PS3.4 C.2.2.2.2).
func (q *query) holds(i *record.Image) bool {
	for name, want := range q.want {
		have := keys[name](i)
		switch {
		case name == "StudyDate":
			from, until, ranged := strings.Cut(want, "-")
			if !ranged {
				until = from
			}
			if have == "" || have < from || until != "" && have > until {
				return false
			}
		case strings.HasSuffix(name, "UID"):
			if !slices.Contains(strings.FieldsFunc(want, func(r rune) bool { return r == ',' || r == '\\' }), have) {
				return false
			}
		case have != want:
			return false
		}
	}
	return true
}

// search makes the handler of a search within one person, and of a path below.
func search(of level) func(*Server, http.ResponseWriter, *request) error {
	return func(s *Server, w http.ResponseWriter, r *request) error {
		if err := takesJSON(r.Header.Values("Accept")); err != nil {
			return err
		}
		q, err := parseQuery(r.URL.Query())
		if err != nil {
			return err
		}
		found, err := s.images(r)
		if err != nil {
			return err
		}
		out := s.answer(r, of, found, &q)
		out = out[min(q.offset, len(out)):]
		if len(out) > q.limit {
			w.Header().Set("Warning", `299 `+s.Host+`: "there are more results: ask again with offset"`)
			out = out[:q.limit]
		}
		if len(out) == 0 {
			w.WriteHeader(http.StatusNoContent)
			return nil
		}
		route.View(w.Header(), found[0].View)
		return write(w, http.StatusOK, out)
	}
}

// entry is one result and what belongs to it.
type entry struct {
	image      *record.Image
	instances  int
	series     map[string]bool
	modalities []any
}

// answer groups the instances that a search holds, in the order in which they came.
func (s *Server) answer(r *request, of level, found []care.Record, q *query) []dataset {
	var order []string
	groups := map[string]*entry{}
	for n := range found {
		i := found[n].Image
		if !q.holds(i) {
			continue
		}
		key := i.Study
		switch of {
		case ofSeries:
			key += "/" + i.Series
		case ofInstance:
			key += "/" + i.Series + "/" + i.Instance
		}
		g := groups[key]
		if g == nil {
			g = &entry{series: map[string]bool{}}
			groups[key] = g
			order = append(order, key)
		}
		g.image, g.instances = i, g.instances+1
		g.series[i.Series] = true
		if i.Modality != "" && !slices.Contains(g.modalities, any(i.Modality)) {
			g.modalities = append(g.modalities, i.Modality)
		}
	}
	out := make([]dataset, 0, len(order))
	for _, key := range order {
		out = append(out, s.result(r, of, groups[key]))
	}
	return out
}

func (s *Server) result(r *request, of level, g *entry) dataset {
	d, i := dataset{}, g.image
	url := s.urlOf(r.person, i.Study)
	d.ofStudy(i, url)
	switch of {
	case ofStudy:
		d.put("00080061", "CS", g.modalities...)
		d.count("00201206", "IS", len(g.series))
		d.count("00201208", "IS", g.instances)
	case ofSeries:
		d.ofSeries(i)
		d.count("00201209", "IS", g.instances)
		d.put("00081190", "UR", url+"/series/"+i.Series)
	case ofInstance:
		d.ofSeries(i)
		d.ofInstance(i)
		d.put("00081190", "UR", url+"/series/"+i.Series+"/instances/"+i.Instance)
	}
	return d
}
