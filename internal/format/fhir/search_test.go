package fhir_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	. "github.com/amanah-project/amanah/internal/format/fhir"
)

const searched = `{"resourceType":"Observation","id":"1-70000","meta":{"lastUpdated":"2022-08-01T05:00:00.000Z"},"status":"final",
"category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"laboratory"}]}],
"code":{"coding":[{"system":"http://loinc.org","code":"718-7"},{"code":"hb"}]},"effectiveDateTime":"2021-07-01T08:30:00+07:00"}`

func TestSearch(t *testing.T) {
	for query, want := range map[string]bool{
		"": true, "code=718-7": true, "code=http://loinc.org|718-7": true, "code=http://loinc.org|": true, "code=|hb": true, "code=hb": true,
		"code=|718-7": false, "code=http://other|718-7": false, "code=718": false, "code=x,718-7": true, "code=718-7&code=hb": true, "code=718-7&code=x": false,
		`code=718-7\,x`: false, "status=final": true, "status=|final": true, "status=x|final": false, "category=laboratory": true, "category=imaging": false,
		"date=2021": true, "date=2021-07": true, "date=2021-07-01": true, "date=2021-07-02": false, "date=2021-07-01T08:30:00%2B07:00": true,
		"date=2021-07-01T01:30:00Z": true, "date=2021-07-01T08:30": true, "date=2021-07-01T08:31": false,
		"date=gt2021-06-30": true, "date=gt2021-07-01": false, "date=ge2021-07-01": true, "date=lt2021-07-01": false, "date=le2021-07-01": true,
		"date=lt2021-07-02": true, "date=sa2021-06-30": true, "date=sa2021-07-01": false, "date=eb2021-07-02": true, "date=eb2021-07-01": false,
		"date=ne2021-07-01": false, "date=ne2020": true, "date=2020,2021": true, "_id=1-70000": true, "_id=1-70001": false,
		"_lastUpdated=ge2022-08-01": true, "_lastUpdated=lt2022-08-01": false,
	} {
		values, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		q, err := ParseQuery("Observation", values)
		if err != nil {
			t.Errorf("%s: %v", query, err)
			continue
		}
		if got := q.Match([]byte(searched)); got != want {
			t.Errorf("%s: %t", query, got)
		}
	}
	for query, want := range map[string]error{
		"colour=x": ErrParameter, "code:not=x": ErrModifier, "code=": ErrToken, "code=a|b|c": ErrToken, "code=|": ErrToken, `code=\x`: ErrToken, "date=": ErrDate,
		"date=ap2021": ErrDate, "date=2021-02-30": ErrDate, "date=x": ErrDate, "date=0000": ErrDate, "_count=-1": ErrPage, "_count=01": ErrPage, "_count=1001": ErrPage, "_offset=x": ErrPage,
		"code=" + strings.Repeat("x", 300): ErrSearch, "code=" + strings.Repeat("x,", 16): ErrSearch, strings.Repeat("code=x&", 20): ErrSearch,
		"_sort=date": ErrParameter, "patient=1": ErrParameter,
	} {
		values, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParseQuery("Observation", values); !errors.Is(err, want) {
			t.Errorf("%.40s: %v, want %v", query, err, want)
		}
	}
}

// TestSearchPeriods: what has no end goes on, and what has no date is not found by one.
func TestSearchPeriods(t *testing.T) {
	match := func(period, query string) bool {
		t.Helper()
		values, _ := url.ParseQuery(query)
		q, err := ParseQuery("Encounter", values)
		if err != nil {
			t.Fatal(err)
		}
		return q.Match([]byte(`{"resourceType":"Encounter"` + period + `}`))
	}
	open, closed := `,"period":{"start":"2021-01-01"}`, `,"period":{"start":"2021-01-01","end":"2021-01-03"}`
	for _, c := range []struct {
		period, query string
		want          bool
	}{
		{open, "date=gt2030", true}, {open, "date=lt2021", false}, {open, "date=ge2021", true}, {open, "date=eb2030", false}, {open, "date=2021", false},
		{closed, "date=2021", true}, {closed, "date=2021-01-02", false}, {closed, "date=gt2021-01-02", true}, {closed, "date=gt2021-01-03", false},
		{"", "date=2021", false}, {"", "date=ne2021", false}, {`,"period":{}`, "date=ne2021", false},
	} {
		if got := match(c.period, c.query); got != c.want {
			t.Errorf("%s %s: %t", c.period, c.query, got)
		}
	}
}

// FuzzQuery: a search that is read finds in bounded time, and a refused one repeats
// nothing of what was asked.
func FuzzQuery(f *testing.F) {
	for _, s := range []string{"code=718-7&date=ge2021-07", `code=a\|b|c\,d,e`, "date=2021-07-01T08:30:00.123+07:00", "_count=5&_offset=10", "status=|x&category=y|"} {
		f.Add("Observation", s)
	}
	f.Add("Basic", "code=x")
	f.Fuzz(func(t *testing.T, typ, query string) {
		values, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		q, err := ParseQuery(typ, values)
		if err != nil {
			for _, all := range values {
				for _, v := range all {
					if len(v) > 10 && strings.Contains(err.Error(), v) {
						t.Errorf("%q: %v", query, err)
					}
				}
			}
			return
		}
		began := time.Now()
		q.Match([]byte(searched))
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("%q took %v", query, took)
		}
		if q.Count < 0 || q.Count > 1000 || q.Offset < 0 {
			t.Errorf("%q: %+v", query, q)
		}
	})
}
